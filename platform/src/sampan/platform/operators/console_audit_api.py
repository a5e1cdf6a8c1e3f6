"""Console routes: reading, checking and exporting the audit."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from sampan.platform.crypto.canonical import MAX_SAFE_INTEGER
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import head
from sampan.platform.operators.audit_chain import Head
from sampan.platform.operators.audit_files import row_as_json
from sampan.platform.operators.audit_reading import NEWEST, OLDEST, AuditFilter, audit_csv, read_audit, verify
from sampan.platform.operators.console_auth import TheCore, Workspace, needs
from sampan.platform.operators.console_bodies import Body, DigestText, Milliseconds, NumberQuery, TextQuery
from sampan.platform.operators.console_paging import Page, Paged

if TYPE_CHECKING:
    from sampan.platform.core import Core

BYTE_ORDER_MARK = "\ufeff"
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


class AuditActorView(BaseModel):
    """Who did it: ids, and the machine token or the system's part that it went through."""

    kind: str
    person: str
    operator: str
    via: str


class AuditRowView(BaseModel):
    """A row exactly as it is hashed (docs/operations/people.md), with its hash."""

    workspace: str
    n: int
    at_ms: Milliseconds
    actor: AuditActorView
    action: str
    target: str
    detail: dict[str, Any]
    previous: str
    hash: str


class AuditPage(Page[AuditRowView]):
    """A page of rows, and the head of the whole chain as it is now."""

    head: HeadBody


class Csv(StreamingResponse):
    """A table as a file."""

    media_type = "text/csv"


def build(_core: "Core") -> APIRouter:
    """Return the routes below /audit."""
    router = APIRouter(tags=["audit"])
    router.add_api_route("/audit", get_audit, methods=["GET"], summary="List audit rows")
    router.add_api_route("/audit/csv", get_csv, methods=["GET"], response_class=Csv, summary="Audit rows as CSV")
    router.add_api_route("/audit/verify", post_verify, methods=["POST"], summary="Check the audit chain")
    return router


def _filter(
    actor: Annotated[TextQuery, Query(description="Id of a person, an operator or a machine token.")] = None,
    action: TextQuery = None,
    target: TextQuery = None,
    from_ms: NumberQuery = None,
    until_ms: NumberQuery = None,
    after_n: NumberQuery = None,
) -> AuditFilter:
    return AuditFilter(actor, action, target, from_ms, until_ms, after_n)


Filter = Annotated[AuditFilter, Depends(_filter)]


async def get_audit(
    core: TheCore,
    workspace: Workspace,
    auditor: Auditor,
    wanted: Filter,
    paging: Paged,
    sort: Literal["-n", "n"] = "-n",
) -> AuditPage:
    """List rows by actor, action, target and a half-open time range, newest first or (`sort=n`) oldest first.

    Whoever keeps the rows where the server cannot reach them asks for `sort=n` and `after_n`.
    """
    order = NEWEST if sort == "-n" else OLDEST
    found = await read_audit(core, workspace, auditor, wanted, paging, order)
    rows = [AuditRowView.model_validate(row_as_json(row)) for row in found.items]
    head_now = await _head(core, workspace)
    return AuditPage(items=rows, next_cursor=found.next_cursor, total=found.total, head=head_now)


async def get_csv(
    core: TheCore,
    workspace: Workspace,
    auditor: Auditor,
    wanted: Filter,
    bom: Annotated[bool, Query(description="Begin with a byte order mark, by which Excel knows UTF-8.")] = False,
) -> StreamingResponse:
    """Return matching rows as CSV, newest first, sent as they are read."""
    lines = audit_csv(core, workspace, auditor, wanted)
    headers = {"content-disposition": f'attachment; filename="audit-{workspace}.csv"', "cache-control": "no-store"}
    return Csv(_marked(lines) if bom else lines, headers=headers)


async def _marked(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    yield BYTE_ORDER_MARK
    async for line in lines:
        yield line


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
