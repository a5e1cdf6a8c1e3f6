"""The hosts that name a workspace: its shell and its API answer under them. Changes are audited."""

import re
from typing import Annotated, ClassVar

from fastapi import APIRouter, Path
from pydantic import BaseModel, StringConstraints

from sampan.platform.core import Core
from sampan.platform.errors import Conflict, Invalid, NotFound
from sampan.platform.hosts import HostNames
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import Body, Milliseconds
from sampan.platform.operators.console_paging import Page, Paged, listed
from sampan.platform.workspaces.host_rows import (
    StoredHost,
    add_host,
    hosts_of,
    is_taken,
    list_hosts,
    remove_host,
)

NAME = re.compile(r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
HostText = Annotated[str, StringConstraints(min_length=1, max_length=253, to_lower=True, strip_whitespace=True)]


class BadHostName(Invalid):
    """The text is no host name that a workspace can have for itself."""

    code: ClassVar[str] = "bad_host_name"
    field: ClassVar[str] = "host"


class HostTaken(Conflict):
    """The host names a workspace of this server already."""

    code: ClassVar[str] = "host_taken"
    field: ClassVar[str] = "host"


class HostUnknown(NotFound):
    """The workspace has no such host of its own."""

    code: ClassVar[str] = "host_unknown"


class HostBody(Body):
    """A host to be added, without scheme and port."""

    host: HostText


class HostView(BaseModel):
    """A host under which the workspace's shell answers; `is_usual` is the one that it has by its id."""

    host: str
    is_usual: bool
    added_ms: Milliseconds | None
    added_by: str


def build(core: Core) -> APIRouter:
    """Return the router."""
    router = APIRouter(tags=["hosts"])

    @router.get("/hosts")
    async def list_all(
        workspace: Workspace, _actor: Annotated[Actor, needs("host:read")], paging: Paged
    ) -> Page[HostView]:
        """List the hosts of this workspace, the usual one first."""
        async with core.store.workspace(workspace).read() as tx:
            stored = [_view(each) for each in await list_hosts(tx)]
        base = hosts_of(core).names.base
        usual = [HostView(host=f"{workspace}.{base}", is_usual=True, added_ms=None, added_by="")] if base else []
        return listed(usual + stored, paging, key=lambda each: "" if each.is_usual else each.host)

    @router.post("/hosts", status_code=201)
    async def add(workspace: Workspace, actor: Annotated[Actor, needs("host:edit")], body: HostBody) -> HostView:
        """Let a host name this workspace; its DNS and certificate are the operator's."""
        refuse_bad_name(hosts_of(core).names, body.host, workspace)
        now_ms = core.now_ms()
        host = StoredHost(body.host, now_ms, actor.operator_id)
        if await is_taken(core, body.host):
            raise _taken()
        async with core.store.workspace(workspace).write() as tx:
            if not await add_host(tx, host):
                raise _taken()
            await record(tx, actor, "host.add", target=body.host, now_ms=now_ms)
        return _view(host)

    @router.delete("/hosts/{host}", status_code=204)
    async def remove(
        workspace: Workspace, actor: Annotated[Actor, needs("host:edit")], host: Annotated[str, Path(max_length=253)]
    ) -> None:
        """Take a host away from this workspace."""
        async with core.store.workspace(workspace).write() as tx:
            if not await remove_host(tx, host.lower()):
                raise HostUnknown("The workspace has no such host; GET /hosts lists those it has.")
            await record(tx, actor, "host.remove", target=host, now_ms=core.now_ms())

    return router


def refuse_bad_name(names: HostNames, host: str, workspace_id: str) -> None:
    """Raise `BadHostName` for what is no name of a host, and for names that mean something else here."""
    last = host.rpartition(".")[2]
    if NAME.fullmatch(host) is None or last.isdigit():
        raise BadHostName("Give the full name of a host, such as app.bank.example, without scheme, port and path.")
    if names.is_reserved(host, workspace_id):
        raise BadHostName("This name belongs to the server itself. Choose one of the bank's own.")


def _taken() -> HostTaken:
    return HostTaken("This host names a workspace already. Remove it there first.")


def _view(host: StoredHost) -> HostView:
    return HostView(host=host.host, is_usual=False, added_ms=host.added_ms, added_by=host.added_by)
