"""What speaks against a release: all of it at once, before it is handed in, then, and once more at the approval."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct
from test_miniapps_releases import WHOLE, Bank

from sampan.miniapps import service as miniapps
from sampan.miniapps.catalogue import Category
from sampan.platform.audience import asking
from sampan.platform.audience.problems import ExplainLimit
from sampan.platform.audience.rules import for_tiers
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.actor import Grant
from sampan.platform.operators.change_rows import ChangeState
from sampan.platform.operators.changes import approve, reject
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.release import drafts, kills, moves, rolling_back
from sampan.platform.release.checking import Asked, Checked, Reached, check_release
from sampan.platform.release.conflicts import ReleaseConflict, too_small
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.repository import Release, ReleaseMoved, rewrite_draft
from sampan.platform.release.rolling_back import NoRollbackTarget, rollback_targets
from sampan.platform.release.stages import read_stages
from sampan.platform.release.states import ReleaseState, WrongReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import publishing_in
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
TENTH = [{"name": "10 %", "basis_points": 1000}, {"name": "all", "basis_points": 10_000}]
NOBODY = {"all": [for_tiers(Tier.FULL), for_tiers(Tier.VISITOR)]}


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with publishing_in(tmp_path, components=WHOLE) as publishing:
        people = [await person_with(publishing.core, WORKSPACE, "release_manager") for _ in range(2)]
        maker, checker = [await actor_of(publishing.core, WORKSPACE, each) for each in people]
        for sequence in (1, 2, 3):
            await publishing.publish(sequence)
        yield Bank(publishing, maker, checker)


async def drafted(bank: Bank, sequence: int, rule: Any, **more: Any) -> Release:
    wanted = drafts.Draft("miniapp", APP, sequence, rule, **more)
    return await drafts.create_release(bank.core, WORKSPACE, bank.maker, wanted)


async def started(bank: Bank, sequence: int, rule: Any, **more: Any) -> Release:
    made = await drafted(bank, sequence, rule, **more)
    change = await bank.submit(made)
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    await bank.publishing.expose()
    return made


async def edited(bank: Bank, made: Release, **changes: Any) -> Release:
    """Edit a draft as it stands now, whatever happened since it was made."""
    seen_ms = (await bank.read(made.id)).changed_ms
    return await edited_as_seen(bank, made, seen_ms, **changes)


async def edited_as_seen(bank: Bank, made: Release, seen_ms: int, **changes: Any) -> Release:
    return await drafts.edit_release(
        bank.core, WORKSPACE, bank.maker, made.id, lambda draft: replace(draft, **changes), seen_ms=seen_ms
    )


async def checked(bank: Bank, made: Release) -> Checked:
    await bank.core.replica.poll()
    return await check_release(bank.core, WORKSPACE, bank.maker, made.id)


async def refused(bank: Bank, made: Release) -> list[tuple[str, str]]:
    """Submit in vain, and return what was said; the check says the same, and nothing changed."""
    with pytest.raises(ReleaseConflict) as problem:
        await bank.submit(made)
    found = [(each["code"], each["field"]) for each in problem.value.facts["conflicts"]]
    assert [(each.code, each.field) for each in (await checked(bank, made)).conflicts] == found
    assert all(each["en"] in problem.value.detail and each["zh"] for each in problem.value.facts["conflicts"])
    assert (await bank.read(made.id)).state is ReleaseState.DRAFT
    return found


async def list_app(bank: Bank, tier: str) -> None:
    await miniapps.put_category(bank.core, WORKSPACE, bank.maker, Category("all", "全部", "All", 1))
    edit = miniapps.EntryEdit(is_listed=True, see_tier=tier, open_tier=tier)
    change = await miniapps.edit_entry(bank.core, WORKSPACE, bank.maker, APP, edit)
    if change.state is not ChangeState.APPLIED:
        await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)


async def test_two_partial_releases_that_may_meet_are_refused(bank: Bank) -> None:
    first = await started(bank, 2, for_tiers(Tier.FULL), stages=TENTH)
    second = await drafted(bank, 3, {"all": []}, stages=TENTH)
    assert await refused(bank, second) == [("overlapping_release", "audience")]
    assert (await checked(bank, second)).conflicts[0].release == first.id
    await edited(bank, second, audience=for_tiers(Tier.VISITOR))  # kept apart, they may run side by side
    assert (await bank.submit(second)).id


@pytest.mark.parametrize("how", ["stopped", "moved on", "paused"])
async def test_a_partial_release_is_in_the_way_until_it_ends_or_is_everybodys(bank: Bank, how: str) -> None:
    first = await started(bank, 2, {"all": []}, stages=TENTH)
    second = await drafted(bank, 3, {"all": []}, stages=TENTH)
    match how:
        case "stopped":
            await moves.stop_release(bank.core, WORKSPACE, bank.maker, first.id, cause="bad")
        case "moved on":
            await moves.move_on(bank.core, WORKSPACE, bank.maker, first.id)
        case "paused":
            await moves.pause_release(bank.core, WORKSPACE, bank.maker, first.id, cause="wait")
            assert await refused(bank, second) == [("overlapping_release", "audience")]
            return
    assert (await checked(bank, second)).conflicts == []


async def test_a_partial_release_that_waits_for_its_schedule_is_in_the_way_too(bank: Bank) -> None:
    later = {"not_before_ms": bank.core.now_ms() + 3_600_000}
    first = await started(bank, 2, {"all": []}, stages=TENTH, schedule=later)
    second = await drafted(bank, 3, {"all": []}, stages=TENTH, schedule=later)
    assert await refused(bank, second) == [("overlapping_release", "audience")]
    (said,) = (await checked(bank, second)).conflicts
    assert (said.release, "已批准" in said.zh, "is approved" in said.en) == (first.id, True, True)
    await moves.stop_release(bank.core, WORKSPACE, bank.maker, first.id, cause="no")
    assert (await checked(bank, second)).conflicts == []


async def test_for_everybody_beside_a_partial_one_is_no_conflict(bank: Bank) -> None:
    await started(bank, 2, {"all": []}, stages=TENTH)
    whole = await drafted(bank, 1, {"all": []})
    found = await checked(bank, whole)
    assert found.conflicts == []
    assert [each.code for each in found.warnings] == ["higher_version_offered", "estimated_nobody"]


async def test_another_client_app_is_no_conflict(bank: Bank) -> None:
    await started(bank, 2, {"all": []}, stages=TENTH, client_app="retail")
    assert (await checked(bank, await drafted(bank, 3, {"all": []}, stages=TENTH, client_app="staff"))).conflicts == []


async def test_an_audience_that_is_nobody_is_refused_and_so_is_a_stage(bank: Bank) -> None:
    made = await drafted(bank, 1, NOBODY)
    assert await refused(bank, made) == [("reaches_nobody", "audience")]
    plan = [{"name": "testers", "basis_points": 10_000, "audience": for_tiers(Tier.VISITOR)}, *TENTH]
    await edited(bank, made, audience=for_tiers(Tier.FULL), stages=plan)
    assert await refused(bank, made) == [("reaches_nobody", "stages[0].audience")]


async def test_tiers_that_do_not_see_the_app_are_refused(bank: Bank) -> None:
    await list_app(bank, "e_account")
    made = await drafted(bank, 1, for_tiers(Tier.REGISTERED, Tier.FULL))
    assert await refused(bank, made) == [("wider_than_tiers", "audience")]
    await edited(bank, made, audience=for_tiers(Tier.E_ACCOUNT, Tier.FULL))
    assert (await checked(bank, made)).conflicts == []


async def test_everything_is_said_at_once(bank: Bank) -> None:
    await list_app(bank, "full")
    await started(bank, 2, for_tiers(Tier.FULL), stages=TENTH)
    made = await drafted(bank, 3, {"all": []}, stages=TENTH, rollback_to=1)
    await kills.kill_version(
        bank.core,
        WORKSPACE,
        bank.maker,
        kind="miniapp",
        deliverable_id=APP,
        sequence=1,
        reason="data_leak",
        cause="a test",
    )
    assert [code for code, _field in await refused(bank, made)] == [
        "overlapping_release",
        "wider_than_tiers",
        "rollback_not_offerable",
    ]


async def test_what_came_up_meanwhile_is_refused_at_the_approval(bank: Bank) -> None:
    made = await drafted(bank, 3, {"all": []}, stages=TENTH, rollback_to=1)
    change = await bank.submit(made)
    await started(bank, 2, {"all": []}, stages=TENTH)
    with pytest.raises(ReleaseConflict) as problem:
        await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    assert [each["code"] for each in problem.value.facts["conflicts"]] == ["overlapping_release"]
    assert (await bank.read(made.id)).state is ReleaseState.SUBMITTED


async def test_a_stage_whose_gate_can_never_hear_enough_is_refused_with_the_number(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = {"ratio_percent": 200}
    plan = [
        {"name": "1 %", "basis_points": 100, "advance": "auto", "min_minutes": 5, "gate": gate},
        {"name": "all", "basis_points": 10_000},
    ]
    made = await drafted(bank, 3, {"all": []}, stages=plan)
    before = Evidence(100_000, 1000)

    async def reach(*_given: object) -> Reached:
        return Reached({0: 50}, before)

    monkeypatch.setattr("sampan.platform.release.starting.reach_of", reach)
    with pytest.raises(ReleaseConflict) as problem:
        await bank.submit(made)
    (found,) = problem.value.facts["conflicts"]
    assert (found["code"], found["field"]) == ("stage_too_small", "stages[0].basis_points")
    (said,) = too_small(read_stages(plan), before, {0: 50})
    sample = int(said.en.split("needs ")[1].split()[0])
    assert sample > 50
    assert too_small(read_stages(plan), before, {0: sample}) == []
    plan[0]["advance"] = "person"
    assert too_small(read_stages(plan), before, {0: 50}) == []


async def test_a_check_tells_no_more_than_an_estimate_and_counts_as_often(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules that name persons are estimated for who may explain alone, and each distinct rule counts once."""
    someone = {"attr": "customer", "op": "in", "values": [f"cus_{'1' * 32}"]}
    made = await drafted(bank, 1, someone)
    may_not = replace_struct(bank.maker, grants=tuple(without(each, "audience:explain") for each in bank.maker.grants))
    await bank.core.replica.poll()
    told = await check_release(bank.core, WORKSPACE, bank.maker, made.id)
    hidden = await check_release(bank.core, WORKSPACE, may_not, made.id)
    assert [[each.code for each in found.warnings] for found in (told, hidden)] == [["estimated_nobody"], []]
    monkeypatch.setattr(asking, "ASKS_A_MINUTE", 3)  # two were asked
    asked = Asked(bank.core, WORKSPACE, bank.maker, made.id)
    assert await asked.devices(someone) == await asked.devices(dict(someone))
    with pytest.raises(ExplainLimit):
        await check_release(bank.core, WORKSPACE, bank.maker, made.id)


