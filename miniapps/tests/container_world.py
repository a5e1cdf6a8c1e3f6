"""A small world for the browser tests of the container: one port that is the shell's host, the apps' and the tree's.

Packages and signatures are made on the fly; the origin's files are the built ones. It can be stopped, to go offline.
"""

import http.server
import json
import os
import subprocess
import threading
from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from trust_simulator import Simulator

from sampan.offline_packages import pack
from sampan.offline_packages.publishing import signed_version
from sampan.offline_packages.roles import SignedVersion, app_role, index_path, package_path
from sampan.offline_packages.signed_bytes import sign_body
from sampan.platform.crypto.digest import digest

SDK = Path(__file__).parents[1] / "sdk"
ORIGIN_FILES = Path(__file__).parents[1] / "src" / "sampan" / "miniapps" / "web" / "origin"
SHELL_PAGE = b"<!doctype html><meta charset=utf-8><title>shell</title><body><script src=/shell.js></script>"
SHELL_WORKER = b"""
const FILES = ["/", "/shell.js", "/root.json"];
addEventListener("install", (event) => event.waitUntil(caches.open("shell").then((cache) => cache.addAll(FILES))));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin === location.origin && FILES.includes(pathname)) event.respondWith(caches.match(pathname));
});
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>app</title><link rel="stylesheet" href="app.css"></head>
<body><h1 id="who">{title}</h1><script src="app.js"></script></body></html>
"""


def label(app_id: str) -> str:
    """The label of an app's origin in workspace demo."""
    return b32encode(sha256(f"demo\n{app_id}\nlive".encode()).digest()).decode().lower()[:20]


@dataclass
class World:
    """One simulator and one HTTP server over it."""

    folder: Path
    simulator: Simulator = field(init=False)
    shell_script: bytes = field(init=False)
    apps: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _server: http.server.ThreadingHTTPServer | None = None

    def __post_init__(self) -> None:
        self.simulator = Simulator(self.folder / "packages")
        subprocess.run(
            ["node", SDK / "tests" / "browser" / "build.mjs", self.folder / "shell"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        environment = {**os.environ, "SAMPAN_ORIGIN_OUT": str(self.folder / "origin")}
        subprocess.run(["node", SDK / "build.mjs"], check=True, capture_output=True, timeout=60, env=environment)
        self.shell_script = (self.folder / "shell" / "shell.js").read_bytes()

    @property
    def shell(self) -> str:
        """The shell's origin."""
        return f"http://demo.sampan.localhost:{self.port}"

    def origin(self, app_id: str) -> str:
        """An app's origin."""
        return f"http://{label(app_id)}.apps.sampan.localhost:{self.port}"

    def publish(
        self,
        app_id: str,
        sequence: int,
        files: dict[str, str | bytes] | None = None,
        *,
        permissions: tuple[str, ...] = (),
        extra: dict[str, Any] | None = None,
        kind: str = "miniapp",
    ) -> SignedVersion:
        """Pack, sign, offer and serve a version."""
        simulator, source = self.simulator, self.folder / f"{app_id}-{sequence}"
        title = f"{app_id} {sequence}"
        default: dict[str, str | bytes] = {"index.html": PAGE.format(title=title), "app.js": "", "app.css": ""}
        for path, content in {**(default if kind == "miniapp" else {}), **(files or {})}.items():
            target = source / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        (source / "manifest.json").write_text(json.dumps(_manifest(app_id, sequence, permissions, extra or {}, kind)))
        if app_id not in self.apps:
            simulator.add_app(app_id)
            self.apps[app_id] = label(app_id)
        packed = pack(source, self.folder / f"{app_id}-{sequence}-out")
        archive = packed.archive_path.read_bytes()
        version = signed_version(
            app_id, sequence, version=f"1.0.{sequence}", index=packed.index_bytes,
            package_digest=digest(archive), package_bytes=len(archive),
        )  # fmt: skip
        simulator.serve_target(index_path(app_id, sequence), packed.index_bytes)
        simulator.serve_target(package_path(app_id, sequence), archive)
        keys = (simulator.publishers[app_id], simulator.review)
        simulator.put(app_role(app_id), sign_body(simulator.next_body(version), *keys))
        simulator.set_control(app_id, f"1.{sequence}", offerable=range(1, sequence + 1))
        simulator.commit()
        return version

    @property
    def is_up(self) -> bool:
        """Whether the server answers."""
        return self._server is not None

    def start(self) -> None:
        """Serve, on the port of before when there was one."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Stop serving; the port is free then."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, host: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers for one GET."""
        name = host.partition(":")[0]
        if name.endswith(".apps.sampan.localhost"):
            return self._app_file(name.partition(".")[0], path)
        if path.startswith("/trust/demo/intl/"):
            data = self.simulator.files.get(path.removeprefix("/trust/demo/intl/"))
            return (200, data, {}) if data is not None else (404, b"", {})
        files = {
            "/": (SHELL_PAGE, "text/html"),
            "/shell.js": (self.shell_script, "text/javascript"),
            "/shell-sw.js": (SHELL_WORKER, "text/javascript"),
            "/root.json": (self.simulator.root, "application/json"),
        }
        if path not in files:
            return 404, b"", {}
        data, kind = files[path]
        policy = f"frame-src http://*.apps.sampan.localhost:{self.port}"
        return 200, data, {"Content-Type": kind, "Content-Security-Policy": policy}

    def _app_file(self, found: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        app = next((app for app, known in self.apps.items() if known == found), None)
        names = {
            "/__boot": "boot.html",
            "/__boot.js": "boot.js",
            "/__runtime.js": "runtime.js",
            "/__sw.js": "worker.js",
        }
        if app is None or path not in names:
            return 404, b"", {"Content-Security-Policy": "default-src 'none'"}
        data = (self.folder / "origin" / names[path]).read_bytes()
        if path == "/__sw.js":
            config = {
                "workspace": "demo", "app": app, "kind": "live", "profile": "intl",
                "shell_origin": [self.shell], "root": self.simulator.root.decode(),
            }  # fmt: skip
            data = f"self.SAMPAN_ORIGIN = {json.dumps(config)};\n".encode() + data
        policy = f"default-src 'none'; script-src 'self'; worker-src 'self'; frame-ancestors {self.shell}"
        kind = "text/html" if path == "/__boot" else "text/javascript"
        headers = {"Content-Type": kind, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}
        return 200, data, headers


def _manifest(
    app_id: str, sequence: int, permissions: tuple[str, ...], extra: dict[str, Any], kind: str
) -> dict[str, Any]:
    pages = {"pages": ["index"]} if kind == "miniapp" else {}
    return {
        "app_id": app_id,
        "name": app_id,
        "icons": [],
        **pages,
        "version": {"code": sequence, "name": f"1.0.{sequence}"},
        "platform_version": {"min_code": 1},
        "req_permissions": [{"name": name} for name in permissions],
        "x-sampan": {"kind": kind, **extra},
    }


def _handler(world: World) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, data, headers = world.answer(self.headers.get("Host", ""), self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing."""

    return Handler
