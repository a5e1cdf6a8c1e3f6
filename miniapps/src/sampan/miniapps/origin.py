"""What answers on an app's origin: four files of the container, and 404 for everything else.

The origin of a preview session has two of its own (see `preview_origin`).

An app's own files never come from here: the worker serves them, after it verified them. The worker script carries whose
origin it is and the first root of trust, so that nothing that is stored in the origin, where the app can write, decides
what is believed.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from sampan.miniapps.origin_part import Origin, find_origin
from sampan.miniapps.preview_origin import baked, preview_file, session_of
from sampan.miniapps.preview_sessions import PreviewSession
from sampan.miniapps.roots import Roots
from sampan.miniapps.shell_site import WEB
from sampan.platform.core import Core
from sampan.platform.errors import SampanError
from sampan.platform.hosts import Hosts, Place, origin
from sampan.platform.hot import header
from sampan.platform.problems import send_problem
from sampan.platform.static_files import ASK_AGAIN, TYPES, StaticFile, Variant, is_match, read_folder, send_file
from sampan.platform.static_sites import SiteNotBuilt
from sampan.platform.workspaces.host_rows import hosts_of

BOOT, BOOT_SCRIPT, RUNTIME, WORKER = "boot.html", "boot.js", "runtime.js", "worker.js"
FILES = {"/__boot": BOOT, "/__boot.js": BOOT_SCRIPT, "/__runtime.js": RUNTIME, "/__sw.js": WORKER}
FOLDER = WEB / "origin"
PACKS_KEPT = 64
LOCKED = ((b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),)
# Device capabilities go through the bridge; no document of an app's origin gets one from the browser.
NO_CAPABILITIES = ", ".join(
    f"{name}=()"
    for name in (
        "accelerometer", "camera", "clipboard-read", "clipboard-write", "display-capture", "geolocation",
        "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
        "screen-wake-lock", "serial", "usb",
    )
).encode()  # fmt: skip


class AppOrigin:
    """The application behind all origins of apps; see the module."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hosts: Hosts = hosts_of(core)
        self._roots = core.shared(Roots, Roots)
        self._files: Mapping[str, StaticFile] = {}
        self._read_at_ns = -1
        self._packs: dict[bytes, bytes] = {}
        self._packing = asyncio.Lock()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = FILES.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        place: Place = scope["sampan_place"]
        if name is None or not place.label:
            await _refuse(send)
            return
        try:
            found = find_origin(self._core, place.label)
            if found is not None:
                await self._serve(name, found, scope, send)
            elif session := session_of(self._core, place.label, scope):
                await self._serve_preview(name, session, scope, send)
            else:
                await _refuse(send)
        except SampanError as problem:
            await send_problem(send, problem)

    async def _serve(self, name: str, found: Origin, scope: Scope, send: Send) -> None:
        file = self._fresh().get(name)
        if file is None:
            raise SiteNotBuilt("The container's files are not built. Run ./dev web.")
        names = self._hosts.names
        shells = [origin(names, scope, shell) for shell in self._hosts.shells_of(found.workspace_id)]
        more = [
            (b"content-security-policy", _policy(name, shells)),
            (b"permissions-policy", NO_CAPABILITIES),
            (b"origin-agent-cluster", b"?1"),
        ]
        if name == WORKER:
            more.append((b"service-worker-allowed", b"/"))
            file = await self._with_config(file, found, shells, scope)
        await send_file(file, scope, send, tuple(more))

    async def _serve_preview(self, name: str, session: PreviewSession, scope: Scope, send: Send) -> None:
        made = preview_file(name, session, self._fresh())
        if made is None:
            await _refuse(send)
            return
        file, more = made
        await send_file(file, scope, send, ((b"permissions-policy", NO_CAPABILITIES), *more))

    async def _with_config(self, file: StaticFile, found: Origin, shells: list[str], scope: Scope) -> StaticFile:
        """Return the worker script with whose origin it is in front; packed only for a browser that lacks it."""
        root = await self._roots.first(found.workspace_id, found.kind.profile)
        config = {
            "workspace": found.workspace_id,
            "app": found.app_id,
            "kind": found.kind.value,
            "profile": found.kind.profile,
            "shell_origin": shells,
            "root": root.decode(),
        }
        body = baked(config, file.variants[""].body)
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
        plain = Variant(body, etag, _headers(etag))
        if is_match(header(scope, b"if-none-match"), etag):
            return StaticFile({"": plain}, is_page=False)
        zipped = Variant(await self._packed(etag, body), etag, (*_headers(etag), (b"content-encoding", b"gzip")))
        return StaticFile({"gzip": zipped, "": plain}, is_page=False)

    async def _packed(self, etag: bytes, body: bytes) -> bytes:
        """Return the script packed; remembered, so that asking often keeps no thread busy, within a bound.

        One at a time: strangers may ask under any port, which makes another script of it.
        """
        if etag not in self._packs:
            async with self._packing:
                if etag not in self._packs:
                    packed = await asyncio.to_thread(gzip.compress, body, 6, mtime=0)
                    while len(self._packs) >= PACKS_KEPT:
                        del self._packs[next(iter(self._packs))]
                    self._packs[etag] = packed
        return self._packs[etag]

    def _fresh(self) -> Mapping[str, StaticFile]:
        """Return the built files, read again when the build changed."""
        try:
            built_ns = (FOLDER / WORKER).stat().st_mtime_ns
        except OSError:
            built_ns = -1
        if built_ns != self._read_at_ns:
            self._files, self._read_at_ns = read_folder(FOLDER), built_ns
        return self._files


def _policy(name: str, shells: list[str]) -> bytes:
    """Return the policy of one of the files; only the boot page is a document, and only shells may frame it."""
    if name != BOOT:
        return b"default-src 'none'; frame-ancestors 'none'"
    ancestors = " ".join(shells) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {ancestors}"
    ).encode()


def _headers(etag: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"content-type", TYPES[".js"].encode()),
        (b"cache-control", ASK_AGAIN),
        (b"etag", etag),
        (b"vary", b"accept-encoding"),
    )


async def _refuse(send: Send) -> None:
    headers = [*LOCKED, (b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 404, "headers": [*headers, (b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
