"""Which surface and which workspace a Host header names: the console's, a workspace's shell, one app's origin.

Pure: names come in, places go out; nothing here reads rows or answers requests. A host that none of the rules
knows (an address, localhost, a name of the network's own) is plain: everything is served there as if hosts had
no meaning, with the default workspace and the `/w/<workspace>` prefix.

    <workspace>.<base host>      the workspace's shell and its API
    <label>.<apps host>          one app's origin, and nothing else
    <console host>               the console, which is then served nowhere else
    console.<base host>          without a console host: the console too, on the site of the apps' origins
    a host stored by a workspace the same as <workspace>.<base host>
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.types import Scope

from sampan.platform.errors import SampanError
from sampan.platform.ids import WORKSPACE_ID
from sampan.platform.settings import Settings

LABEL = re.compile(r"[a-z2-7]{20}")
LABEL_CHARACTERS = 20
RESERVED = frozenset({"apps", "console"})  # heads of hosts that deployments use for something else
KEPT_PLACES = 4096  # strangers choose hosts: what is remembered of them has a bound
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")


class BadHost(SampanError):
    """The request has two Host headers, or one that is no host; nobody can say for whom it is meant."""

    code = "bad_host"
    title = "The Host header is not valid"


class Surface(StrEnum):
    """What is served under a host."""

    PLAIN = "plain"
    CONSOLE = "console"
    WORKSPACE = "workspace"
    APP = "app"


class Place(Struct, frozen=True):
    """What a Host header names. `port` is as the browser wrote it, with its colon, or empty; `label` is an app's."""

    surface: Surface
    workspace_id: str
    port: str = ""
    label: str = ""
    hides_console: bool = False
    name: str = ""


class HostNames(Struct, frozen=True):
    """The configured names, in lower case; an empty one switches its rule off."""

    base: str
    apps: str
    console: str
    default_workspace: str
    scheme: str = ""
    public: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "HostNames":
        """Return the names that the settings say."""
        base = settings.base_host.lower().strip(".")
        apps = settings.apps_host.lower().strip(".") or (f"apps.{base}" if base else "")
        public = urlsplit(settings.public_url)
        console = settings.console_host.lower()
        return cls(base, apps, console, settings.default_workspace, public.scheme, (public.hostname or "").lower())

    @property
    def console_name(self) -> str:
        """The name under which the console stands on the site of the apps; empty without a base host.

        Browsers that keep foreign sites from storing anything run an app's preview only in a console of the same site.
        """
        return self.console or (f"console.{self.base}" if self.base else "")

    def is_reserved(self, name: str, workspace_id: str) -> bool:
        """Whether this workspace cannot have the name as a host of its own: it already means something here.

        The public address is every workspace's; only the default one, which it names anyway, may have it alone.
        """
        below = any(name == own or name.endswith(f".{own}") for own in (self.base, self.apps) if own)
        return below or name == self.console or (name == self.public and workspace_id != self.default_workspace)

    def hides_workspace(self, workspace_id: str) -> bool:
        """Whether a workspace of this id would have no host: its usual one means something else, here or by default."""
        name = f"{workspace_id}.{self.base}"
        hidden = self.base and (name in (self.apps, self.console) or name.endswith(f".{self.apps}"))
        return (
            workspace_id in RESERVED or bool(hidden) or (name == self.public and workspace_id != self.default_workspace)
        )


class Hosts:
    """Finds the place of a request; what was found is remembered until the stored hosts change."""

    def __init__(self, names: HostNames) -> None:
        self.names = names
        self._stored: dict[str, str] = {}
        self._known: dict[bytes, Place] = {}

    def store(self, stored: Mapping[str, str]) -> None:
        """Take over the hosts that workspaces have of their own, as host to workspace id."""
        self._stored = dict(stored)
        self._known = {}

    def place_of(self, headers: Iterable[tuple[bytes, bytes]]) -> Place:
        """Return the place that the raw headers of a request name; raise `BadHost`."""
        host: bytes | None = None
        for name, value in headers:
            if name == b"host":
                if host is not None:
                    raise BadHost("Send one Host header.")
                host = value
        return self._known.get(host or b"") or self._find(host or b"")

    def shells_of(self, workspace_id: str) -> list[str]:
        """Return the names under which a workspace's shell is served, the usual one first."""
        usual = [f"{workspace_id}.{self.names.base}"] if self.names.base else []
        return usual + sorted(name for name, owner in self._stored.items() if owner == workspace_id)

    def _find(self, host: bytes) -> Place:
        place = self._resolve(host.decode("latin-1").lower())
        if len(self._known) >= KEPT_PLACES:
            self._known = {}
        self._known[host] = place
        return place

    def _resolve(self, host: str) -> Place:
        if not host:
            return self._plain("", "")
        if _HOST.fullmatch(host) is None:
            raise BadHost("The Host header must be a name or an address, and a port when it is not the usual one.")
        name, port = _split(host)
        names = self.names
        if name and name == names.console_name:
            return Place(Surface.CONSOLE, names.default_workspace, port, name=name)
        if names.apps and (name == names.apps or name.endswith(f".{names.apps}")):
            label = name[: -len(names.apps) - 1]
            is_label = LABEL.fullmatch(label) is not None
            return Place(Surface.APP, "", port, label if is_label else "", hides_console=True, name=name)
        owner = self._owner(name)
        if owner:
            return Place(Surface.WORKSPACE, owner, port, hides_console=True, name=name)
        return self._plain(port, name)

    def _owner(self, name: str) -> str:
        head, dot, rest = name.partition(".")
        if dot and rest == self.names.base and WORKSPACE_ID.fullmatch(head):
            return head
        return self._stored.get(name, "")

    def _plain(self, port: str, name: str) -> Place:
        hides = bool(self.names.console)
        return Place(Surface.PLAIN, self.names.default_workspace, port, hides_console=hides, name=name)


def label_of(workspace_id: str, app_id: str, kind: str) -> str:
    """Return the label of an app's origin; `kind` is `live`, `trial` or `preview`.

    The first 20 characters of the lower-case base32 (RFC 4648) of SHA-256 over the three, a line each.
    """
    digest = hashlib.sha256(f"{workspace_id}\n{app_id}\n{kind}".encode()).digest()
    return base64.b32encode(digest)[:LABEL_CHARACTERS].decode().lower()


def scheme_of(names: HostNames, scope: Scope) -> str:
    """Return the scheme that browsers use for this request."""
    return names.scheme or str(scope.get("scheme", "http"))


def origin(names: HostNames, scope: Scope, name: str) -> str:
    """Return the origin of another host of this deployment, as the browser that made this request reaches it."""
    place: Place = scope["sampan_place"]
    return f"{scheme_of(names, scope)}://{name}{place.port}"


def apps_source(names: HostNames, scope: Scope) -> str:
    """Return the Content-Security-Policy source that covers every app's origin; `'none'` without an apps host."""
    return origin(names, scope, f"*.{names.apps}") if names.apps else "'none'"


def _split(host: str) -> tuple[str, str]:
    """Return name and port of a host; the port keeps its colon."""
    if host.startswith("["):
        name, _bracket, port = host.partition("]")
        return f"{name}]", port
    name, colon, port = host.partition(":")
    return name.rstrip("."), colon + port
