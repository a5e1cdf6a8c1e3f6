"""What the signed index of a version lets it reach: asked for each call of the bridge that leaves the device.

The shell checks the same on its own copy; this is the server's own look, on the bytes that were signed. A version
counts while it is published, or open to the caller as a tester.
"""

from sampan.miniapps.catalogue import CompiledApps
from sampan.miniapps.part import PART
from sampan.miniapps.visible import visible_app
from sampan.offline_packages.index import Permissions, parse_index
from sampan.platform.artifacts.lookups import find
from sampan.platform.artifacts.published import PART as PUBLISHED
from sampan.platform.artifacts.published import PublishedVersion
from sampan.platform.artifacts.storage import keys_of, read_index
from sampan.platform.artifacts.trial_part import TRIAL_PART, TrialPart
from sampan.platform.core import Core
from sampan.platform.errors import Forbidden
from sampan.platform.identity.caller import Caller

KEPT = 1000


class AppNotOpen(Forbidden):
    """The caller's tier does not open this app, or not this version of it."""

    code = "app_not_open"


class PermissionDenied(Forbidden):
    """The version's signed manifest does not ask for this; the publisher adds it and publishes anew."""

    code = "permission_denied"


class SignedPermissions:
    """Reads permissions, and remembers them by package digest, which they are part of."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._kept: dict[str, Permissions] = {}

    async def of(self, caller: Caller, app_id: str, sequence: int) -> Permissions:
        """Return what this version may reach; raise `AppNotOpen`."""
        digest = self._open_version(caller, app_id, sequence)
        if digest not in self._kept:
            async with self._core.store.workspace(caller.workspace_id).read() as tx:
                version = await find(tx, app_id, sequence)
            index = parse_index(await read_index(self._core, keys_of(caller.workspace_id, version).index))
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[digest] = index.permissions
        return self._kept[digest]

    def _open_version(self, caller: Caller, app_id: str, sequence: int) -> str:
        parts = self._core.replica.view(caller.workspace_id).parts
        trial: TrialPart = parts[TRIAL_PART]
        tested = trial.find(app_id, sequence, device_id=caller.device_id, customer_id=caller.customer_id)
        if tested is not None:
            return tested.digest
        compiled: tuple[CompiledApps, ...] = parts[PART]
        if visible_app(self._core, caller, app_id) not in compiled[caller.tier].opened:
            raise AppNotOpen("This app opens for a higher tier than yours.", app=app_id)
        versions: tuple[PublishedVersion, ...] = parts[PUBLISHED].get(app_id, ())
        for version in versions:
            if sequence == version.sequence:
                return version.digest
        raise AppNotOpen("This version of the app is not published, or not any more.", app=app_id, sequence=sequence)


def require_bridge(permissions: Permissions, name: str) -> None:
    """Raise `PermissionDenied` unless the manifest asks for this method of the bridge."""
    if name not in permissions.bridge:
        raise PermissionDenied(f"The manifest does not ask for {name}.", permission=name)


def require_domain(permissions: Permissions, host: str, port: int) -> None:
    """Raise `PermissionDenied` unless the manifest declares the host: `host`, `*.host`, each also with a port."""
    if not any(_is_named(domain, host, port) for domain in permissions.network):
        raise PermissionDenied(f"The manifest does not declare {host}.", permission="network.fetch")


def _is_named(domain: str, host: str, port: int) -> bool:
    name, _colon, declared_port = domain.partition(":")
    if port != int(declared_port or 443):
        return False
    return host.endswith(name[1:]) and len(host) > len(name) - 1 if name.startswith("*.") else host == name
