"""Change requests and their approvals: the rows, and the CHECK that keeps maker and checker apart.

An approval carries the maker's person id by a composite foreign key to the request, so that the database
itself can compare the two: no code path, and no hand-written SQL, can enter a maker's own approval.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    UniqueConstraint,
    insert,
    select,
    update,
)

from sampan.platform.crypto.canonical import canonical_json, parse_canonical
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page, read_seen
from sampan.platform.engines.tables import scoped_table

change_requests = scoped_table(
    "change_requests",
    Column("id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("target", String(300), nullable=False),
    Column("base", String(200), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("digest", String(71), nullable=False),
    Column("diff", LargeBinary, nullable=False),
    Column("note", String(2000), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("maker_person_id", String(64), nullable=False),
    Column("maker_operator_id", String(64), nullable=False),
    Column("maker_via", String(200), nullable=False),
    Column("approvers_needed", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(2000), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("decided_ms", BigInteger),
    UniqueConstraint("workspace_id", "id", "maker_person_id"),
    CheckConstraint("state IN ('proposed', 'applied', 'rejected', 'withdrawn', 'stale')", name="state"),
    Index("ix_change_requests_state", "workspace_id", "state", "id"),
    Index("ix_change_requests_target", "workspace_id", "target"),
)
change_approvals = scoped_table(
    "change_approvals",
    Column("change_id", String(64), primary_key=True),
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("approver_person_id", String(64), primary_key=True),
    Column("approver_operator_id", String(64), nullable=False),
    Column("maker_person_id", String(64), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "change_id", "maker_person_id"],
        ["change_requests.workspace_id", "change_requests.id", "change_requests.maker_person_id"],
    ),
    CheckConstraint("approver_person_id <> maker_person_id", name="two_persons"),
)


class ChangeState(StrEnum):
    """Where a change request stands; `expired` is computed from the clock and never stored."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    STALE = "stale"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Words:
    """A value as people say it."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One readable line of what would change; None for what was or will not be there.

    `before` and `after` are as the payload has them; where that is no word for people, `words` say it in Chinese
    and English, by the value.
    """

    zh: str
    en: str
    before: str | None = None
    after: str | None = None
    words: Mapping[str, Words] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the form that is stored and shown: the words stand beside each value.

        Words that are the same for different values would hide what changes, such as the end of a long list.
        """
        was, will = self._said(self.before), self._said(self.after)
        if was == will and self.before != self.after:
            was = will = None
        return {
            "zh": self.zh,
            "en": self.en,
            "before": self.before,
            "after": self.after,
            "before_words": was,
            "after_words": will,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> "DiffLine":
        """Return a stored line."""
        words = {line[side]: Words(**line[f"{side}_words"]) for side in ("before", "after") if line[f"{side}_words"]}
        return cls(line["zh"], line["en"], line["before"], line["after"], words)

    def _said(self, value: str | None) -> dict[str, str] | None:
        words = None if value is None else self.words.get(value)
        return None if words is None else {"zh": words.zh, "en": words.en}


@dataclass(frozen=True, slots=True)
class Change:
    """A change request. `digest` names exactly what an approver approves: kind, target, base and payload."""

    id: str
    kind: str
    target: str
    base: str
    payload: dict[str, Any]
    digest: str
    diff: tuple[DiffLine, ...]
    note: str
    edition: int
    maker_person_id: str
    maker_operator_id: str
    maker_via: str
    approvers_needed: int
    state: ChangeState
    reason: str
    created_ms: int
    expires_ms: int
    decided_ms: int | None

    def state_at(self, now_ms: int) -> ChangeState:
        """Return the state, `expired` included."""
        is_late = self.state is ChangeState.PROPOSED and now_ms >= self.expires_ms
        return ChangeState.EXPIRED if is_late else self.state


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one edition."""

    change_id: str
    edition: int
    approver_person_id: str
    approver_operator_id: str
    digest: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which change requests; `maker` is a person's id."""

    state: ChangeState | None = None
    kind: str | None = None
    target: str | None = None
    maker: str | None = None


NEWEST = Order("-id", (change_requests.c.id,), descending=True)
OLDEST = Order("id", (change_requests.c.id,))
_CHANGE = [change_requests.c[name] for name in Change.__slots__]
_APPROVAL = [change_approvals.c[name] for name in Approval.__slots__]


async def add_change(tx: Transaction, change: Change) -> None:
    """Insert a change request."""
    await tx.execute(insert(change_requests).values(workspace_id=tx.workspace_id, **_values(change)))


