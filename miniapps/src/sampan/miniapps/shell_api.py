"""HTTP for the shell, the page around the mini-apps: what it must know to begin, and the customer's consents."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.miniapps import consents
from sampan.miniapps.dev_facts import DevFacts
from sampan.miniapps.roots import Roots, TreeNotStarted
from sampan.miniapps.visible import visible_app
from sampan.platform.core import Core
from sampan.platform.hosts import origin
from sampan.platform.identity.client_api import NO_STORE, workspace_of
from sampan.platform.identity.own_api import caller_of, json_answer
from sampan.platform.identity.repository_client_apps import PART as CLIENT_APPS
from sampan.platform.identity.repository_client_apps import ClientApp
from sampan.platform.trust.profiles import INTL
from sampan.platform.workspaces.host_rows import hosts_of
from sampan.platform.workspaces.service import list_workspaces

SHELL = "/client/v1/shell"
CONSENTS = "/client/v1/consents"
LANGUAGES = ("zh", "en")
CAPABILITIES = ("live", "login", "network", "pay", "sign", "report", "explain")
WEB_CHANNEL = "web"


class WorkspaceNames:
    """The names of workspaces, for people; read when one is asked for that this process has not met."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._names: dict[str, str] = {}

    async def of(self, workspace_id: str) -> str:
        """Return a workspace's name."""
        if workspace_id not in self._names:
            self._names = {each.id: each.name for each in await list_workspaces(self._core)}
        return self._names.get(workspace_id, workspace_id)


def build(core: Core) -> list[BaseRoute]:
    """Return the routes."""
    roots = core.shared(Roots, Roots)
    names = core.shared(WorkspaceNames, WorkspaceNames)
    hosts = hosts_of(core).names

    async def shell(request: Request) -> Response:
        workspace_id = workspace_of(request)
        core.replica.view(workspace_id)
        name = await names.of(workspace_id)
        answer: dict[str, Any] = {
            "workspace": workspace_id,
            "name": dict.fromkeys(LANGUAGES, name),
            "client_app": _client_app(core, workspace_id),
            "demo": core.settings.demo,
            "apps_origin": origin(hosts, request.scope, f"{{label}}.{hosts.apps}") if hosts.apps else None,
            "trust": {"profile": INTL.name, "root": await _root(roots, workspace_id)},
            "languages": LANGUAGES,
            "capabilities": CAPABILITIES,
        }
        for dev in core.contributions(DevFacts):
            answer["dev"] = {"app": dev.app, "tier": dev.tier, "phone": dev.phone}
        return json_answer(answer)

    async def list_all(request: Request) -> Response:
        caller = caller_of(core, request)
        async with core.store.workspace(caller.workspace_id).read() as tx:
            found = await consents.list_consents(tx, caller.subject)
        rows = [{"app": each.app_id, "permission": each.permission, "granted_ms": each.granted_ms} for each in found]
        return json_answer({"consents": rows})

    async def give(request: Request) -> Response:
        caller = caller_of(core, request)
        app_id = visible_app(core, caller, request.path_params["app"])
        async with core.store.workspace(caller.workspace_id).write() as tx:
            await consents.give(tx, caller.subject, app_id, request.path_params["permission"], now_ms=core.now_ms())
        return Response(status_code=204, headers=NO_STORE)

    async def withdraw(request: Request) -> Response:
        caller = caller_of(core, request)
        async with core.store.workspace(caller.workspace_id).write() as tx:
            await consents.withdraw(tx, caller.subject, request.path_params["app"], request.path_params["permission"])
        return Response(status_code=204, headers=NO_STORE)

    one = f"{CONSENTS}/{{app}}/{{permission}}"
    return [
        Route(SHELL, shell, methods=["GET"]),
        Route(CONSENTS, list_all, methods=["GET"]),
        Route(one, give, methods=["PUT"]),
        Route(one, withdraw, methods=["DELETE"]),
    ]


def _client_app(core: Core, workspace_id: str) -> str | None:
    """Return the client app that the browser's shell is: the open one of the channel `web`, by id the first."""
    apps: dict[str, ClientApp] = core.replica.view(workspace_id).parts[CLIENT_APPS]
    found = sorted(app.id for app in apps.values() if app.channel == WEB_CHANNEL and not app.closed)
    return found[0] if found else None


async def _root(roots: Roots, workspace_id: str) -> Any:
    """Return the first root of trust as JSON; None while the tree has none."""
    try:
        return orjson.loads(await roots.first(workspace_id, INTL.name))
    except TreeNotStarted:
        return None
