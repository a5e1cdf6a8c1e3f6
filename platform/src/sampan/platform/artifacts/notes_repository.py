"""What was found in a candidate, what was said about it, and every change of its state: records, and the SQL."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, func, insert, select

from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.tables import comments, findings, history
from sampan.platform.engines.database import Transaction

MAX_FINDINGS = 1000


class Finding(Struct, frozen=True):
    """What a check found; `severity` is `error` (refuses), `warning` or `info`. `line` starts at 1."""

    code: str
    severity: str
    message: str
    file: str = ""
    line: int | None = None
    source: str = "check"


class Comment(Struct, frozen=True):
    """What a person said about a candidate, about a line of a file if they like."""

    id: str
    candidate_id: str
    at_ms: int
    author: str
    author_person_id: str
    text: str
    file: str
    line: int | None


class HistoryEntry(Struct, frozen=True):
    """One change of state: when, to what, why, by whom."""

    at_ms: int
    state: VersionState
    cause: str
    who: str
    note: str


async def replace_findings(tx: Transaction, candidate_id: str, source: str, found: Sequence[Finding]) -> None:
    """Store what one source found, gravest first, in place of what it found before.

    Of more than `MAX_FINDINGS` the first are kept, and a last finding says so.
    """
    if len(found) > MAX_FINDINGS:
        message = f"Only the first {MAX_FINDINGS} of {len(found)} findings are kept; mend those, then submit again."
        found = [*found[:MAX_FINDINGS], Finding("findings_cut", "warning", message)]
    f = findings.c
    await tx.execute(
        delete(findings).where(f.workspace_id == tx.workspace_id, f.candidate_id == candidate_id, f.source == source)
    )
    count = select(func.coalesce(func.max(f.n), 0)).where(
        f.workspace_id == tx.workspace_id, f.candidate_id == candidate_id
    )
    first = int((await tx.execute(count)).scalar_one()) + 1
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "candidate_id": candidate_id,
            "n": n,
            "source": source,
            "code": each.code,
            "severity": each.severity,
            "file": each.file,
            "line": each.line,
            "message": each.message,
        }
        for n, each in enumerate(found, start=first)
    ]
    if rows:
        await tx.execute(insert(findings), rows)


async def findings_of(tx: Transaction, candidate_id: str) -> list[Finding]:
    """Return what was found in a candidate, in the order in which it was found."""
    f = findings.c
    statement = (
        select(f.code, f.severity, f.message, f.file, f.line, f.source)
        .where(f.workspace_id == tx.workspace_id, f.candidate_id == candidate_id)
        .order_by(f.n)
    )
    return [Finding(r.code, r.severity, r.message, r.file, r.line, r.source) for r in await tx.execute(statement)]


async def insert_comment(tx: Transaction, comment: Comment) -> None:
    """Store a comment."""
    await tx.execute(
        insert(comments).values(
            workspace_id=tx.workspace_id,
            id=comment.id,
            candidate_id=comment.candidate_id,
            at_ms=comment.at_ms,
            author=comment.author,
            author_person_id=comment.author_person_id,
            text=comment.text,
            file=comment.file,
            line=comment.line,
        )
    )


async def comments_of(tx: Transaction, candidate_id: str) -> list[Comment]:
    """Return the comments on a candidate, oldest first."""
    c = comments.c
    statement = (
        select(c.id, c.candidate_id, c.at_ms, c.author, c.author_person_id, c.text, c.file, c.line)
        .where(c.workspace_id == tx.workspace_id, c.candidate_id == candidate_id)
        .order_by(c.id)
    )
    return [
        Comment(r.id, r.candidate_id, r.at_ms, r.author, r.author_person_id, r.text, r.file, r.line)
        for r in await tx.execute(statement)
    ]


async def append_history(tx: Transaction, candidate_id: str, entry: HistoryEntry) -> None:
    """Note a change of state."""
    h = history.c
    last = select(func.coalesce(func.max(h.n), 0)).where(
        h.workspace_id == tx.workspace_id, h.candidate_id == candidate_id
    )
    n = int((await tx.execute(last)).scalar_one()) + 1
    await tx.execute(
        insert(history).values(
            workspace_id=tx.workspace_id,
            candidate_id=candidate_id,
            n=n,
            at_ms=entry.at_ms,
            state=entry.state.value,
            cause=entry.cause,
            who=entry.who,
            note=entry.note,
        )
    )


async def history_of(tx: Transaction, candidate_id: str) -> list[HistoryEntry]:
    """Return every change of state of a candidate, oldest first."""
    h = history.c
    statement = (
        select(h.at_ms, h.state, h.cause, h.who, h.note)
        .where(h.workspace_id == tx.workspace_id, h.candidate_id == candidate_id)
        .order_by(h.n)
    )
    return [HistoryEntry(r.at_ms, VersionState(r.state), r.cause, r.who, r.note) for r in await tx.execute(statement)]
