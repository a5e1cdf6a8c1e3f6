"""What customers report about apps, for the people who answer for the catalogue."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, Text, case, func, insert, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table

MAX_TEXT = 2000
NOBODY = 0  # no subject has this number

app_reports = scoped_table(
    "app_reports",
    Column("id", String(40), primary_key=True),
    Column("app_id", String(128), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("device_id", String(40), nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("handled_ms", BigInteger),
    Column("handled_by", String(64), nullable=False),
    Column("handled_note", Text, nullable=False),
    Index("ix_app_reports_created", "workspace_id", "created_ms", "id"),
)
_R = app_reports.c
NEWEST = Order("-created", (_R.created_ms, _R.id), descending=True)


class ReportReason(StrEnum):
    """What is wrong with an app, in a customer's words."""

    BROKEN = "broken"
    MISLEADING = "misleading"
    OFFENSIVE = "offensive"
    PRIVACY = "privacy"
    FRAUD = "fraud"
    OTHER = "other"


GRAVE = frozenset({ReportReason.FRAUD, ReportReason.PRIVACY})


@dataclass(frozen=True, slots=True)
class AppReport:
    """One report."""

    id: str
    app_id: str
    reason: str
    text: str
    device_id: str
    subject: int
    created_ms: int
    handled_ms: int | None = None
    handled_by: str = ""
    handled_note: str = ""


@dataclass(frozen=True, slots=True)
class ReportedApp:
    """How often an app was reported lately and nobody has seen to it; grave: for a reason that harms who uses it."""

    app_id: str
    number: int
    is_grave: bool
    first_ms: int


_COLUMNS = (
    _R.id,
    _R.app_id,
    _R.reason,
    _R.text,
    _R.device_id,
    _R.subject,
    _R.created_ms,
    _R.handled_ms,
    _R.handled_by,
    _R.handled_note,
)


async def add_report(tx: Transaction, report: AppReport) -> None:
    """Store a report."""
    values = {column.name: getattr(report, column.name) for column in _COLUMNS}
    await tx.execute(insert(app_reports).values(workspace_id=tx.workspace_id, **values))


async def make_nameless(tx: Transaction, subject: int) -> None:
    """Keep of a subject's reports that an app was reported, when and why: not the words, nor by whom."""
    own = (_R.workspace_id == tx.workspace_id, _R.subject == subject)
    await tx.execute(update(app_reports).where(*own).values(text="", device_id="", subject=NOBODY, handled_note=""))


async def reported_apps(tx: Transaction, *, since_ms: int, most: int) -> list[ReportedApp]:
    """Return the apps with reports since a time that nobody has handled, the earliest reported first."""
    first = func.min(_R.created_ms).label("first_ms")
    grave = func.sum(case((_R.reason.in_(sorted(GRAVE)), 1), else_=0)).label("grave")
    statement = (
        select(_R.app_id, func.count().label("number"), grave, first)
        .where(_R.workspace_id == tx.workspace_id, _R.created_ms >= since_ms, _R.handled_ms.is_(None))
        .group_by(_R.app_id)
        .order_by(first, _R.app_id)
        .limit(most)
    )
    return [ReportedApp(row.app_id, row.number, bool(row.grave), row.first_ms) for row in await tx.execute(statement)]


async def handle(tx: Transaction, report_id: str, *, by: str, note: str, now_ms: int) -> AppReport | None:
    """Mark a report as handled and return it as it stands; who handled it first stays. None for no such report."""
    own = (_R.workspace_id == tx.workspace_id, _R.id == report_id)
    values = {"handled_ms": now_ms, "handled_by": by, "handled_note": note}
    await tx.execute(update(app_reports).where(*own, _R.handled_ms.is_(None)).values(**values))
    row = (await tx.execute(select(*_COLUMNS).where(*own))).one_or_none()
    return _report(row) if row else None


async def reopen(tx: Transaction, report_id: str) -> AppReport | None:
    """Take the mark away and return the report; None for no such report."""
    own = (_R.workspace_id == tx.workspace_id, _R.id == report_id)
    values = {"handled_ms": None, "handled_by": "", "handled_note": ""}
    await tx.execute(update(app_reports).where(*own).values(**values))
    row = (await tx.execute(select(*_COLUMNS).where(*own))).one_or_none()
    return _report(row) if row else None


async def page_reports(
    tx: Transaction, paging: Paging, *, app_id: str | None = None, is_handled: bool | None = None
) -> Found[AppReport]:
    """Return a page of reports, the newest first; with `is_handled`, those that were, or were not yet."""
    statement = select(*_COLUMNS).where(_R.workspace_id == tx.workspace_id)
    if app_id is not None:
        statement = statement.where(_R.app_id == app_id)
    if is_handled is not None:
        statement = statement.where(_R.handled_ms.is_not(None) if is_handled else _R.handled_ms.is_(None))
    return await read_page(tx, statement, NEWEST, paging, _report)


def _report(row: Any) -> AppReport:
    return AppReport(*(row[: len(_COLUMNS)]))