def without(grant: Grant, permission: str) -> Grant:
    return replace_struct(grant, permissions=grant.permissions - {permission})


async def test_a_gate_that_knows_nothing_of_the_version_before_is_told(bank: Bank) -> None:
    plan = [
        {"name": "1 %", "basis_points": 100, "advance": "auto", "min_minutes": 5, "gate": {}},
        {"name": "10 %", "basis_points": 1000, "advance": "auto", "min_minutes": 5, "gate": {}},
        {"name": "all", "basis_points": 10_000},
    ]
    found = await checked(bank, await drafted(bank, 3, {"all": []}, stages=plan))
    assert found.warnings[0].en.endswith("decides there: 1 %, 10 %.")
    assert (found.conflicts, [each.code for each in found.warnings]) == (
        [],
        ["gate_without_sample", "estimated_nobody"],
    )


async def test_a_draft_is_edited_before_and_after_it_was_sent_back(bank: Bank) -> None:
    made = await drafted(bank, 1, {"all": []})
    changed = await edited(bank, made, sequence=2, stages=TENTH, cap={"customers": 5}, rollback_to=1)
    assert (changed.version, changed.digest != made.digest, len(changed.stages)) == ("1.2.0", True, 2)
    assert (changed.id, changed.made_by, changed.row_revision) == (made.id, made.made_by, 2)
    assert drafts.draft_of(changed) == drafts.draft_of(await bank.read(made.id))
    change = await bank.submit(changed)
    with pytest.raises(WrongReleaseState):
        await edited(bank, made, update_mode="sync")
    await reject(bank.core, WORKSPACE, bank.checker, change.id, reason="smaller please")
    await edited(bank, made, cap={"customers": 3})
    again = await bank.submit(made)
    assert again.payload["cap"] == {"customers": 3, "until_ms": None}
    await approve(bank.core, WORKSPACE, bank.checker, again.id, digest=again.digest)
    with pytest.raises(WrongReleaseState):
        await edited(bank, made, cap=None)


