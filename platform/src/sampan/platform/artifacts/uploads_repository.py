"""Uploads in quarantine: record, and the SQL."""

from msgspec import Struct
from sqlalchemy import delete, func, insert, select

from sampan.platform.artifacts.tables import uploads
from sampan.platform.engines.database import Transaction


class Upload(Struct, frozen=True):
    """Bytes that a person sent and nobody has looked into yet; `sha256` is that of the bytes as sent."""

    id: str
    person_id: str
    size_bytes: int
    sha256: str
    created_ms: int


_U = uploads.c


async def insert_upload(tx: Transaction, upload: Upload) -> None:
    """Store an upload whose bytes are durable."""
    await tx.execute(
        insert(uploads).values(
            workspace_id=tx.workspace_id,
            id=upload.id,
            person_id=upload.person_id,
            size_bytes=upload.size_bytes,
            sha256=upload.sha256,
            created_ms=upload.created_ms,
        )
    )


async def find_upload(tx: Transaction, upload_id: str, *, person_id: str) -> Upload | None:
    """Return a person's own upload, or None."""
    statement = select(_U.id, _U.person_id, _U.size_bytes, _U.sha256, _U.created_ms).where(
        _U.workspace_id == tx.workspace_id, _U.id == upload_id, _U.person_id == person_id
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else Upload(row.id, row.person_id, row.size_bytes, row.sha256, row.created_ms)


async def take_upload(tx: Transaction, upload_id: str, *, person_id: str | None = None) -> bool:
    """Remove the row (of this person alone, when one is named); return False when it is not there."""
    statement = delete(uploads).where(_U.workspace_id == tx.workspace_id, _U.id == upload_id)
    if person_id is not None:
        statement = statement.where(_U.person_id == person_id)
    return bool((await tx.execute(statement)).rowcount)


async def count_uploads(tx: Transaction, person_id: str) -> int:
    """Return how many uploads of a person wait."""
    statement = (
        select(func.count()).select_from(uploads).where(_U.workspace_id == tx.workspace_id, _U.person_id == person_id)
    )
    return int((await tx.execute(statement)).scalar_one())


async def uploads_before(tx: Transaction, before_ms: int) -> list[str]:
    """Return the ids of uploads made before a moment."""
    statement = select(_U.id).where(_U.workspace_id == tx.workspace_id, _U.created_ms < before_ms)
    return [row.id for row in await tx.execute(statement)]


async def upload_ids(tx: Transaction) -> set[str]:
    """Return the ids of all uploads."""
    return {row.id for row in await tx.execute(select(_U.id).where(_U.workspace_id == tx.workspace_id))}
