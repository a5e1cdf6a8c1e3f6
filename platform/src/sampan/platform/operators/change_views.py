"""How a change request is shown: with the names of the people in it, to those who may see it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sampan.platform.engines.paging import Found, Paging
from sampan.platform.operators import change_rows
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_errors import ChangeNotFound
from sampan.platform.operators.change_rows import Approval, Change, ChangeFilter
from sampan.platform.operators.changes import ChangeKind
from sampan.platform.operators.console_bodies import ChangeView, DeciderView, DiffView
from sampan.platform.operators.names import names_of
from sampan.platform.operators.people_door import read_people
from sampan.platform.operators.person_rows import persons_by_ids

if TYPE_CHECKING:
    from sampan.platform.core import Core


def may_see(core: "Core", actor: Actor, change: Change) -> bool:
    """Whether the change is the actor's own, or the actor may read all, or propose or approve this one."""
    if change.maker_person_id == actor.person_id or actor.may("change:read"):
        return True
    for kind in core.contributions(ChangeKind):
        if kind.name == change.kind:
            scope = kind.scope(change.target, change.payload)
            return actor.may(kind.approve, **scope) or actor.may(kind.propose, **scope)
    return False


async def visible_change(core: "Core", workspace_id: str, actor: Actor, change_id: str) -> Change:
    """Return the change; raise `ChangeNotFound` also when the actor may not see it."""
    async with core.store.workspace(workspace_id).read() as tx:
        change = await change_rows.change_by_id(tx, change_id)
    if change is None or not may_see(core, actor, change):
        raise ChangeNotFound(f"There is no change request {change_id!r} that you may see.")
    return change


async def visible_changes(
    core: "Core", workspace_id: str, actor: Actor, wanted: ChangeFilter, paging: Paging
) -> Found[Change]:
    """Return a page of the change requests that the actor may see, newest first."""
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).read() as tx:
        if actor.may("change:read"):
            return await change_rows.page_changes(tx, wanted, paging, now_ms=now_ms)
        return await change_rows.page_seen_changes(
            tx, wanted, paging, now_ms=now_ms, may_see=lambda change: may_see(core, actor, change)
        )


async def views(core: "Core", workspace_id: str, changes: Sequence[Change]) -> list[ChangeView]:
    """Return the changes with approvals and names."""
    async with read_people(core, workspace_id) as tx:
        given = await change_rows.approvals_of_many(tx, changes)
        ids = {change.maker_person_id for change in changes} | {one.approver_person_id for one in given}
        names = {key: person.name for key, person in (await persons_by_ids(tx, sorted(ids))).items()}
    kinds = {kind.name: kind for kind in core.contributions(ChangeKind)}
    called = [_target_name(kinds.get(change.kind), change) for change in changes]
    names |= await names_of(core, workspace_id, frozenset(called))
    return [
        _view(change, given, names, names.get(name, name), core.now_ms())
        for change, name in zip(changes, called, strict=True)
    ]


async def view(core: "Core", workspace_id: str, change: Change) -> ChangeView:
    """Return one change with approvals and names."""
    return (await views(core, workspace_id, [change]))[0]


def _target_name(kind: ChangeKind | None, change: Change) -> str:
    """Return what the kind calls the target; of a kind that is not plugged in any more, the target itself."""
    return change.target if kind is None else kind.named(change.target, change.payload)


def _view(
    change: Change, given: Sequence[Approval], names: dict[str, str], target_name: str, now_ms: int
) -> ChangeView:
    mine = [one for one in given if (one.change_id, one.edition) == (change.id, change.edition)]
    return ChangeView(
        id=change.id,
        kind=change.kind,
        target=change.target,
        target_name=target_name,
        base=change.base,
        payload=change.payload,
        digest=change.digest,
        diff=[DiffView.model_validate(line.as_json()) for line in change.diff],
        note=change.note,
        edition=change.edition,
        maker=DeciderView(
            person=change.maker_person_id,
            operator=change.maker_operator_id,
            name=names.get(change.maker_person_id, change.maker_person_id),
            via=change.maker_via,
            at_ms=change.created_ms,
        ),
        approvals=[
            DeciderView(
                person=one.approver_person_id,
                operator=one.approver_operator_id,
                name=names.get(one.approver_person_id, one.approver_person_id),
                at_ms=one.at_ms,
            )
            for one in mine
        ],
        approvers_needed=change.approvers_needed,
        state=str(change.state_at(now_ms)),
        reason=change.reason,
        created_ms=change.created_ms,
        expires_ms=change.expires_ms,
        decided_ms=change.decided_ms,
    )
