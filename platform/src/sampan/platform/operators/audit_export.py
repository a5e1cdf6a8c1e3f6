"""Exporting the audit to files on the server's own disk, and checking the database against them."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sampan.platform.operators.audit_chain import AuditRow, Head
from sampan.platform.operators.audit_files import AuditDiffers, AuditFiles
from sampan.platform.operators.audit_reading import Verification, pages_after, rows_after, verify

if TYPE_CHECKING:
    from sampan.platform.core import Core

CHUNK_ROWS = 10_000


async def export(core: "Core", workspace_id: str, folder: Path) -> list[Path]:
    """Write the rows that are not in the folder yet and return the new chunks.

    Raise `AuditDiffers`, writing nothing, when the database no longer holds what was exported before.
    """
    files = AuditFiles(folder, workspace_id)
    head = await asyncio.to_thread(files.head)
    written: list[Path] = []
    async with core.store.workspace(workspace_id).read() as tx:
        if head.n and not _holds(await rows_after(tx, head.n - 1, 1), head):
            raise AuditDiffers(
                f"The database does not hold row {head.n} as it was exported. Nothing was written; run the "
                "verification with these files and keep them."
            )
        waiting: list[AuditRow] = []
        async for page in pages_after(tx, head.n):
            waiting.extend(page)
            if len(waiting) >= CHUNK_ROWS:
                written.extend(await _append(files, waiting))
                waiting = []
        written.extend(await _append(files, waiting))
    return written


async def verify_with_files(
    core: "Core", workspace_id: str, folder: Path, *, witnesses: Iterable[Head] = ()
) -> Verification:
    """Check the files, then the database against itself, the files' heads and further witnesses."""
    found = await asyncio.to_thread(AuditFiles(folder, workspace_id).check)
    verification = await verify(core, workspace_id, witnesses=[*witnesses, *found.heads])
    return replace(verification, problems=[*found.problems, *verification.problems])


async def _append(files: AuditFiles, rows: list[AuditRow]) -> list[Path]:
    path = await asyncio.to_thread(files.append, rows)
    return [path] if path else []


def _holds(rows: list[AuditRow], head: Head) -> bool:
    return [Head(row.n, row.hash) for row in rows] == [head]
