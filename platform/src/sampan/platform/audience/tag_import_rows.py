"""Rows of imports into tags."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import func, insert, select, update

from sampan.platform.audience.problems import TagImportUnknown
from sampan.platform.audience.tables import tag_imports
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page

NEWEST = Order("-created", (tag_imports.c.created_ms, tag_imports.c.id), descending=True)
MAX_CAUSE = 500


class Mode(StrEnum):
    """What an import does with the ids of its file."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class ImportState(StrEnum):
    """How an import stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Progress(Struct, frozen=True):
    """How far an import is: every line that is not blank is taken or refused. Members are known at its end."""

    size_bytes: int
    read_bytes: int = 0
    lines: int = 0
    taken: int = 0
    refused: int = 0
    members_before: int | None = None
    members_after: int | None = None


class TagImport(Struct, frozen=True, kw_only=True):
    """A file of ids on its way into a tag."""

    id: str
    tag: str
    mode: Mode
    state: ImportState
    progress: Progress
    made_by: str
    person_id: str
    via: str
    created_ms: int
    changed_ms: int
    cause: str = ""


_OWN = ("id", "tag", "mode", "state", "made_by", "person_id", "via", "created_ms", "changed_ms", "cause")
_COLUMNS = tuple(column for column in tag_imports.c if column.name != "workspace_id")


async def add_import(tx: Transaction, made: TagImport) -> None:
    """Store a new import."""
    values = {name: getattr(made, name) for name in _OWN}
    values |= {name: getattr(made.progress, name) for name in Progress.__struct_fields__}
    await tx.execute(insert(tag_imports).values(workspace_id=tx.workspace_id, **values))


async def note_progress(
    tx: Transaction, import_id: str, state: ImportState, progress: Progress, *, now_ms: int, cause: str = ""
) -> None:
    """Write down how far an import is."""
    values: dict[str, Any] = {name: getattr(progress, name) for name in Progress.__struct_fields__}
    await tx.execute(
        update(tag_imports)
        .where(tag_imports.c.workspace_id == tx.workspace_id, tag_imports.c.id == import_id)
        .values(state=state, changed_ms=now_ms, cause=cause[:MAX_CAUSE], **values)
    )


async def find_import(tx: Transaction, import_id: str) -> TagImport | None:
    """Return one import."""
    statement = select(*_COLUMNS).where(tag_imports.c.workspace_id == tx.workspace_id, tag_imports.c.id == import_id)
    row = (await tx.execute(statement)).one_or_none()
    return _record(row) if row else None


async def get_import(tx: Transaction, tag: str, import_id: str) -> TagImport:
    """Return one import into this tag; raise `TagImportUnknown`."""
    found = await find_import(tx, import_id)
    if found is None or found.tag != tag:
        raise TagImportUnknown("No import of this id into this tag.")
    return found


async def import_ids(tx: Transaction, tag: str) -> list[str]:
    """Return the ids of all imports into a tag."""
    statement = select(tag_imports.c.id).where(tag_imports.c.workspace_id == tx.workspace_id, tag_imports.c.tag == tag)
    return [row.id for row in await tx.execute(statement)]


async def count_waiting(tx: Transaction) -> int:
    """Return how many files of the workspace are not read to their end."""
    statement = select(func.count(tag_imports.c.id)).where(
        tag_imports.c.workspace_id == tx.workspace_id,
        tag_imports.c.state.in_((ImportState.WAITING, ImportState.RUNNING)),
    )
    return int((await tx.execute(statement)).scalar_one())


async def last_imports(tx: Transaction, names: Sequence[str]) -> dict[str, TagImport]:
    """Return the newest import into each of these tags that has one."""
    own = tag_imports.c.workspace_id == tx.workspace_id
    newest = select(tag_imports.c.tag, func.max(tag_imports.c.created_ms).label("at_ms"))
    newest = newest.where(own, tag_imports.c.tag.in_(names)).group_by(tag_imports.c.tag)
    last = newest.subquery()
    statement = select(*_COLUMNS).where(own).order_by(tag_imports.c.id)
    statement = statement.join(last, (tag_imports.c.tag == last.c.tag) & (tag_imports.c.created_ms == last.c.at_ms))
    return {row.tag: _record(row) for row in await tx.execute(statement)}


async def page_imports(tx: Transaction, tag: str, paging: Paging) -> Found[TagImport]:
    """Return a page of the imports into a tag, the newest first."""
    statement = select(*_COLUMNS).where(tag_imports.c.workspace_id == tx.workspace_id, tag_imports.c.tag == tag)
    return await read_page(tx, statement, NEWEST, paging, _record)


def _record(row: Any) -> TagImport:
    progress = Progress(**{name: getattr(row, name) for name in Progress.__struct_fields__})
    own = {name: getattr(row, name) for name in _OWN} | {"mode": Mode(row.mode), "state": ImportState(row.state)}
    return TagImport(progress=progress, **own)
