"""Which stored archive holds a file, and where: so that `/files/<sha256>` needs no second copy and no SQL.

One row per archive; a followed log brings new archives into the memory of every worker.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field
from sqlalchemy import BigInteger, Column, LargeBinary, String, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import Entry, LogEntry, append, insert_or_ignore
from sampan.platform.engines.tables import scoped_table

LOG = "trust_files"
trust_archives = scoped_table(
    "trust_archives",
    Column("archive_sha256", String(64), primary_key=True),
    Column("files", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)


class ArchiveFile(msgspec.Struct, frozen=True, array_like=True):
    """A file inside a stored archive: its digest in hexadecimal, and where its bytes lie, in bytes."""

    sha256: str
    offset: int
    size: int


class _Archive(msgspec.Struct, frozen=True):
    archive: str
    files: tuple[ArchiveFile, ...]


class Place(Struct, frozen=True):
    """Where a file's bytes are: in which archive, from which offset, how many."""

    archive_sha256: str
    offset: int
    size: int


class FilePlaces(Struct):
    """All files of a workspace's archives by digest, in memory."""

    _places: dict[bytes, tuple[bytes, int, int]] = field(default_factory=dict)

    def place(self, sha256: str) -> Place | None:
        """Return where the file with this digest (64 lower-case hexadecimal digits) lies, or None."""
        found = self._places.get(bytes.fromhex(sha256))
        return Place(found[0].hex(), found[1], found[2]) if found else None

    def add(self, archive: _Archive) -> None:
        """Take an archive's files in; a file that is known keeps its place."""
        archive_digest = bytes.fromhex(archive.archive)
        for each in archive.files:
            self._places.setdefault(bytes.fromhex(each.sha256), (archive_digest, each.offset, each.size))

    def apply(self, entries: Sequence[LogEntry]) -> None:
        """Take the next log entries."""
        for entry in entries:
            self.add(msgspec.json.decode(entry.body, type=_Archive))


async def register_files(tx: Transaction, archive_sha256: str, entries: Iterable[ArchiveFile], *, now_ms: int) -> None:
    """Make the files of a stored archive downloadable by their digests; doing it again changes nothing.

    The archive must stand in the object store under its digest before this transaction commits.
    """
    body = msgspec.json.encode(_Archive(archive_sha256, tuple(entries)))
    values = {
        "workspace_id": tx.workspace_id,
        "archive_sha256": archive_sha256,
        "files": body,
        "created_ms": now_ms,
    }
    statement = insert_or_ignore(tx, trust_archives).values(values).returning(trust_archives.c.archive_sha256)
    if (await tx.execute(statement)).one_or_none() is None:
        return
    await append(tx, LOG, [Entry("archive", body)], now_ms=now_ms)
    tx.wake()


async def load_places(tx: Transaction) -> FilePlaces:
    """Return the places of all registered files."""
    places = FilePlaces()
    statement: Any = select(trust_archives.c.files).where(trust_archives.c.workspace_id == tx.workspace_id)
    for body in (await tx.execute(statement)).scalars():
        places.add(msgspec.json.decode(body, type=_Archive))
    return places