async def test_an_edit_is_checked_like_a_new_draft(bank: Bank) -> None:
    made = await drafted(bank, 2, {"all": []})
    with pytest.raises(drafts.BadRollbackTarget):
        await edited(bank, made, rollback_to=2)
    with pytest.raises(drafts.BadUpdateMode):
        await edited(bank, made, update_mode="soon")
    assert await bank.read(made.id) == made


async def test_an_edit_that_comes_second_changes_nothing(bank: Bank) -> None:
    made = await drafted(bank, 2, {"all": []})
    await edited(bank, made, update_mode="sync")
    async with bank.core.store.workspace(WORKSPACE).write() as tx:
        with pytest.raises(ReleaseMoved):
            await rewrite_draft(tx, made, made)


async def test_what_somebody_changed_meanwhile_is_not_overwritten(bank: Bank) -> None:
    made = await drafted(bank, 2, {"all": []})
    first = await edited_as_seen(bank, made, made.changed_ms, cap={"customers": 5})
    with pytest.raises(ReleaseMoved) as problem:
        await edited_as_seen(bank, made, made.changed_ms, cap={"customers": 7})
    assert problem.value.facts["changed_ms"] == first.changed_ms > made.changed_ms
    assert await bank.read(made.id) == first
    again = await edited_as_seen(bank, made, first.changed_ms, update_mode="sync")
    assert (again.cap, again.update_mode) == (first.cap, "sync")


async def test_the_versions_to_go_back_to_say_what_else_ends(bank: Bank) -> None:
    await started(bank, 1, {"all": []})
    second = await started(bank, 2, for_tiers(Tier.FULL))
    third = await started(bank, 3, {"all": []})
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        found = await rollback_targets(bank.core, tx, third)
    assert [(each.deliverable.sequence, [other.id for other in each.also]) for each in found] == [
        (2, []),
        (1, [second.id]),
    ]
    for wrong in (3, None):
        with pytest.raises(NoRollbackTarget):
            await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, third.id, cause="x", to=wrong)
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, third.id, cause="x", to=1)
    await bank.publishing.expose()
    assert (await bank.read(second.id)).state is ReleaseState.ROLLED_BACK
    assert await bank.offers(Tier.FULL, 3) == [("rollback", 1)]
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]
    assert await bank.offers(Tier.VISITOR, 3) == [("rollback", 1)]
