"""The matters of this floor and of the engines below it: changes that wait, jobs that failed, events held up."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.jobs import failures
from sampan.platform.engines.outbox import list_cursors
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.attention import MOST_OF_A_SOURCE, Matter, Severity
from sampan.platform.operators.change_rows import (
    OLDEST,
    Change,
    ChangeFilter,
    ChangeState,
    approvals_of_many,
    page_changes,
)
from sampan.platform.operators.changes import ChangeKind

if TYPE_CHECKING:
    from sampan.platform.core import Core

ID = re.compile(r"[a-z]{2,5}_[0-9a-f]{32}")
SYSTEM_READ = "system:read"


async def waiting_changes(core: "Core", tx: Transaction) -> Sequence[Matter]:
    """Return the change requests that wait for an approval."""
    kinds = {kind.name: kind for kind in core.contributions(ChangeKind)}
    wanted = ChangeFilter(state=ChangeState.PROPOSED)
    found = await page_changes(tx, wanted, Paging(limit=MOST_OF_A_SOURCE), now_ms=core.now_ms(), order=OLDEST)
    changes = [change for change in found.items if change.kind in kinds]
    given = await approvals_of_many(tx, changes)
    return [
        Matter(
            key=f"change:{change.id}",
            kind="change_waiting",
            severity=Severity.INFO,
            permission=kinds[change.kind].approve,
            scope=kinds[change.kind].scope(change.target, change.payload),
            not_for=frozenset(
                [change.maker_person_id]
                + [
                    one.approver_person_id
                    for one in given
                    if (one.change_id, one.edition) == (change.id, change.edition)
                ]
            ),
            zh=f"等待批准：{kinds[change.kind].zh or change.kind}{_about(kinds[change.kind], change, ' · ')}",
            en=f"To approve: {kinds[change.kind].en or change.kind}{_about(kinds[change.kind], change, ', ')}",
            link=f"/changes/{change.id}",
            since_ms=change.created_ms,
        )
        for change in changes
    ]


def _about(kind: ChangeKind, change: Change, mark: str) -> str:
    """Return what people call the target, after `mark`; nothing when it has an id only, which tells nobody anything."""
    called = kind.named(change.target, change.payload)
    return "" if ID.fullmatch(called) else f"{mark}{called}"


async def failed_jobs(_core: "Core", tx: Transaction) -> Sequence[Matter]:
    """Return the kinds of which jobs failed for good.

    One for all of a kind: a webhook that is away must not make a matter of every post that told of the one before.
    """
    return [
        Matter(
            key=f"jobs:{each.kind}",
            kind="job_failed",
            severity=Severity.ERROR,
            permission=SYSTEM_READ,
            zh=f"{each.number} 个 {each.kind} 任务已失败",
            en=f"{each.number} jobs of the kind {each.kind} failed",
            link="/system",
            since_ms=each.first_ms,
        )
        for each in await failures(tx)
    ]


async def held_up_events(_core: "Core", tx: Transaction) -> Sequence[Matter]:
    """Return the consumers of events whose handler keeps failing."""
    return [
        Matter(
            key=f"outbox:{each.consumer}",
            kind="events_held_up",
            severity=Severity.ERROR,
            permission=SYSTEM_READ,
            zh=f"事件处理 {each.consumer} 停在第 {each.n} 条之后",
            en=f"The events of {each.consumer} are held up behind number {each.n}",
            link="/system",
            since_ms=each.retry_at_ms,
        )
        for each in await list_cursors(tx)
        if each.attempts > 2
    ]
