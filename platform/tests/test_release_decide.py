"""Who is offered what: `decide`, the sync answer built on it, and the states of a release."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sampan.platform.audience.rules import Facts, compile_rule, for_tiers
from sampan.platform.engines.log import Cursor
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.tiers import Tier
from sampan.platform.insight.tickets import Offered, Tickets
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, Reason, decide
from sampan.platform.release.states import MOVES, ReleaseState, WrongReleaseState, move
from sampan.platform.release.sync import ControlState, Installed, ReleasesPart, SyncDevice, SyncRequest, answer
from sampan.platform.workspaces.replica import WorkspaceView

APP = "com.example.bills"
TICKETS = Tickets(bytes(32))


def candidate(sequence: int, *tiers: Tier, client_app: str | None = None, min_host: int = 1) -> Candidate:
    return Candidate(
        release_id=f"rel_{sequence}",
        sequence=sequence,
        version=f"1.{sequence}.0",
        digest=f"sha256:{sequence:064x}",
        size_bytes=1000,
        url=f"/trust/bank-a/intl/targets/apps/{APP}/{sequence}/x.package.ma",
        update="async",
        min_host=min_host,
        client_app=client_app,
        audience=compile_rule(for_tiers(*tiers) if tiers else {"all": []}),
    )


def snapshot(*candidates: Candidate) -> DeliverableSnapshot:
    return DeliverableSnapshot("miniapp", APP, candidates)


def who(tier: Tier) -> Facts:
    return Facts(tier, 7, device="dev_1", client_app="retail")


HERE = Context(3)


@pytest.mark.parametrize(
    ("candidates", "tier", "sequence", "reason"),
    [
        ([], Tier.FULL, None, Reason.NO_RELEASE),
        ([candidate(1)], Tier.VISITOR, 1, Reason.MATCHED),
        ([candidate(1, Tier.FULL)], Tier.VISITOR, None, Reason.NOT_IN_AUDIENCE),
        ([candidate(2, Tier.FULL), candidate(1)], Tier.FULL, 2, Reason.MATCHED),
        ([candidate(2, Tier.FULL), candidate(1)], Tier.REGISTERED, 1, Reason.MATCHED),
        ([candidate(2, client_app="staff"), candidate(1)], Tier.FULL, 1, Reason.MATCHED),
        ([candidate(2, client_app="staff")], Tier.FULL, None, Reason.OTHER_CLIENT_APP),
        ([candidate(2, min_host=4), candidate(1)], Tier.FULL, 1, Reason.MATCHED),
        ([candidate(2, min_host=4)], Tier.FULL, None, Reason.HOST_TOO_OLD),
    ],
)
def test_the_highest_version_meant_for_the_subject_is_offered(
    candidates: Sequence[Candidate], tier: Tier, sequence: int | None, reason: Reason
) -> None:
    offer = decide(who(tier), HERE, snapshot(*candidates))
    assert (offer.candidate.sequence if offer.candidate else None, offer.reason) == (sequence, reason)


def synced(part: ReleasesPart, tier: Tier, *installed: int, device: str = "dev_1") -> dict[str, Any]:
    view = WorkspaceView(Cursor(1, 5), {}, {}, {}, {})
    caller = Caller("bank-a", "retail", device, 7, None, tier, 0, 0, "")
    held = [Installed("miniapp", APP, "1", sequence, f"sha256:{sequence:064x}") for sequence in installed]
    request = SyncRequest("retail", device=SyncDevice(host_version=3), installed=held)
    found: dict[str, Any] = json.loads(answer(view, part, caller, request, tickets=TICKETS, now_ms=1000))
    return found


def part(*candidates: Candidate, control: ControlState | None = None) -> ReleasesPart:
    return ReleasesPart([snapshot(*candidates)], {APP: control or ControlState("1.4", frozenset(), frozenset())})


def test_a_fresh_device_is_offered_what_its_tier_may_have() -> None:
    found = synced(part(candidate(2, Tier.FULL), candidate(1)), Tier.FULL)
    (offer,) = found["offers"]
    assert (offer["action"], offer["sequence"], offer["release"]) == ("install", 2, "rel_2")
    assert TICKETS.is_good(offer["ticket"], "dev_1", Offered("rel_2", offer["id"], 2, offer["digest"]))
    assert found["control"] == [{"app": APP, "serial": "1.4"}]
    assert found["revision"] == "1.5"


def test_what_a_client_says_of_its_host_does_not_multiply_the_plans() -> None:
    compiled = part(candidate(3, min_host=7), candidate(2, min_host=4), candidate(1))
    plans = {version: compiled.plan(who(Tier.FULL), version, TICKETS) for version in range(1000)}
    assert [plans[version].ready[0].sequence for version in (3, 4, 6, 7, 999)] == [1, 2, 2, 3, 3]
    assert plans[0].ready == []
    assert len({id(plan) for plan in plans.values()}) == 4


def test_the_ticket_is_the_devices_own() -> None:
    compiled = part(candidate(1))
    mine, yours = (synced(compiled, Tier.FULL, device=name)["offers"][0]["ticket"] for name in ("dev_1", "dev_2"))
    assert mine != yours


@pytest.mark.parametrize(
    ("installed", "control", "action"),
    [
        (1, ControlState("1.4", frozenset(), frozenset()), ("install", 2)),
        (2, ControlState("1.4", frozenset(), frozenset()), None),
        (3, ControlState("1.4", frozenset(), frozenset()), None),
        (3, ControlState("1.4", frozenset(), frozenset({(3, 2)})), ("rollback", 2)),
        (3, ControlState("1.4", frozenset(), frozenset({(3, 1)})), None),
        (4, ControlState("1.4", frozenset({4}), frozenset()), None),
    ],
)
def test_only_differences_are_offered(installed: int, control: ControlState, action: tuple[str, int] | None) -> None:
    offers = synced(part(candidate(2), control=control), Tier.FULL, installed)["offers"]
    assert [(offer["action"], offer["sequence"]) for offer in offers] == ([action] if action else [])


def test_a_killed_version_without_a_successor_is_removed() -> None:
    control = ControlState("1.9", frozenset({2}), frozenset())
    found = synced(part(control=control), Tier.FULL, 2)
    assert [(offer["action"], offer["reason"]) for offer in found["offers"]] == [("remove", "killed")]
    assert found["control"] == [{"app": APP, "serial": "1.9"}]


def test_every_move_of_a_release_exists_from_exactly_its_states() -> None:
    for verb, (sources, target) in MOVES.items():
        for state in ReleaseState:
            if state in sources:
                assert move(state, verb) is target
            else:
                with pytest.raises(WrongReleaseState):
                    move(state, verb)


def test_what_was_rolled_back_has_no_moves_and_what_was_stopped_can_only_be_rolled_back() -> None:
    def moves_of(state: ReleaseState) -> list[str]:
        return [verb for verb, (sources, _target) in MOVES.items() if state in sources]

    assert moves_of(ReleaseState.ROLLED_BACK) == []
    assert moves_of(ReleaseState.STOPPED) == ["roll_back"]
