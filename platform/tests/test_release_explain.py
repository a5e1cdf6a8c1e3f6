"""Explaining agrees with what sync answers, whatever the releases and the device; and each reason is the right one."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pytest
from audience_drawn import CUSTOMERS, DEVICES, SAVED, TAGS, TEXTS, VERSIONS, rules
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pyroaring import BitMap
from release_drawn import APP, drawn_releases, release

from sampan.platform.audience.attributes import Privacy
from sampan.platform.audience.audience_rows import PART as AUDIENCES
from sampan.platform.audience.audience_rows import AudiencesPart, SavedAudience
from sampan.platform.audience.explain import Explanation
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.known import facts_of
from sampan.platform.audience.rules import for_tiers
from sampan.platform.audience.tag_states import LOG, TagStates
from sampan.platform.engines.log import Cursor
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.tiers import Tier
from sampan.platform.insight.tickets import Tickets
from sampan.platform.release.caps import Cap
from sampan.platform.release.decide import DeliverableSnapshot
from sampan.platform.release.explaining import Action, Explained, Whom, Why, explain_deliverable
from sampan.platform.release.repository import Release
from sampan.platform.release.snapshot import candidate_of
from sampan.platform.release.stages import Stage
from sampan.platform.release.states import OFFERING, ReleaseState
from sampan.platform.release.sync import ControlState, Installed, ReleasesPart, SyncDevice, SyncRequest, answer
from sampan.platform.workspaces.replica import WorkspaceView

TICKETS = Tickets(bytes(32))
NOW_MS = 50
S = ReleaseState


def a_view(saved: Mapping[str, Any]) -> WorkspaceView:
    audiences = AudiencesPart([SavedAudience(name, name, "", rule, 1, "", 0, 0) for name, rule in saved.items()])
    tags = TagStates((name, BitMap(members)) for name, members in TAGS.items())
    return WorkspaceView(Cursor(1, 5), {AUDIENCES: audiences}, {LOG: tags}, {}, {})


def synced(
    view: WorkspaceView,
    releases: Sequence[Release],
    control: ControlState,
    caller: Caller,
    request: SyncRequest,
    places: frozenset[str],
) -> list[dict[str, Any]]:
    """Return what sync offers, from a part that is compiled as a worker compiles it."""
    offering = sorted(
        (each for each in releases if each.state in OFFERING and each.is_exposed),
        key=lambda each: (each.kind, each.deliverable_id, -each.sequence, [-ord(sign) for sign in each.id]),
    )
    snapshots = [DeliverableSnapshot("miniapp", APP, [candidate_of(each) for each in offering])] if offering else []
    part = ReleasesPart(snapshots, {APP: control})
    found = json.loads(answer(view, part, caller, request, tickets=TICKETS, now_ms=NOW_MS, places=places))
    return list(found["offers"])


devices = st.builds(
    SyncDevice,
    platform=st.sampled_from(["", "Android", "ios"]),
    os_version=st.sampled_from(["", "x", *VERSIONS]),
    app_version=st.sampled_from(["", *VERSIONS]),
    host_version=st.integers(0, 6),
    model=st.sampled_from(["", *TEXTS["model"]]),
    region=st.sampled_from(["", *TEXTS["region"]]),
    network=st.sampled_from(["", *TEXTS["network"]]),
    lang=st.sampled_from(["", *TEXTS["language"]]),
)
callers = st.builds(
    lambda app, device, subject, customer, tier: Caller("bank-a", app, device, subject, customer, tier, 0, 0, ""),
    st.sampled_from(["retail", "staff"]),
    st.sampled_from(DEVICES),
    st.integers(0, 5),
    st.sampled_from([None, *CUSTOMERS]),
    st.sampled_from(Tier),
)
pairs = st.frozensets(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=6)
controls = st.builds(ControlState, st.just("1.1"), st.frozensets(st.integers(1, 4), max_size=2), pairs)


@given(
    drawn_releases(),
    devices,
    callers,
    controls,
    st.none() | st.integers(1, 4),
    st.dictionaries(st.sampled_from(SAVED), rules.filter(lambda rule: "aud_" not in json.dumps(rule)), max_size=3),
    st.data(),
)
def test_what_is_explained_is_what_sync_answers(
    releases: list[Release],
    device: SyncDevice,
    caller: Caller,
    control: ControlState,
    installed: int | None,
    saved: dict[str, Any],
    data: st.DataObject,
) -> None:
    view = a_view(saved)
    capped = [each.id for each in releases if each.cap is not None]
    places = frozenset(data.draw(st.lists(st.sampled_from(capped)))) if capped else frozenset[str]()
    held = [Installed("miniapp", APP, "1", installed, "")] if installed is not None else []
    request = SyncRequest(caller.client_app, device=device, installed=held)
    offers = synced(view, releases, control, caller, request, places)
    bare = synced(view, releases, control, caller, SyncRequest(caller.client_app, device=device), places)
    claims = device.claims()
    facts = replace(facts_of(view, caller, now_ms=NOW_MS, claims=claims), places=places)
    whom = Whom(facts, is_device=True, host_version=claims.host_version)
    found = explain_deliverable(whom, "miniapp", APP, releases, control=control, installed=installed)
    offered = [found.offered.id] if found.offered else []
    assert [each["release"] for each in bare] == offered
    acts = found.action in (Action.INSTALL, Action.ROLLBACK, Action.REMOVE)
    assert [each["action"] for each in offers] == ([str(found.action)] if acts else [])
    assert (found.why is Why.MATCHED) is (found.offered is not None)
    for each in found.releases:
        assert (each.why is Why.MATCHED) is (each.release.id in offered)
        assert each.rule.outcome is not True or candidate_of(each.release).audience.matches(facts)
    assert found.more == 0
    assert {each.release.id for each in found.releases} == {each.id for each in releases}


def of_full(**changes: Any) -> Facts:
    return Facts(Tier.FULL, 1, **{"device": DEVICES[0], "client_app": "retail", **changes})


def explained(*releases: Release, whom: Whom | None = None, **more: Any) -> Explained:
    return explain_deliverable(
        whom or Whom(of_full(), is_device=True, host_version=3), "miniapp", APP, releases, **more
    )


def whys(found: Explained) -> list[tuple[int, Why]]:
    return [(each.release.sequence, each.why) for each in found.releases]


VISITORS = for_tiers(Tier.VISITOR)
KILLED = ControlState("1.2", frozenset({2}), frozenset())


@pytest.mark.parametrize(
    ("changes", "why", "outcome"),
    [
        ({}, Why.MATCHED, True),
        ({"audience": VISITORS}, Why.NOT_IN_AUDIENCE, False),
        ({"audience": {"attr": "region", "op": "in", "values": ["hk"]}}, Why.NOT_IN_AUDIENCE, None),
        ({"client_app": "staff"}, Why.OTHER_CLIENT_APP, False),
        ({"min_host": 4}, Why.HOST_TOO_OLD, False),
        ({"cap": Cap(1)}, Why.NO_PLACE, True),
        ({"cap": Cap(1), "audience": VISITORS}, Why.NOT_IN_AUDIENCE, False),
        ({"is_exposed": False}, Why.NOT_EXPOSED, True),
        ({"state": S.SUBMITTED}, Why.RELEASE_SUBMITTED, True),
        ({"state": S.APPROVED}, Why.RELEASE_APPROVED, True),
        ({"state": S.PAUSED}, Why.RELEASE_PAUSED, True),
        ({"state": S.PAUSED, "audience": VISITORS}, Why.RELEASE_PAUSED, False),
        ({"state": S.STOPPED}, Why.RELEASE_STOPPED, True),
        ({"state": S.ROLLED_BACK}, Why.RELEASE_ROLLED_BACK, True),
        ({"stages": (Stage(name="few", basis_points=1),)}, Why.NOT_IN_AUDIENCE, False),
    ],
)
def test_why_a_release_is_not_offered(changes: dict[str, Any], why: Why, outcome: bool | None) -> None:
    found = explained(release(2, **changes), release(1))
    newest, standing = found.releases
    assert (newest.why, newest.outcome) == (why, outcome)
    assert found.offered is not None
    assert found.offered.sequence == (2 if why is Why.MATCHED else 1)
    assert standing.why is (Why.SUPERSEDED if why is Why.MATCHED else Why.MATCHED)
    assert explained(release(2, **changes)).why is why


def test_a_killed_version_says_so_and_is_taken_away() -> None:
    found = explained(release(2, state=S.STOPPED), control=KILLED, installed=2)
    assert (whys(found), found.why, found.action) == ([(2, Why.VERSION_KILLED)], Why.VERSION_KILLED, Action.REMOVE)
    with_lower = explained(release(2, state=S.STOPPED), release(1), control=KILLED, installed=1)
    assert (with_lower.why, with_lower.action) == (Why.MATCHED, Action.KEEP)


def test_after_a_roll_back_the_device_goes_where_the_entry_names() -> None:
    releases = release(2, state=S.ROLLED_BACK), release(1)
    entry = ControlState("1.3", frozenset(), frozenset({(2, 1)}))
    found = explained(*releases, control=entry, installed=2)
    assert (found.action, whys(found)[0]) == (Action.ROLLBACK, (2, Why.RELEASE_ROLLED_BACK))
    assert explained(*releases, installed=2).action is Action.KEEP


def test_the_tree_says_the_place_that_was_drawn_and_by_whom_a_value_was_said() -> None:
    rule = {"all": [{"attr": "platform", "op": "in", "values": ["ios"]}]}
    (one,) = explained(release(2, audience=rule, stages=(Stage(name="few", basis_points=1),))).releases
    platform, percentage = one.rule.parts[0].parts[0], one.rule.parts[1]
    assert (platform.source, platform.seen, platform.outcome) == ("claimed", None, None)
    assert (percentage.source, percentage.outcome) == ("server", False)
    assert 1 <= percentage.seen < 10_000


def test_a_customer_on_no_device_depends_on_the_device() -> None:
    whom = Whom(of_full(device="", client_app=""), is_device=False)
    few = (Stage(name="few", basis_points=100),)
    found = explained(release(4, stages=few), release(3, client_app="staff"), release(2, audience=VISITORS), whom=whom)
    assert whys(found) == [(4, Why.DEPENDS_ON_DEVICE), (3, Why.DEPENDS_ON_DEVICE), (2, Why.NOT_IN_AUDIENCE)]
    assert [each.outcome for each in found.releases] == [None, None, False]
    assert (found.offered, found.why, found.action) == (None, Why.DEPENDS_ON_DEVICE, None)
    assert explained(release(4, stages=few), release(1), whom=whom).why is Why.MATCHED


def test_a_revoked_device_is_offered_nothing() -> None:
    found = explained(release(1), whom=Whom(of_full(), is_device=True, host_version=3, is_revoked=True))
    assert (found.offered, found.why, found.action) == (None, Why.DEVICE_REVOKED, None)
    assert explained().why is Why.NO_RELEASE


@pytest.mark.parametrize(
    ("app", "app_version", "sequence", "action"),
    [
        ("retail", "5.0.9", 2, Action.INSTALL),
        ("retail", "5.1.0", 2, Action.KEEP),
        ("retail", "", 2, None),
        ("staff", "5.0.9", None, None),
    ],
)
def test_an_upgrade_is_for_its_own_client_app(
    app: str, app_version: str, sequence: int | None, action: Action | None
) -> None:
    upgrade = release(2, kind="app_upgrade", deliverable_id="retail", version="5.1.0", url="")
    whom = Whom(of_full(client_app=app, app_version=app_version), is_device=True)
    found = explain_deliverable(whom, "app_upgrade", "retail", [upgrade])
    assert (found.offered and found.offered.sequence, found.action) == (sequence, action)
    assert found.releases[0].why is (Why.MATCHED if sequence else Why.OTHER_CLIENT_APP)


def test_a_release_of_what_everybody_has_gives_nothing() -> None:
    old, new = (release(number, kind="switch", url="") for number in (2, 3))
    found = explained(old, new, standing=2)
    assert (whys(found), found.offered) == ([(3, Why.MATCHED), (2, Why.STANDING)], new)
    assert (explained(old, standing=2).why, explained(old, standing=2).offered) == (Why.STANDING, None)


def test_the_value_of_a_switch_is_not_installed() -> None:
    found = explained(release(2, kind="switch", url=""))
    assert (found.why, found.action) == (Why.MATCHED, None)


def test_of_many_releases_the_lower_ones_are_counted() -> None:
    many = [release(number, audience=VISITORS) for number in range(2, 40)]
    found = explained(*many, release(1))
    assert (len(found.releases), found.more) == (21, 18)
    assert found.offered is found.releases[-1].release


def conditions(tree: Explanation) -> list[Explanation]:
    return [tree] if tree.word == "condition" else [each for part in tree.parts for each in conditions(part)]


def test_personal_values_are_masked_where_one_may_not_see_them() -> None:
    rule = {"any": [{"attr": "device", "op": "in", "values": DEVICES[:2]}, VISITORS]}
    open_, masked = (
        explained(release(1, audience=rule), may_see=may_see)
        for may_see in (set(Privacy), set(Privacy) - {Privacy.PERSONAL})
    )
    assert conditions(open_.releases[0].rule)[0].seen == DEVICES[0]
    secret, tier = conditions(masked.releases[0].rule)
    assert (secret.seen, secret.values, tier.seen) == ("***", ("***", "***"), "full")
    assert masked.offered == open_.offered


def test_the_same_version_may_be_released_twice() -> None:
    twice = [release(2, id=f"rel_{number:032x}", audience=rule) for number, rule in ((1, {"all": []}), (2, VISITORS))]
    found = explained(*twice)
    assert {key: len(list(group)) for key, group in groupby(each.release.sequence for each in found.releases)} == {2: 2}
    assert found.offered == twice[0]