async def replace_change(tx: Transaction, change: Change) -> bool:
    """Write a new edition over the one before it; False when somebody was quicker."""
    statement = (
        update(change_requests)
        .where(
            change_requests.c.workspace_id == tx.workspace_id,
            change_requests.c.id == change.id,
            change_requests.c.edition == change.edition - 1,
            change_requests.c.state.in_([ChangeState.PROPOSED, ChangeState.STALE]),
        )
        .values(**_values(change))
    )
    return (await tx.execute(statement)).rowcount == 1


async def change_by_id(tx: Transaction, change_id: str, *, lock: bool = False) -> Change | None:
    """Return the change request; with `lock`, other deciders wait until this transaction ends."""
    statement = select(*_CHANGE).where(
        change_requests.c.workspace_id == tx.workspace_id, change_requests.c.id == change_id
    )
    if lock:
        statement = statement.with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    return _change(row) if row else None


async def page_changes(
    tx: Transaction, wanted: ChangeFilter, paging: Paging, *, now_ms: int, order: Order = NEWEST
) -> Found[Change]:
    """Return a page of change requests, newest first."""
    return await read_page(tx, _matching(tx, wanted, now_ms), order, paging, _change)


async def page_seen_changes(
    tx: Transaction, wanted: ChangeFilter, paging: Paging, *, now_ms: int, may_see: Callable[[Change], bool]
) -> Found[Change]:
    """Return a page of those change requests that `may_see` lets through, newest first, uncounted."""
    return await read_seen(tx, _matching(tx, wanted, now_ms), NEWEST, paging, _change, may_see)


async def decide(
    tx: Transaction, change: Change, state: ChangeState, *, reason: str = "", now_ms: int, only_from: ChangeState
) -> bool:
    """Move exactly this edition to its next state; False when it is no longer in `only_from`.

    This is what two approvals at once fight for: the row's lock lets one of them see `only_from`.
    """
    statement = (
        update(change_requests)
        .where(
            change_requests.c.workspace_id == tx.workspace_id,
            change_requests.c.id == change.id,
            change_requests.c.edition == change.edition,
            change_requests.c.digest == change.digest,
            change_requests.c.state == only_from,
        )
        .values(state=state, reason=reason, decided_ms=now_ms)
    )
    return (await tx.execute(statement)).rowcount == 1


async def add_approval(tx: Transaction, change: Change, approval: Approval) -> None:
    """Insert an approval; the database refuses the maker's own."""
    await tx.execute(
        insert(change_approvals).values(
            workspace_id=tx.workspace_id,
            maker_person_id=change.maker_person_id,
            **{name: getattr(approval, name) for name in Approval.__slots__},
        )
    )


async def approvals_of(tx: Transaction, change: Change) -> list[Approval]:
    """Return the approvals of the present edition, in the order they were given."""
    return [one for one in await approvals_of_many(tx, [change]) if one.edition == change.edition]


async def approvals_of_many(tx: Transaction, changes: Iterable[Change]) -> list[Approval]:
    """Return the approvals of all editions of these changes, in the order they were given."""
    statement = (
        select(*_APPROVAL)
        .where(
            change_approvals.c.workspace_id == tx.workspace_id,
            change_approvals.c.change_id.in_([change.id for change in changes]),
        )
        .order_by(change_approvals.c.at_ms)
    )
    return [Approval(**row._mapping) for row in await tx.execute(statement)]


def _matching(tx: Transaction, wanted: ChangeFilter, now_ms: int) -> Select[Any]:
    statement = select(*_CHANGE).where(change_requests.c.workspace_id == tx.workspace_id)
    if wanted.state is not None:
        stored = ChangeState.PROPOSED if wanted.state is ChangeState.EXPIRED else wanted.state
        statement = statement.where(change_requests.c.state == stored)
    if wanted.state is ChangeState.PROPOSED:
        statement = statement.where(change_requests.c.expires_ms > now_ms)
    if wanted.state is ChangeState.EXPIRED:
        statement = statement.where(change_requests.c.expires_ms <= now_ms)
    named = {"kind": wanted.kind, "target": wanted.target, "maker_person_id": wanted.maker}
    for column, value in named.items():
        if value is not None:
            statement = statement.where(change_requests.c[column] == value)
    return statement


def _values(change: Change) -> dict[str, Any]:
    values = {name: getattr(change, name) for name in Change.__slots__}
    values["payload"] = canonical_json(change.payload)
    values["diff"] = canonical_json([line.as_json() for line in change.diff])
    return values


def _change(row: Any) -> Change:
    values = {name: getattr(row, name) for name in Change.__slots__}
    values["payload"] = parse_canonical(row.payload)
    values["diff"] = tuple(map(DiffLine.from_json, parse_canonical(row.diff)))
    values["state"] = ChangeState(row.state)
    return Change(**values)
