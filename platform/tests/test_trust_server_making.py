"""What the publisher job signs when, hour by hour for a fortnight: pure, no server."""

from msgspec.structs import replace

from sampan.offline_packages.roles import to_ms
from sampan.offline_packages.signed_bytes import read_metadata
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.testing_trust import DAY_MS, HOUR_MS, NOW_MS
from sampan.platform.trust.bodies import first_targets, make_root
from sampan.platform.trust.making import Made, TreeFacts, make
from sampan.platform.trust.metadata_rows import RoleMetadata
from sampan.platform.trust.tree_rows import Tree

TREE = "bank-a/intl"
SNAPSHOT, TIMESTAMP, CONTROL = (PrivateKey.generate() for _ in range(3))
KEYS = {key_id(each.public): each for each in (SNAPSHOT, TIMESTAMP, CONTROL)}


def _facts() -> TreeFacts:
    officers = [PrivateKey.generate().public for _ in range(3)]
    root = make_root(TREE, officers, snapshot=SNAPSHOT.public, timestamp=TIMESTAMP.public, now_ms=NOW_MS)
    return TreeFacts(
        name=TREE,
        tree=Tree("bank-a", "intl", 1, 0, 0, 0, 0, 0, 0, {}, 0, 1, "", 0),
        root=root,
        exposed_root=root,
        targets=first_targets(TREE, control=CONTROL.public, now_ms=NOW_MS),
        versions={"targets": 1},
        controls={},
        control=None,
        snapshot=None,
        timestamp=None,
        audit={"n": 0, "hash": digest(b"")},
        now_ms=NOW_MS,
    )


def _after(facts: TreeFacts, made: Made) -> TreeFacts:
    """Return the facts once `made` is stored and exposed."""
    stored = {role: _stored(role, body, facts.now_ms) for role, body in made.bodies.items()}
    tree = replace(
        facts.tree, made_timestamp=made.timestamp_version, made_root=made.root_version, made_changed=made.changed
    )
    control = stored.get("control", facts.control)
    assert control is not None
    return replace(
        facts,
        tree=tree,
        versions={"targets": 1, "control": control.version},
        control=control,
        snapshot=stored.get("snapshot", facts.snapshot),
        timestamp=stored["timestamp"],
    )


def _stored(role: str, body: bytes, now_ms: int) -> RoleMetadata:
    signed = read_metadata(body).signed
    return RoleMetadata("intl", role, signed.version, body, "", to_ms(signed.expires), now_ms)


def test_nothing_comes_near_its_end_and_nothing_is_signed_too_often() -> None:
    facts, signed = _facts(), {"control": 0, "snapshot": 0, "timestamp": 0}
    least = dict.fromkeys(signed, 10**15)
    for hour in range(24 * 14):
        facts = replace(facts, now_ms=NOW_MS + hour * HOUR_MS)
        made = make(facts, KEYS)
        assert made is not None
        for role in made.bodies:
            signed[role] += 1
        facts = _after(facts, made)
        for role, stored in (("control", facts.control), ("snapshot", facts.snapshot), ("timestamp", facts.timestamp)):
            assert stored is not None
            least[role] = min(least[role], stored.expires_ms - facts.now_ms)
    assert least == {"control": 12 * HOUR_MS + HOUR_MS, "snapshot": 6 * DAY_MS + 13 * HOUR_MS, "timestamp": DAY_MS}
    assert signed == {"control": 28, "snapshot": 28, "timestamp": 24 * 14}


def test_a_quiet_hour_signs_nothing() -> None:
    facts = _facts()
    made = make(facts, KEYS)
    assert made is not None
    facts = replace(_after(facts, made), now_ms=NOW_MS + HOUR_MS - 1000)
    assert make(facts, KEYS) is None


def test_a_change_that_brings_no_new_body_still_gets_a_timestamp() -> None:
    facts = _facts()
    made = make(facts, KEYS)
    assert made is not None
    facts = _after(facts, made)
    changed = make(replace(facts, tree=replace(facts.tree, changed=2)), KEYS)
    assert changed is not None
    assert set(changed.bodies) == {"timestamp"}
    assert changed.changed == 2


def test_control_signed_by_another_key_is_signed_anew() -> None:
    facts = _facts()
    made = make(facts, KEYS)
    assert made is not None
    facts = _after(facts, made)
    fresh = PrivateKey.generate()
    targets = first_targets(TREE, control=fresh.public, now_ms=NOW_MS)
    again = make(replace(facts, targets=targets), {**KEYS, key_id(fresh.public): fresh})
    assert again is not None
    assert list(read_metadata(again.bodies["control"]).signatures) == [key_id(fresh.public)]
