"""Rows of the notices: what was raised, who has seen it, what each person wants to get, and the webhooks."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or, insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.operators.attention import Matter, Severity

notices = scoped_table(
    "notices",
    Column("id", String(40), primary_key=True),
    Column("open_key", String(300)),  # NULL as soon as the matter is over, so that it may come again
    Column("key", String(300), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("permission", String(100), nullable=False),
    Column("scope", Text, nullable=False),
    Column("not_for", Text, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("link", String(500), nullable=False),
    Column("raised_ms", BigInteger, nullable=False),
    Column("escalated_ms", BigInteger),
    Column("resolved_ms", BigInteger),
    UniqueConstraint("workspace_id", "open_key"),
    Index("ix_notices_raised", "workspace_id", "raised_ms", "id"),
)
acknowledgements = scoped_table(
    "notice_acknowledgements",
    Column("notice_id", String(40), primary_key=True),
    Column("operator_id", String(64), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "notice_id"], ["notices.workspace_id", "notices.id"]),
)
preferences = scoped_table(
    "notice_preferences",
    Column("operator_id", String(64), primary_key=True),
    Column("by_email", Boolean, nullable=False),
    Column("least", String(16), nullable=False),
    Column("muted", Text, nullable=False),
)
webhooks = scoped_table(
    "notice_webhooks",
    Column("id", String(40), primary_key=True),
    Column("url", String(2000), nullable=False),
    Column("least", String(16), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("last_ms", BigInteger),
    Column("last_status", Integer),
    Column("last_error", String(500), nullable=False),
    Column("test_ms", BigInteger),
    Column("test_state", String(16)),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A matter that was raised; open until it is over."""

    id: str
    matter: Matter
    raised_ms: int
    escalated_ms: int | None
    resolved_ms: int | None


@dataclass(frozen=True, slots=True)
class Preference:
    """What an operator wants to get by e-mail: from which severity on, without the muted kinds."""

    by_email: bool = True
    least: Severity = Severity.INFO
    muted: frozenset[str] = field(default_factory=frozenset)


class ProbeState(StrEnum):
    """What became of the last test that somebody asked for."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notices are posted; `secret` is sealed. The last attempt is remembered, and the last test."""

    id: str
    url: str
    least: Severity
    secret: bytes
    created_ms: int
    created_by: str
    last_ms: int | None = None
    last_status: int | None = None
    last_error: str = ""
    test_ms: int | None = None
    test_state: ProbeState | None = None


_N, _W = notices.c, webhooks.c
COLUMNS = tuple(column for column in notices.c if column.name not in ("workspace_id", "open_key"))
_HOOK = tuple(_W[name] for name in Webhook.__slots__)


async def add_notice(tx: Transaction, notice_id: str, matter: Matter, *, now_ms: int) -> bool:
    """Store a notice unless its matter has an open one; return whether it was stored."""
    values = {
        "workspace_id": tx.workspace_id,
        "id": notice_id,
        "open_key": matter.key,
        "key": matter.key,
        "kind": matter.kind,
        "severity": matter.severity.value,
        "permission": matter.permission,
        "scope": json.dumps(dict(matter.scope), sort_keys=True),
        "not_for": json.dumps(sorted(matter.not_for)),
        "zh": matter.zh,
        "en": matter.en,
        "link": matter.link,
        "raised_ms": now_ms,
    }
    inserted = await tx.execute(insert_or_ignore(tx, notices).values(values).returning(notices.c.id))
    return inserted.one_or_none() is not None


async def open_notices(tx: Transaction) -> list[Notice]:
    """Return the notices whose matter is not over, oldest first."""
    statement = select(*COLUMNS).where(_N.workspace_id == tx.workspace_id, _N.open_key.is_not(None))
    return [notice_of(row) for row in await tx.execute(statement.order_by(_N.raised_ms, _N.id))]


async def notice_by_id(tx: Transaction, notice_id: str) -> Notice | None:
    """Return a notice."""
    statement = select(*COLUMNS).where(_N.workspace_id == tx.workspace_id, _N.id == notice_id)
    row = (await tx.execute(statement)).one_or_none()
    return notice_of(row) if row else None


async def resolve(tx: Transaction, notice_ids: Collection[str], *, now_ms: int) -> None:
    """Note that the matters of these notices are over."""
    if notice_ids:
        await tx.execute(
            update(notices)
            .where(_N.workspace_id == tx.workspace_id, _N.id.in_(sorted(notice_ids)))
            .values(open_key=None, resolved_ms=now_ms)
        )


async def mark_escalated(tx: Transaction, notice_id: str, *, now_ms: int) -> bool:
    """Note that a notice was escalated; False when it was before."""
    statement = (
        update(notices)
        .where(_N.workspace_id == tx.workspace_id, _N.id == notice_id, _N.escalated_ms.is_(None))
        .values(escalated_ms=now_ms)
    )
    return (await tx.execute(statement)).rowcount == 1


