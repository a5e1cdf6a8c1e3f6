"""`GET /ofrep/v1/events`: tells clients of OFREP to ask again, when what their answers depend on changed for all.

That is the switches themselves, saved audiences and client apps. What changes for one subject alone (its tier, its
tags, the time) shows when that client asks next.
"""

from urllib.parse import parse_qs

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.audience.audience_rows import PART as AUDIENCES
from sampan.platform.core import Core
from sampan.platform.identity.repository_client_apps import PART as CLIENT_APPS
from sampan.platform.live.hub import Audience, hub_of
from sampan.platform.live.listener import Listener, everything
from sampan.platform.live.streams import HEADERS, stream
from sampan.platform.switches.listening import DAY_MS
from sampan.platform.switches.ofrep import CORS, guarded, ofrep_of
from sampan.platform.switches.part import PART
from sampan.platform.workspaces.replica import WorkspaceView

_PARTS = (PART, AUDIENCES, CLIENT_APPS)


class News:
    """Watches the views of this process and tells listeners when a part that they depend on changed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hub = hub_of(core)
        self._known: dict[str, str] = {}
        core.replica.listeners.append(self._on_view)

    def greeting(self, workspace_id: str) -> tuple[str, bytes]:
        """Return the id and the event that say how things stand; whoever knows the id needs no event."""
        view = self._core.replica.view(workspace_id)
        version = self._known[workspace_id] = version_of(view)
        return version, event_of(view)

    def _on_view(self, workspace_id: str) -> None:
        if workspace_id not in self._known or workspace_id not in self._core.replica.workspaces:
            return
        view = self._core.replica.view(workspace_id)
        version = version_of(view)
        if self._known[workspace_id] != version:
            self._known[workspace_id] = version
            self._hub.send(workspace_id, Audience.SWITCHES, event_of(view))


def version_of(view: WorkspaceView) -> str:
    """Return what changes with every change that any answer may depend on."""
    return ".".join(str(each) for each in (view.revision.incarnation, *(view.part_numbers.get(p, 0) for p in _PARTS)))


def event_of(view: WorkspaceView) -> bytes:
    """Return the event; clients echo its `etag` as `flagConfigEtag`, so that no older answer comes."""
    data = orjson.dumps({"type": "refetchEvaluation", "etag": str(view.revision)})
    return b"id: %b\ndata: %b\n\n" % (version_of(view).encode(), data)


def build_events(core: Core) -> ASGIApp:
    """Return the route."""
    hub, ofrep, news = hub_of(core), ofrep_of(core), core.shared(News, News)

    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id: str = scope["sampan_workspace"]
        keys = ofrep.keys_of(workspace_id)
        key = parse_qs(scope["query_string"].decode("latin-1")).get("listen", [""])[0]
        core.replica.view(workspace_id)

        async def check() -> None:
            keys.owner_of(key, core.now_ms() // DAY_MS)

        owner = f"ofrep {keys.owner_of(key, core.now_ms() // DAY_MS)}"
        listener = Listener(workspace_id, owner, check, everything)
        greeting = news.greeting(workspace_id)
        await stream(
            hub, Audience.SWITCHES, listener, scope, receive, send, greeting=greeting, headers=(*HEADERS, *CORS)
        )

    return guarded(events)
