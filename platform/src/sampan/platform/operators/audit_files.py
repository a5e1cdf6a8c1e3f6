"""Audit rows in files: JSON lines in chunks that only ever grow in number, for a place the database cannot reach.

`audit-<first>-<last>.jsonl` holds one row a line, as canonical JSON with its hash, and ends with a line
`{"head": {"n": ..., "hash": ...}, "workspace": ...}`. A written chunk is never touched again. The heads are the
witnesses that find a cut tail or a rewritten chain. Knows neither the database nor the server, so a command
on another machine can keep and check the files.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sampan.platform.crypto.canonical import canonical_json, parse_canonical
from sampan.platform.errors import Conflict
from sampan.platform.operators.audit_chain import EMPTY, AuditRow, ChainCheck, Head, Problem

CHUNK = re.compile(r"audit-(\d{12})-(\d{12})\.jsonl")


class AuditDiffers(Conflict):
    """The rows to be exported do not follow from the files that are there."""

    code: ClassVar[str] = "audit_differs"


class ChunkUnreadable(Exception):
    """A line of a chunk is not what was written."""


@dataclass(frozen=True, slots=True)
class FilesCheck:
    """What the files say: their last head, all heads as witnesses, and what is wrong with the files."""

    head: Head
    heads: Sequence[Head]
    problems: Sequence[Problem] = field(default_factory=list)


def row_as_json(row: AuditRow) -> dict[str, Any]:
    """Return a row as it stands in files and in the API."""
    return {**row.content(), "hash": row.hash}


def row_from_json(value: Any) -> AuditRow:
    """Return the row of such a JSON value; raise KeyError, TypeError or ValueError when it is none."""
    actor = value["actor"]
    return AuditRow(
        workspace_id=value["workspace"],
        n=value["n"],
        at_ms=value["at_ms"],
        actor_kind=actor["kind"],
        person_id=actor["person"],
        operator_id=actor["operator"],
        via=actor["via"],
        action=value["action"],
        target=value["target"],
        detail=canonical_json(value["detail"]),
        previous=value["previous"],
        hash=value["hash"],
    )


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """The chunks of one workspace in one folder."""

    folder: Path
    workspace_id: str

    def chunks(self) -> list[Path]:
        """Return the chunks in the order of their numbers."""
        return sorted(path for path in self.folder.glob("audit-*.jsonl") if CHUNK.fullmatch(path.name))

    def head(self) -> Head:
        """Return the head that the last chunk ends with; `EMPTY` without chunks."""
        chunks = self.chunks()
        return _read(chunks[-1])[1] if chunks else EMPTY

    def append(self, rows: Sequence[AuditRow]) -> Path | None:
        """Write the next rows as one chunk, durable on return; raise `AuditDiffers` when they do not follow."""
        if not rows:
            return None
        check = ChainCheck(self.workspace_id, head=self.head())
        check.feed(rows)
        if check.problems:
            raise AuditDiffers(
                f"The audit does not follow from the exported files: {check.problems[0].sentence}. "
                "Nothing was written; run the verification and keep the files."
            )
        lines = [canonical_json(row_as_json(row)) for row in rows]
        lines.append(canonical_json({"head": check.head.as_json(), "workspace": self.workspace_id}))
        path = self.folder / f"audit-{rows[0].n:012}-{rows[-1].n:012}.jsonl"
        _write_once(path, b"\n".join(lines) + b"\n")
        return path

    def check(self) -> FilesCheck:
        """Read all chunks and say what is wrong with them."""
        check = ChainCheck(self.workspace_id)
        heads: list[Head] = []
        problems: list[Problem] = []
        for path in self.chunks():
            try:
                rows, head = _read(path)
            except (ChunkUnreadable, OSError):
                problems.append(Problem("file_unreadable", check.head.n + 1, f"{path.name} was changed or damaged"))
                continue
            check.feed(rows)
            if check.head != head:
                problems.append(Problem("file_head_differs", head.n, f"{path.name} does not end with its head"))
            heads.append(head)
        found = [Problem(f"file_{problem.code}", problem.n, problem.sentence) for problem in check.problems]
        return FilesCheck(check.head, heads, [*problems, *found])


def _read(path: Path) -> tuple[list[AuditRow], Head]:
    *lines, last = path.read_bytes().splitlines() or [b""]
    try:
        rows = [row_from_json(parse_canonical(line)) for line in lines]
        end = parse_canonical(last)["head"]
        return rows, Head(int(end["n"]), str(end["hash"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise ChunkUnreadable(f"{path.name} is not as it was written") from problem


def _write_once(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.link(temporary, path)  # unlike a rename, it refuses to replace a chunk
    temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