async def acknowledge(tx: Transaction, notice_ids: Sequence[str], operator_id: str, *, now_ms: int) -> None:
    """Note that an operator has seen these notices; a second time changes nothing."""
    rows = [
        {"workspace_id": tx.workspace_id, "notice_id": each, "operator_id": operator_id, "at_ms": now_ms}
        for each in notice_ids
    ]
    if rows:
        await tx.execute(insert_or_ignore(tx, acknowledgements), rows)


async def acknowledged_by(tx: Transaction, operator_id: str, notice_ids: Collection[str]) -> dict[str, int]:
    """Return when the operator acknowledged those of the notices that they did."""
    table = acknowledgements.c
    statement = select(table.notice_id, table.at_ms).where(
        table.workspace_id == tx.workspace_id,
        table.operator_id == operator_id,
        table.notice_id.in_(sorted(notice_ids)),
    )
    return {row.notice_id: row.at_ms for row in await tx.execute(statement)}


async def acknowledgements_of(tx: Transaction, notice_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Return by notice who acknowledged it and when; notices that nobody did are left out."""
    table = acknowledgements.c
    statement = select(table.notice_id, table.operator_id, table.at_ms).where(
        table.workspace_id == tx.workspace_id, table.notice_id.in_(sorted(notice_ids))
    )
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(statement):
        found.setdefault(row.notice_id, {})[row.operator_id] = row.at_ms
    return found


async def preferences_of(tx: Transaction, operator_ids: Collection[str]) -> dict[str, Preference]:
    """Return what these operators chose; those who chose nothing are left out."""
    table = preferences.c
    statement = select(table.operator_id, table.by_email, table.least, table.muted).where(
        table.workspace_id == tx.workspace_id, table.operator_id.in_(sorted(operator_ids))
    )
    return {
        row.operator_id: Preference(row.by_email, Severity(row.least), frozenset(json.loads(row.muted)))
        for row in await tx.execute(statement)
    }


async def put_preference(tx: Transaction, operator_id: str, chosen: Preference) -> None:
    """Store what an operator chose."""
    values = {"by_email": chosen.by_email, "least": chosen.least.value, "muted": json.dumps(sorted(chosen.muted))}
    statement = insert_or(tx, preferences).values(workspace_id=tx.workspace_id, operator_id=operator_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "operator_id"], set_=values))


async def list_webhooks(tx: Transaction) -> list[Webhook]:
    """Return all webhooks, oldest first."""
    statement = select(*_HOOK).where(_W.workspace_id == tx.workspace_id).order_by(_W.id)
    return [_webhook(row) for row in await tx.execute(statement)]


async def webhook_by_id(tx: Transaction, webhook_id: str) -> Webhook | None:
    """Return a webhook."""
    row = (
        await tx.execute(select(*_HOOK).where(_W.workspace_id == tx.workspace_id, _W.id == webhook_id))
    ).one_or_none()
    return _webhook(row) if row else None


async def add_webhook(tx: Transaction, webhook: Webhook) -> None:
    """Store a webhook."""
    values = {name: getattr(webhook, name) for name in Webhook.__slots__}
    await tx.execute(insert(webhooks).values(workspace_id=tx.workspace_id, **values))


async def remove_webhook(tx: Transaction, webhook_id: str) -> bool:
    """Delete a webhook; False when there is none."""
    statement = delete(webhooks).where(_W.workspace_id == tx.workspace_id, _W.id == webhook_id)
    return (await tx.execute(statement)).rowcount == 1


async def note_attempt(tx: Transaction, webhook_id: str, *, status: int | None, error: str, now_ms: int) -> None:
    """Remember how the last attempt to post ended."""
    await tx.execute(
        update(webhooks)
        .where(_W.workspace_id == tx.workspace_id, _W.id == webhook_id)
        .values(last_ms=now_ms, last_status=status, last_error=error[:500])
    )


async def note_test(tx: Transaction, webhook_id: str, state: ProbeState, *, asked_ms: int | None = None) -> None:
    """Remember that a test was asked for, or what became of it."""
    asked = {} if asked_ms is None else {"test_ms": asked_ms}
    this = (_W.workspace_id == tx.workspace_id, _W.id == webhook_id)
    await tx.execute(update(webhooks).where(*this).values(test_state=state.value, **asked))


def notice_of(row: Any) -> Notice:
    """Return the record of a row."""
    matter = Matter(
        key=row.key,
        kind=row.kind,
        severity=Severity(row.severity),
        permission=row.permission,
        zh=row.zh,
        en=row.en,
        link=row.link,
        since_ms=row.raised_ms,
        scope=json.loads(row.scope),
        not_for=frozenset(json.loads(row.not_for)),
    )
    return Notice(row.id, matter, row.raised_ms, row.escalated_ms, row.resolved_ms)


def _webhook(row: Any) -> Webhook:
    values = {name: getattr(row, name) for name in Webhook.__slots__}
    state = ProbeState(row.test_state) if row.test_state else None
    return Webhook(**{**values, "least": Severity(row.least), "test_state": state})
