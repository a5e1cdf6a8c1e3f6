"""The bodies of a tree: who may sign what, for how long, and how each follows the last."""

from datetime import timedelta

import pytest
from securesystemslib.signer import Signature
from tuf.api.metadata import Snapshot, Targets

from sampan.offline_packages.roles import to_ms
from sampan.offline_packages.signed_bytes import read_body, read_metadata, sign_body
from sampan.platform.crypto.keys import PrivateKey, PublicKey
from sampan.platform.trust.bodies import (
    AppAlreadyDelegated,
    AppNotDelegated,
    KeyHasAnotherPurpose,
    OfficersWrong,
    app_keys,
    delegated_apps,
    first_targets,
    make_root,
    next_control_body,
    next_root,
    next_snapshot,
    next_timestamp,
    renewed_targets,
    role_keys,
    tree_of,
    with_app,
    with_app_keys,
    with_control_key,
    with_envelope_keys,
)

TREE, NOW = "demo/intl", 1_800_000_000_000
A, B = "bank.demo.a", "bank.demo.b"
OFFICERS = [PrivateKey.generate("es256") for _ in range(3)]
PUBLIC = [officer.public for officer in OFFICERS]
SNAPSHOT, TIMESTAMP, CONTROL, REVIEW, PUBLISHER, OTHER = (PrivateKey.generate().public for _ in range(6))
ROOT = make_root(TREE, PUBLIC, snapshot=SNAPSHOT, timestamp=TIMESTAMP, now_ms=NOW)


def targets() -> Targets:
    return first_targets(TREE, control=CONTROL, now_ms=NOW)


def with_a() -> Targets:
    return with_app(targets(), A, publisher=PUBLISHER, review=REVIEW, now_ms=NOW)


def life(body: object) -> timedelta:
    assert hasattr(body, "expires")
    return timedelta(milliseconds=to_ms(body.expires) - NOW)


def test_any_two_of_three_officers_sign_root_and_targets() -> None:
    assert {name: (len(role.keyids), role.threshold) for name, role in ROOT.roles.items()} == {
        "root": (3, 2),
        "targets": (3, 2),
        "snapshot": (1, 1),
        "timestamp": (1, 1),
    }
    assert ROOT.consistent_snapshot is True
    assert life(ROOT) == timedelta(days=365)
    assert tree_of(ROOT) == TREE


@pytest.mark.parametrize("officers", [PUBLIC[:2], [*PUBLIC, OTHER], [PUBLIC[0], PUBLIC[0], PUBLIC[1]], []])
def test_a_tree_has_three_different_officers(officers: list[PublicKey]) -> None:
    with pytest.raises(OfficersWrong):
        make_root(TREE, officers, snapshot=SNAPSHOT, timestamp=TIMESTAMP, now_ms=NOW)


def test_an_online_key_is_no_officers_and_not_another_online_key() -> None:
    for snapshot, timestamp in ((PUBLIC[0], TIMESTAMP), (SNAPSHOT, PUBLIC[2]), (SNAPSHOT, SNAPSHOT)):
        with pytest.raises(KeyHasAnotherPurpose):
            make_root(TREE, PUBLIC, snapshot=snapshot, timestamp=timestamp, now_ms=NOW)


def test_the_next_root_replaces_only_the_keys_it_names() -> None:
    following = next_root(ROOT, timestamp=OTHER, now_ms=NOW + 1000)
    assert following.version == 2
    assert role_keys(following, "timestamp") == [OTHER]
    assert role_keys(following, "snapshot") == [SNAPSHOT]
    assert role_keys(following, "root") == PUBLIC
    assert role_keys(ROOT, "timestamp") == [TIMESTAMP]


def test_a_new_root_needs_two_old_and_two_new_officers() -> None:
    new = [PrivateKey.generate() for _ in range(3)]
    following = next_root(ROOT, officers=[key.public for key in new], now_ms=NOW)
    for signers, is_good in (((*OFFICERS[:2], *new[1:]), True), ((*OFFICERS[:2],), False), ((*new,), False)):
        data = sign_body(following, *signers)
        metadata = read_body(data, type(following))
        result = metadata.get_root_verification_result(ROOT, *_signed(data))
        assert bool(result) is is_good


def _signed(data: bytes) -> tuple[bytes, dict[str, Signature]]:
    metadata = read_metadata(data)
    return metadata.signed_bytes, metadata.signatures


def test_an_app_role_has_two_keys_needs_both_and_covers_its_own_paths() -> None:
    body = with_a()
    assert body.version == 2
    assert body.delegations is not None
    assert body.delegations.roles is not None
    role = body.delegations.roles[f"app.{A}"]
    assert (len(role.keyids), role.threshold, role.terminating, role.paths) == (2, 2, True, [f"apps/{A}/*/*"])
    assert app_keys(body, A) == (PUBLISHER, REVIEW)
    assert role.is_delegated_path(f"apps/{A}/7/index.json")
    for path in (f"apps/{B}/7/index.json", f"apps/{A}/7/x/index.json", f"apps/{A}/index.json", "control/x.json"):
        assert not role.is_delegated_path(path)


