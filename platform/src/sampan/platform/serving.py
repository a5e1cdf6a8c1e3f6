"""`sampan up`: one process that holds the data folder's lock, brings the schema up to date and serves everything."""

import contextlib
import fcntl
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TextIO

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sampan.platform import migrations
from sampan.platform.app import build_app, built_in_components, open_core, refuse_missing_ports
from sampan.platform.component import Component, discover
from sampan.platform.core import Core
from sampan.platform.crowding import Crowd
from sampan.platform.errors import Conflict, SampanError, Unavailable
from sampan.platform.http_protocol import Http
from sampan.platform.logs import configure
from sampan.platform.settings import Settings

DATABASE = "sampan.sqlite"


class DataFolderInUse(Conflict):
    """Another process serves this folder; two writers of one embedded database would each believe to be alone."""

    code = "data_folder_in_use"


@contextlib.contextmanager
def hold_data_folder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raise `DataFolderInUse` when another process has it. The kernel frees it at any end.

    From here on, files of this process are for its own account alone.
    """
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderInUse(
                f"{folder} is served by another process ({_holder(file)}). Stop it first, or choose another folder "
                "with --data."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"pid {os.getpid()}\n")
        file.flush()
        yield


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"


def bring_schema_up_to_date(folder: Path) -> bool:
    """Create or upgrade the database's tables; return whether anything was to be done."""
    path = folder / DATABASE
    if migrations.present_version(path) == migrations.HEAD:
        return False
    migrations.upgrade(f"sqlite:///{path}")
    return True


@contextlib.contextmanager
def log_lines_to(path: Path | None) -> Iterator[TextIO]:
    """Open the place of log lines: a file that is appended to, or standard error."""
    if path is None:
        yield sys.stderr
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", buffering=1) as file:
        yield file


Prepare = Callable[[Core], Awaitable[None]]
Ready = Callable[[str], None]


def serve(
    settings: Settings,
    *,
    prepare: Prepare | None = None,
    ready: Ready | None = None,
    more: Sequence[Component] = (),
) -> None:
    """Serve until a signal; requests under way get `shutdown_seconds` to finish.

    `prepare` works on the core before the first request, `ready` is told the address when requests are taken. `more`
    are components beside the installed ones.
    """
    components = (*discover(built_in_components(demo=settings.demo)), *more)
    refuse_missing_ports(components)
    with (
        hold_data_folder(settings.data),
        listen_on(settings.host, settings.port) as bound,
        log_lines_to(settings.log_file) as out,
    ):
        configure(settings.log_level, out)
        bring_schema_up_to_date(settings.data)
        app = _Deferred(settings, components, prepare, out.fileno())
        server = _Server(server_config(settings, app), ready, app.begin_to_stop)
        try:
            server.run(sockets=[bound])
        except SystemExit:  # uvicorn's word for a start that failed; it wrote the trace to the log
            if app.failure is None:
                raise
            raise _told(app.failure, settings.log_file) from app.failure


def server_config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """Return how the application is served. A client's address is its own word only where a trusted proxy says so.

    The limits on sign-in and on new sessions count by address: behind a proxy that is not named in
    `trusted_proxies` everybody shares one count, and without this rule anybody could choose theirs.
    """
    crowd = Crowd(settings.connections_per_address, settings.trusted_proxies)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=partial(Http, crowd=crowd),  # type: ignore[arg-type] # it is called, and nothing else
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )


class StartFailed(Unavailable):
    """The server could not open its data or prepare its work; the log has the whole story."""

    code = "start_failed"


def _told(failure: Exception, log_file: Path | None) -> SampanError:
    if isinstance(failure, SampanError):
        return failure
    place = f"in {log_file}" if log_file else "above"
    return StartFailed(f"The server could not start: {type(failure).__name__}: {failure}. The trace stands {place}.")


class AddressUnusable(Conflict):
    """The address or the port to listen on is taken, or is not one of this machine."""

    code = "address_unusable"


def listen_on(host: str, port: int) -> socket.socket:
    """Return a bound socket, before anything is opened or seeded; raise `AddressUnusable`."""
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
    except OSError as problem:
        raise AddressUnusable(f"{host} is no address to listen on: {problem}. Choose one with --host.") from problem
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as problem:
        bound.close()
        raise AddressUnusable(f"{host}:{port} cannot be used: {problem}. Choose another port with --port.") from problem
    return bound


class _Server(uvicorn.Server):
    """Says when it takes requests, and under which address: port 0 becomes a real one only then; and when it stops."""

    def __init__(self, config: uvicorn.Config, ready: Ready | None, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; streams, which have no end of their own, end first, and other requests are waited for."""
        self._stopping()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        gc.freeze()  # modules, tables and routes stay: no collection need look at them
        gc.enable()
        if self._ready is not None and self.started and not self.should_exit:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")


class _Deferred:
    """Opens the core on the server's own event loop, at the lifespan's start, then is the application."""

    def __init__(
        self, settings: Settings, components: Sequence[Component], prepare: Prepare | None, log_descriptor: int
    ) -> None:
        self._settings, self._components = settings, components
        self._prepare, self._log_descriptor = prepare, log_descriptor
        self.failure: Exception | None = None
        self._app: ASGIApp | None = None
        self._core: Core | None = None

    def begin_to_stop(self) -> None:
        """Tell the floors that hold requests open that the server stops."""
        for action in self._core.on_stop if self._core is not None else ():
            action()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            assert self._app is not None  # noqa: S101 - the server sends requests only after the lifespan's start
            await self._app(scope, receive, send)
            return
        last: list[Message] = []

        async def hold_last(message: Message) -> None:
            # The server's loop ends with this message, and the core must be closed by then.
            if message["type"].startswith("lifespan.shutdown."):
                last.append(message)
            else:
                await send(message)

        try:
            async with open_core(self._settings, components=self._components) as core:
                self._core = core
                if self._prepare is not None:
                    await self._prepare(core)
                self._app = build_app(core, log_descriptor=self._log_descriptor)
                await self._app(scope, receive, hold_last)
        except Exception as failure:
            self.failure = failure
            raise
        for message in last:
            await send(message)


@contextlib.asynccontextmanager
async def offline_core(settings: Settings) -> AsyncIterator[Core]:
    """Open the folder for a command that works without the server: set-up, doctor, audit."""
    with hold_data_folder(settings.data):
        bring_schema_up_to_date(settings.data)
        async with open_core(settings) as core:
            await core.replica.poll()
            yield core
