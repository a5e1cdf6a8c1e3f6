"""Rows of hotfixes, and all SQL on them. The content is read by itself: it may have megabytes."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Text,
    UniqueConstraint,
    func,
    select,
    tuple_,
    update,
)

from sampan.offline_packages.hotfix import Hotfix, parse_hotfix
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.tables import apps, candidates
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table

hotfixes = scoped_table(
    "hotfixes",
    Column("app_id", String(128), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("candidate_id", String(40), nullable=False),
    Column("title", String(200), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("stack", Text, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("withdrawn_ms", BigInteger),
    Column("withdrawn_by", String(200), nullable=False),
    Column("withdrawn_cause", Text, nullable=False),
    UniqueConstraint("workspace_id", "candidate_id"),
    ForeignKeyConstraint(
        ["workspace_id", "app_id", "sequence"], ["versions.workspace_id", "versions.app_id", "versions.sequence"]
    ),
    ForeignKeyConstraint(["workspace_id", "candidate_id"], ["candidates.workspace_id", "candidates.id"]),
)
_H, _C = hotfixes.c, candidates.c
_COLUMNS = (
    _H.app_id,
    _H.sequence,
    _H.n,
    _H.candidate_id,
    _H.title,
    _H.document,
    _H.stack,
    _H.digest,
    _H.size_bytes,
    _H.withdrawn_ms,
    _H.withdrawn_by,
    _H.withdrawn_cause,
    _C.state,
    _C.cause,
    _C.submitted_ms,
    _C.submitted_by,
    _C.decided_ms,
    _C.decided_by,
    _C.published_ms,
)
NEWEST = Order("-n", (_H.n,), descending=True)


class Record(Struct, frozen=True):
    """A hotfix of a version, with the state of its candidate.

    `stack` is what it is applied with now, itself last, empty when it fell; `digest` is of the package that results,
    `size_bytes` of all content that a device fetches for it.
    """

    app_id: str
    sequence: int
    n: int
    candidate_id: str
    title: str
    document: bytes
    hotfix: Hotfix
    stack: tuple[int, ...]
    digest: str
    size_bytes: int
    withdrawn_ms: int | None
    withdrawn_by: str
    withdrawn_cause: str
    state: VersionState
    cause: str
    submitted_ms: int
    submitted_by: str
    decided_ms: int | None
    decided_by: str | None
    published_ms: int | None

    @property
    def is_live(self) -> bool:
        """Whether devices may have it: published, and not withdrawn."""
        return self.state is VersionState.PUBLISHED and self.withdrawn_ms is None


async def add_hotfix(tx: Transaction, record: Record, content: bytes) -> bool:
    """Store a hotfix whose candidate is stored; return False when its number is taken."""
    statement = insert_or_ignore(tx, hotfixes).values(
        workspace_id=tx.workspace_id,
        app_id=record.app_id,
        sequence=record.sequence,
        n=record.n,
        candidate_id=record.candidate_id,
        title=record.title,
        document=record.document,
        content=content,
        stack=_written(record.stack),
        digest=record.digest,
        size_bytes=record.size_bytes,
        withdrawn_ms=None,
        withdrawn_by="",
        withdrawn_cause="",
    )
    return bool((await tx.execute(statement)).rowcount)


async def highest_number(tx: Transaction, app_id: str, sequence: int) -> int:
    """Return the highest number that a hotfix of the version ever had, 0 before the first."""
    statement = select(func.max(_H.n)).where(*_of(tx, app_id, sequence))
    return int((await tx.execute(statement)).scalar_one() or 0)


async def hotfixes_of(tx: Transaction, app_id: str, sequence: int) -> dict[int, Record]:
    """Return all hotfixes of a version, whatever became of them, by number."""
    statement = _select(tx).where(*_of(tx, app_id, sequence)).order_by(_H.n)
    return {row.n: _record(row) for row in await tx.execute(statement)}


async def hotfixes_in(tx: Transaction, versions: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[Record]]:
    """Return the live hotfixes of these versions, by version, rising."""
    if not versions:
        return {}
    statement = _select(tx).where(
        tuple_(_H.app_id, _H.sequence).in_(sorted(versions)),
        _H.withdrawn_ms.is_(None),
        _C.state == VersionState.PUBLISHED.value,
    )
    found: dict[tuple[str, int], list[Record]] = {}
    for row in await tx.execute(statement.order_by(_H.app_id, _H.sequence, _H.n)):
        found.setdefault((row.app_id, row.sequence), []).append(_record(row))
    return found


async def has_hotfix(tx: Transaction, app_id: str, sequence: int) -> bool:
    """Whether anybody ever made a hotfix of the version."""
    statement = select(_H.n).where(*_of(tx, app_id, sequence)).limit(1)
    return (await tx.execute(statement)).one_or_none() is not None


async def find_hotfix(tx: Transaction, app_id: str, sequence: int, n: int) -> Record | None:
    """Return one hotfix, or None."""
    row = (await tx.execute(_select(tx).where(*_of(tx, app_id, sequence), _H.n == n))).one_or_none()
    return None if row is None else _record(row)


async def hotfix_of_candidate(tx: Transaction, candidate_id: str) -> Record | None:
    """Return the hotfix behind a candidate, or None."""
    statement = _select(tx).where(_H.candidate_id == candidate_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _record(row)


async def waiting_hotfixes(
    tx: Transaction, state: VersionState, *, limit: int
) -> list[tuple[Record, str, frozenset[str]]]:
    """Return the hotfixes in a state with the app's publisher and the persons who made them, longest waiting first."""
    statement = (
        _select(tx)
        .add_columns(apps.c.publisher_id, _C.submitted_person_id, _C.signed_person_id)
        .join(apps, apps.c.app_id == _H.app_id)
        .where(apps.c.workspace_id == tx.workspace_id, _C.state == state.value)
        .order_by(_C.id)
        .limit(limit)
    )
    return [
        (_record(row), row.publisher_id, frozenset({row.submitted_person_id, row.signed_person_id}))
        for row in await tx.execute(statement)
    ]


