"""Rows of tags: names, merged members as blobs, and how they are read into memory."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from pyroaring import BitMap
from sqlalchemy import delete, insert, select, update

from sampan.platform.audience.tables import tag_blobs, tag_imports, tag_merges, tags
from sampan.platform.audience.tag_states import LOG, TagCreated, TagEvent, TagStates, from_entry, pack, to_entry
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import append, insert_or_ignore, log_entries
from sampan.platform.engines.log import head as log_head
from sampan.platform.engines.log import read as read_log
from sampan.platform.workspaces.replica import FollowedLog

ENTRIES_PER_READ = 50
NAMES_PER_READ = 50
ENTRIES_KEPT_MS = 24 * 3600 * 1000  # no worker that is further behind than that is still one


class Tag(Struct, frozen=True):
    """A label on subjects."""

    name: str
    title: str
    made_by: str
    created_ms: int
    changed_ms: int


class Merged(Struct, frozen=True):
    """The members of all tags up to number `n` of the log, and the names of tags that changed since the last merge."""

    states: TagStates
    before: int
    n: int
    changed: frozenset[str]


_TAG = (tags.c.name, tags.c.title, tags.c.made_by, tags.c.created_ms, tags.c.changed_ms)


def _tag(row: Any) -> Tag:
    return Tag(row.name, row.title, row.made_by, row.created_ms, row.changed_ms)


async def add_tag(tx: Transaction, tag: Tag) -> bool:
    """Store a new tag; False when its name is taken."""
    values = {"workspace_id": tx.workspace_id, **{column.name: getattr(tag, column.name) for column in _TAG}}
    if (await tx.execute(insert_or_ignore(tx, tags).values(values))).rowcount == 0:
        return False
    await log_tags(tx, [TagCreated(tag.name)], now_ms=tag.created_ms)
    return True


async def get_tag(tx: Transaction, name: str) -> Tag | None:
    """Return one tag."""
    statement = select(*_TAG).where(tags.c.workspace_id == tx.workspace_id, tags.c.name == name)
    row = (await tx.execute(statement)).one_or_none()
    return _tag(row) if row else None


async def list_tags(tx: Transaction) -> list[Tag]:
    """Return all tags by name."""
    statement = select(*_TAG).where(tags.c.workspace_id == tx.workspace_id).order_by(tags.c.name)
    return [_tag(row) for row in await tx.execute(statement)]


async def note_change(tx: Transaction, name: str, *, now_ms: int, title: str | None = None) -> None:
    """Write down when a tag changed, and its title when one is given."""
    values: dict[str, Any] = {"changed_ms": now_ms} if title is None else {"changed_ms": now_ms, "title": title}
    await tx.execute(update(tags).where(tags.c.workspace_id == tx.workspace_id, tags.c.name == name).values(values))


async def delete_tag(tx: Transaction, name: str) -> None:
    """Remove the rows of a tag; the caller logs it."""
    for column in (tag_imports.c.tag, tag_blobs.c.name, tags.c.name):
        table = column.table
        await tx.execute(delete(table).where(table.c.workspace_id == tx.workspace_id, column == name))


async def log_tags(tx: Transaction, events: Iterable[TagEvent], *, now_ms: int) -> None:
    """Append events to the log "tags"; workers follow it as soon as the transaction is durable."""
    if await append(tx, LOG, [to_entry(event) for event in events], now_ms=now_ms):
        tx.wake()


async def load_states(tx: Transaction) -> TagStates:
    """Return the members of every tag as of this transaction."""
    return (await read_merged(tx)).states


async def read_merged(tx: Transaction) -> Merged:
    """Return the members of every tag: the stored ones, and what the log says since."""
    before = await _merged_to(tx)
    states = TagStates()
    async for name, body in _blobs(tx):
        states.members[name] = BitMap.deserialize(body)
    changed: set[str] = set()
    n, head = before, (await log_head(tx, LOG)).n
    while n < head:
        entries = await read_log(tx, LOG, after=n, limit=ENTRIES_PER_READ)
        for entry in entries:
            changed |= states.take(from_entry(entry))
        n = entries[-1].n if entries else head
    return Merged(states, before, n, frozenset(changed))


async def write_merged(tx: Transaction, merged: Merged, blobs: Mapping[str, tuple[int, bytes]], *, now_ms: int) -> bool:
    """Store new versions of the changed tags and forget old entries; False when another merge came first."""
    if await _merged_to(tx, lock=True) != merged.before:
        return False
    for name in sorted(merged.changed):
        await tx.execute(delete(tag_blobs).where(tag_blobs.c.workspace_id == tx.workspace_id, tag_blobs.c.name == name))
    rows = [
        {"workspace_id": tx.workspace_id, "name": name, "version": merged.n, "members": count, "body": body}
        for name, (count, body) in sorted(blobs.items())
    ]
    for row in rows:
        await tx.execute(insert(tag_blobs), [row])
    await tx.execute(update(tag_merges).where(tag_merges.c.workspace_id == tx.workspace_id).values(merged=merged.n))
    await tx.execute(
        delete(log_entries).where(
            log_entries.c.workspace_id == tx.workspace_id,
            log_entries.c.log == LOG,
            log_entries.c.n <= merged.n,
            log_entries.c.at_ms < now_ms - ENTRIES_KEPT_MS,
        )
    )
    return True


def packed(merged: Merged) -> dict[str, tuple[int, bytes]]:
    """Return the number of members and the stored form of each changed tag that is still there; takes a while."""
    members = merged.states.members
    return {name: (len(members[name]), pack(members[name])) for name in merged.changed if name in members}


async def _blobs(tx: Transaction) -> Any:
    names: Sequence[str] = [
        row.name
        for row in await tx.execute(
            select(tag_blobs.c.name).where(tag_blobs.c.workspace_id == tx.workspace_id).order_by(tag_blobs.c.name)
        )
    ]
    for start in range(0, len(names), NAMES_PER_READ):
        some = names[start : start + NAMES_PER_READ]
        statement = select(tag_blobs.c.name, tag_blobs.c.body).where(
            tag_blobs.c.workspace_id == tx.workspace_id, tag_blobs.c.name.in_(some)
        )
        for row in await tx.execute(statement):
            yield row.name, row.body


async def _merged_to(tx: Transaction, *, lock: bool = False) -> int:
    if lock:
        await tx.execute(insert_or_ignore(tx, tag_merges).values(workspace_id=tx.workspace_id, merged=0))
        statement = update(tag_merges).where(tag_merges.c.workspace_id == tx.workspace_id)
        changed = statement.values(merged=tag_merges.c.merged).returning(tag_merges.c.merged)
        return int((await tx.execute(changed)).scalar_one())
    found = select(tag_merges.c.merged).where(tag_merges.c.workspace_id == tx.workspace_id)
    return (await tx.execute(found)).scalar_one_or_none() or 0


followed_log = FollowedLog(LOG, load_states)
