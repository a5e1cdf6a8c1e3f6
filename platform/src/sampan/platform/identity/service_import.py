"""Importing customers by bank reference: each line is a change of its own, and every line is accounted for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field

import msgspec

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import SampanError
from sampan.platform.identity.import_lines import ImportRow, Line
from sampan.platform.identity.personal import Personal, tidy
from sampan.platform.identity.repository_customers import Customer, find_by_reference
from sampan.platform.identity.service_customers import (
    change_customer,
    create_customer,
    prepare_customer,
    read_personal,
    seal_for,
    set_tier,
)
from sampan.platform.identity.tiers import Tier

AT_ONCE = 64  # lines that share one COMMIT
MAX_REFUSED = 1000

Note = Callable[[Transaction, str, Customer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken, and why."""

    line: int
    bank_reference: str | None
    code: str
    detail: str


@dataclass(slots=True)
class ImportReport:
    """What became of every line. `stopped_at_line` is set when too many were refused; what follows was not read.

    `counts` is by outcome: `created`, `changed` or `unchanged`.
    """

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    stopped_at_line: int | None = None


async def import_customers(
    core: Core, workspace_id: str, lines: AsyncIterable[Line], *, by: str, note: Note
) -> ImportReport:
    """Create or change one customer per line, several lines in one COMMIT, and report on all of them.

    `note(tx, "created" | "changed", customer)` runs in the transaction of each change (the audit). A customer
    is known by the bank reference; running the same file again changes nothing.
    """
    report = ImportReport()
    waiting: dict[str, Line] = {}
    async for line in lines:
        if len(report.refused) >= MAX_REFUSED:
            report.stopped_at_line = line.number
            break
        if line.row is None:
            _refuse(report, line, line.refusal)
            continue
        # Lines that are taken together race; of two with one phone number the first in the file shall have it.
        has_rival = any(line.row.phone and line.row.phone == each.row.phone for each in waiting.values() if each.row)
        if line.row.bank_reference in waiting or has_rival or len(waiting) >= AT_ONCE:
            await _take(core, workspace_id, list(waiting.values()), report, by, note)
            waiting = {}
        waiting[line.row.bank_reference] = line
    await _take(core, workspace_id, list(waiting.values()), report, by, note)
    return report


async def _take(core: Core, workspace_id: str, lines: list[Line], report: ImportReport, by: str, note: Note) -> None:
    outcomes = await asyncio.gather(*(_take_line(core, workspace_id, line, by, note) for line in lines))
    for line, outcome in zip(lines, outcomes, strict=True):
        if isinstance(outcome, SampanError):
            _refuse(report, line, outcome)
        else:
            report.counts[outcome] += 1


async def _take_line(core: Core, workspace_id: str, line: Line, by: str, note: Note) -> str | SampanError:
    assert line.row is not None  # noqa: S101 - only rows come here
    try:
        return await _take_row(core, workspace_id, line.row, by, note)
    except SampanError as refusal:
        return refusal


async def _take_row(core: Core, workspace_id: str, row: ImportRow, by: str, note: Note) -> str:
    async with core.store.workspace(workspace_id).read() as tx:
        known = await find_by_reference(tx, row.bank_reference)
        before = await read_personal(core, tx, known.id) if known else Personal()
    after = tidy(_merged(before, row))
    if known is None:
        return await _create(core, workspace_id, row, after, by, note)
    tier = Tier.parse(row.tier) if row.tier else known.tier
    if after == before and tier == known.tier:
        return "unchanged"
    sealed = seal_for(core, workspace_id, known.id, after) if after != before else None
    async with core.store.workspace(workspace_id).write() as tx:
        await change_customer(tx, known.id, personal=sealed)
        customer, _ = await set_tier(tx, known.id, tier, by=by, reason="import", now_ms=core.now_ms())
        await note(tx, "changed", customer)
    return "changed"


async def _create(core: Core, workspace_id: str, row: ImportRow, personal: Personal, by: str, note: Note) -> str:
    tier = Tier.parse(row.tier) if row.tier else Tier.REGISTERED
    new = prepare_customer(core, workspace_id, bank_reference=row.bank_reference, tier=tier, personal=personal)
    async with core.store.workspace(workspace_id).write() as tx:
        customer = await create_customer(tx, new, by=by, now_ms=core.now_ms())
        await note(tx, "created", customer)
    return "created"


def _merged(before: Personal, row: ImportRow) -> Personal:
    given = {name: getattr(row, name) for name in ("name", "phone", "email", "lang", "extra")}
    return msgspec.structs.replace(before, **{name: value for name, value in given.items() if value is not None})


def _refuse(report: ImportReport, line: Line, refusal: SampanError | None) -> None:
    reference = line.row.bank_reference if line.row else None
    if refusal is not None:
        report.refused.append(Refused(line.number, reference, refusal.code, refusal.detail))
