"""Console routes: reading, checking and exporting the audit."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from sampan.platform.crypto.canonical import MAX_SAFE_INTEGER
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import head
from sampan.platform.operators.audit_chain import Head
from sampan.platform.operators.audit_files import row_as_json
from sampan.platform.operators.audit_reading import AuditFilter, audit_csv, read_audit, rows_after, verify
from sampan.platform.operators.console_auth import TheCore, Workspace, needs
from sampan.platform.operators.console_bodies import Body, DigestText, NumberQuery, TextQuery

if TYPE_CHECKING:
    from sampan.platform.core import Core

Auditor = Annotated[Actor, needs("audit:read")]


class HeadBody(Body):
    """A head that somebody saw: from an exported file or from `x-sampan-audit` of a timestamp.json."""

    n: int = Field(ge=0, le=MAX_SAFE_INTEGER)
    hash: DigestText


class Witnesses(Body):
    """Heads that the chain must still contain."""

    witnesses: list[HeadBody] = Field(default_factory=list, max_length=10_000)


class ProblemView(BaseModel):
    """What is wrong, at which row."""

    code: str
    n: int
    sentence: str


class VerificationView(BaseModel):
    """The outcome of a check."""

    intact: bool
    checked: int
    witnesses: int
    head: HeadBody
    problems: list[ProblemView]


class AuditPage(BaseModel):
    """Rows as they are hashed (see docs/operations/people.md); `next_before` or `next_after` leads on."""

    rows: list[dict[str, Any]]
    head: HeadBody
    next_before: int | None = None
    next_after: int | None = None


class Csv(StreamingResponse):
    """A table as a file."""

    media_type = "text/csv"


def build(_core: "Core") -> APIRouter:
    """Return the routes below /audit."""
    router = APIRouter(tags=["audit"])
    router.add_api_route("/audit", get_audit, methods=["GET"], summary="List audit rows, newest first")
    router.add_api_route("/audit/rows", get_rows, methods=["GET"], summary="Export audit rows, oldest first")
    router.add_api_route("/audit/csv", get_csv, methods=["GET"], response_class=Csv, summary="Audit rows as CSV")
    router.add_api_route("/audit/verify", post_verify, methods=["POST"], summary="Check the audit chain")
    return router


def _filter(
    actor: TextQuery = None,
    action: TextQuery = None,
    target: TextQuery = None,
    from_ms: NumberQuery = None,
    until_ms: NumberQuery = None,
) -> AuditFilter:
    return AuditFilter(actor, action, target, from_ms, until_ms)


async def get_audit(
    core: TheCore,
    workspace: Workspace,
    auditor: Auditor,
    actor: TextQuery = None,
    action: TextQuery = None,
    target: TextQuery = None,
    from_ms: NumberQuery = None,
    until_ms: NumberQuery = None,
    before: NumberQuery = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> AuditPage:
    """List rows by actor, action, target and a half-open time range."""
    wanted = _filter(actor, action, target, from_ms, until_ms)
    rows = await read_audit(core, workspace, auditor, wanted, before=before, limit=limit)
    following = rows[-1].n if len(rows) == limit else None
    return AuditPage(rows=[row_as_json(row) for row in rows], head=await _head(core, workspace), next_before=following)


async def get_rows(
    core: TheCore,
    workspace: Workspace,
    auditor: Auditor,
    after: Annotated[int, Query(ge=0, le=MAX_SAFE_INTEGER)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> AuditPage:
    """Export rows in the order of their numbers, to be kept in files where the server cannot reach them."""
    del auditor
    async with core.store.workspace(workspace).read() as tx:
        rows = await rows_after(tx, after, limit)
    following = rows[-1].n if len(rows) == limit else None
    return AuditPage(rows=[row_as_json(row) for row in rows], head=await _head(core, workspace), next_after=following)


async def get_csv(
    core: TheCore,
    workspace: Workspace,
    auditor: Auditor,
    actor: TextQuery = None,
    action: TextQuery = None,
    target: TextQuery = None,
    from_ms: NumberQuery = None,
    until_ms: NumberQuery = None,
) -> StreamingResponse:
    """Return matching rows as CSV."""
    lines: AsyncIterator[str] = audit_csv(core, workspace, auditor, _filter(actor, action, target, from_ms, until_ms))
    headers = {"content-disposition": f'attachment; filename="audit-{workspace}.csv"', "cache-control": "no-store"}
    return Csv(lines, headers=headers)


async def post_verify(core: TheCore, workspace: Workspace, auditor: Auditor, body: Witnesses) -> VerificationView:
    """Check every row, its links, the log's head, and that every witnessed head is still there."""
    del auditor
    found = await verify(core, workspace, witnesses=[Head(one.n, one.hash) for one in body.witnesses])
    return VerificationView(
        intact=found.is_intact,
        checked=found.checked,
        witnesses=found.witnesses,
        head=HeadBody(n=found.head.n, hash=found.head.hash),
        problems=[ProblemView(code=one.code, n=one.n, sentence=one.sentence) for one in found.problems],
    )


async def _head(core: "Core", workspace_id: str) -> HeadBody:
    async with core.store.workspace(workspace_id).read() as tx:
        found = await head(tx)
    return HeadBody(n=found.n, hash=found.hash)