async def page_hotfixes(tx: Transaction, app_id: str, sequence: int, paging: Paging) -> Found[Record]:
    """Return a page of a version's hotfixes, the highest number first."""
    return await read_page(tx, _select(tx).where(*_of(tx, app_id, sequence)), NEWEST, paging, _record)


async def contents_of(tx: Transaction, app_id: str, sequence: int, numbers: Collection[int]) -> dict[int, bytes]:
    """Return the content of these hotfixes of a version, by number."""
    statement = select(_H.n, _H.content).where(*_of(tx, app_id, sequence), _H.n.in_(sorted(numbers)))
    return {row.n: row.content for row in await tx.execute(statement)}


async def change_stack(tx: Transaction, record: Record, stack: Sequence[int], *, digest: str, size_bytes: int) -> None:
    """Write what a hotfix is applied with from now on, after another was withdrawn."""
    values: dict[str, Any] = {"stack": _written(stack), "digest": digest, "size_bytes": size_bytes}
    await tx.execute(update(hotfixes).where(*_is(tx, record)).values(**values))


async def mark_withdrawn(tx: Transaction, record: Record, *, by: str, cause: str, now_ms: int) -> None:
    """Note that a hotfix was withdrawn; it stays so."""
    values = {"withdrawn_ms": now_ms, "withdrawn_by": by, "withdrawn_cause": cause, "stack": _written(())}
    await tx.execute(update(hotfixes).where(*_is(tx, record), _H.withdrawn_ms.is_(None)).values(**values))


def _select(tx: Transaction) -> Select[Any]:
    own = (_H.workspace_id == tx.workspace_id, _C.workspace_id == tx.workspace_id)
    return select(*_COLUMNS).join(candidates, _C.id == _H.candidate_id).where(*own)


def _of(tx: Transaction, app_id: str, sequence: int) -> tuple[Any, ...]:
    return (_H.workspace_id == tx.workspace_id, _H.app_id == app_id, _H.sequence == sequence)


def _is(tx: Transaction, record: Record) -> tuple[Any, ...]:
    return (*_of(tx, record.app_id, record.sequence), _H.n == record.n)


def _written(stack: Sequence[int]) -> str:
    return orjson.dumps(list(stack)).decode()


def _record(row: Row[Any]) -> Record:
    return Record(
        app_id=row.app_id,
        sequence=row.sequence,
        n=row.n,
        candidate_id=row.candidate_id,
        title=row.title,
        document=row.document,
        hotfix=parse_hotfix(row.document),
        stack=tuple(orjson.loads(row.stack)),
        digest=row.digest,
        size_bytes=row.size_bytes,
        withdrawn_ms=row.withdrawn_ms,
        withdrawn_by=row.withdrawn_by,
        withdrawn_cause=row.withdrawn_cause,
        state=VersionState(row.state),
        cause=row.cause,
        submitted_ms=row.submitted_ms,
        submitted_by=row.submitted_by,
        decided_ms=row.decided_ms,
        decided_by=row.decided_by,
        published_ms=row.published_ms,
    )