def test_the_control_role_is_one_online_key_and_its_folder() -> None:
    body = targets()
    assert role_keys(body, "control") == [CONTROL]
    role = body.get_delegated_role("control")
    assert (role.threshold, getattr(role, "paths", None)) == (1, ["control/*"])


def test_an_id_is_delegated_once() -> None:
    with pytest.raises(AppAlreadyDelegated):
        with_app(with_a(), A, publisher=OTHER, review=REVIEW, now_ms=NOW)


def test_an_app_without_a_role_has_no_keys() -> None:
    with pytest.raises(AppNotDelegated):
        app_keys(targets(), A)


@pytest.mark.parametrize(
    ("publisher", "review"),
    [(REVIEW, REVIEW), (REVIEW, PUBLISHER), (OTHER, PUBLISHER), (CONTROL, REVIEW), (PUBLISHER, CONTROL)],
)
def test_a_key_has_one_purpose(publisher: PublicKey, review: PublicKey) -> None:
    body = with_a()
    with pytest.raises(KeyHasAnotherPurpose):
        with_app(body, B, publisher=publisher, review=review, now_ms=NOW)


def test_one_publisher_key_serves_all_its_owners_apps() -> None:
    body = with_app(with_a(), B, publisher=PUBLISHER, review=REVIEW, now_ms=NOW)
    assert delegated_apps(body) == [A, B]
    assert app_keys(body, B) == app_keys(body, A)


def test_rotation_replaces_the_publishers_key_and_forgets_the_old_one() -> None:
    body = with_app_keys(with_a(), A, publisher=OTHER, now_ms=NOW)
    assert (body.version, app_keys(body, A)) == (3, (OTHER, REVIEW))
    assert body.delegations is not None
    assert len(body.delegations.keys) == 3


def test_rotation_of_one_app_keeps_the_key_for_the_others() -> None:
    both = with_app(with_a(), B, publisher=PUBLISHER, review=REVIEW, now_ms=NOW)
    body = with_app_keys(both, A, publisher=OTHER, now_ms=NOW)
    assert app_keys(body, B) == (PUBLISHER, REVIEW)


def test_the_control_key_and_the_envelope_keys_change_by_the_officers_hand() -> None:
    body = with_control_key(with_a(), OTHER, now_ms=NOW)
    assert role_keys(body, "control") == [OTHER]
    assert app_keys(body, A) == (PUBLISHER, REVIEW)
    body = with_envelope_keys(body, [SNAPSHOT], now_ms=NOW)
    assert body.unrecognized_fields["x-sampan-envelope"] == [SNAPSHOT.pem()]


def test_renewed_targets_change_version_and_expiry_alone() -> None:
    body = with_a()
    renewed = renewed_targets(body, now_ms=NOW + 1000)
    assert renewed.version == 3
    renewed.version, renewed.expires = body.version, body.expires
    assert renewed.to_dict() == body.to_dict()


def test_the_control_role_lists_each_apps_file_for_one_day() -> None:
    first = next_control_body(None, {A: b"{}"}, tree=TREE, now_ms=NOW)
    second = next_control_body(first, {B: b"{1}", A: b"{}"}, tree=TREE, now_ms=NOW)
    assert (first.version, second.version) == (1, 2)
    assert set(second.targets) == {f"control/{A}.json", f"control/{B}.json"}
    assert life(second) == timedelta(days=1)
    assert set(first.targets) == {f"control/{A}.json"}


def test_a_snapshot_lists_every_role_and_never_goes_back() -> None:
    first = next_snapshot(None, {"targets": 2, "control": 1, f"app.{A}": 1}, tree=TREE, now_ms=NOW)
    assert {name: meta.version for name, meta in first.meta.items()} == {
        "targets.json": 2,
        "control.json": 1,
        f"app.{A}.json": 1,
    }
    assert life(first) == timedelta(days=7)
    second = next_snapshot(first, {"targets": 2, "control": 2, f"app.{A}": 1}, tree=TREE, now_ms=NOW)
    assert second.version == 2
    for versions in ({"targets": 2, "control": 2}, {"targets": 1, "control": 2, f"app.{A}": 1}):
        with pytest.raises(ValueError, match="disappear"):
            next_snapshot(second, versions, tree=TREE, now_ms=NOW)


def test_a_timestamp_binds_the_snapshots_bytes_and_the_audit_head() -> None:
    data = sign_body(Snapshot(), OFFICERS[0])
    head = {"seq": 7, "hash": "sha256:" + "0" * 64}
    first = next_timestamp(None, data, snapshot_version=4, tree=TREE, audit=head, now_ms=NOW)
    assert life(first) == timedelta(hours=24)
    assert first.unrecognized_fields["x-sampan-audit"] == head
    assert first.snapshot_meta.version == 4
    first.snapshot_meta.verify_length_and_hashes(data)
    assert next_timestamp(first, data, snapshot_version=4, tree=TREE, audit=head, now_ms=NOW).version == 2
