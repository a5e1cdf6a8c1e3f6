"""Components: how everything above the ground floor, ours or a bank's, plugs in.

A component is a name and the values it contributes. Whoever owns the type of a value looks it up: routes are
`HotRoute`, `ClientRoutes` and `ConsoleRoutes`, snapshot parts `SnapshotPart`, and so on. Components are found
by the entry point group `sampan.components`; the platform's own floors are components too.

A component may name further values in `later`. They are imported when a kind is first asked for that the start does
not need, so that a device's first answer does not wait for what only people, jobs and background tasks use.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy import Table
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from sampan.platform.core import Core
    from sampan.platform.engines.database import Transaction
    from sampan.platform.engines.job_runner import JobKind
    from sampan.platform.engines.outbox import Consumer
    from sampan.platform.workspaces.store import Door

Contribution = TypeVar("Contribution")


class Component(Struct, frozen=True):
    """One plug: a unique name and contributed values, looked up by their type.

    `later` names a tuple of further values, `package.module:NAME`. What the start looks up must stand in `contributes`:
    parts of snapshots and of the sync answer, followed logs, static sites, needs of ports and the ports they need.
    """

    name: str
    contributes: tuple[object, ...] = ()
    later: str = ""

    def everything(self) -> tuple[object, ...]:
        """Return all values, also those that `later` names."""
        return (*self.contributes, *_named(self.later)) if self.later else self.contributes


@cache
def _named(where: str) -> Any:
    """Import what `package.module:NAME` names."""
    module, _colon, name = where.partition(":")
    return getattr(import_module(module), name)


def named(where: str) -> "Callable[..., Any]":
    """Return a function that imports `package.module:function` when it is called, and calls it."""
    return lambda *arguments: _named(where)(*arguments)


class Tables(Struct, frozen=True):
    """Tables that nothing else of the component would import: migrations and tests must know every one."""

    tables: "tuple[Table, ...]"


class HotRoute(Struct, frozen=True):
    """A raw ASGI route of the data plane, found by exact method and path before any framework runs.

    The last segment of the path may be a parameter, `{like_this}`; the route reads what fills it in the scope's path.
    """

    method: str
    path: str
    build: "Callable[[Core], ASGIApp]"


class ClientRoutes(Struct, frozen=True):
    """Starlette routes for devices and other clients."""

    build: "Callable[[Core], Sequence[BaseRoute]]"


class ConsoleRoutes(Struct, frozen=True):
    """A FastAPI router below /console/api/v1, part of the OpenAPI document.

    `where` names its builder, `package.module:function`, which takes the core. It is imported when the console is
    first built and not before: devices are answered while the console's models are still unread.
    """

    where: str

    def build(self, core: "Core") -> "APIRouter":
        """Import the builder and return its router."""
        router: APIRouter = _named(self.where)(core)
        return router


class AppOrigins(Struct, frozen=True):
    """What answers on the hosts of apps; the scope's `sampan_place` has the label. One component contributes it."""

    build: "Callable[[Core], ASGIApp]"


class Background(Struct, frozen=True):
    """A task that runs as long as the server; it ends by cancellation and must leave nothing half done."""

    name: str
    run: "Callable[[Core], Awaitable[None]]"


class Jobs(Struct, frozen=True):
    """A kind of job and how it is done; every worker runs the jobs of all contributed kinds."""

    build: "Callable[[Core], JobKind]"


class Consumes(Struct, frozen=True):
    """A consumer of the outbox: it gets the committed events of its types, at least once, in order."""

    build: "Callable[[Core], Consumer]"


class Port(Struct, frozen=True):
    """An implementation of a port Protocol."""

    protocol: type
    build: "Callable[[Core], object]"


class PortNeed(Struct, frozen=True):
    """A port that must be implemented by some component, else the server refuses to start."""

    protocol: type
    why: str


class WorkspaceSetup(Struct, frozen=True):
    """What a floor or component creates when a workspace is made: keys, built-in roles. Must be repeatable."""

    name: str
    run: "Callable[[Core, Door], Awaitable[None]]"


class Forgets(Struct, frozen=True):
    """What a component removes or makes nameless when a customer is erased; part of the erasing transaction.

    `forget` takes the transaction, the customer's id and the subject number. Ids may stay where a ledger needs them.
    """

    name: str
    forget: "Callable[[Transaction, str, int], Awaitable[None]]"


class DeviceModels(Struct, frozen=True):
    """Who knows what devices say that they are: `read` returns by id what those of the workspace said, or fewer."""

    read: "Callable[[Transaction, Collection[str]], Awaitable[Mapping[str, str]]]"


class DoctorCheck(Struct, frozen=True):
    """A check of `sampan doctor`: returns findings, each a sentence that says what to do."""

    name: str
    run: "Callable[[Core], Awaitable[Sequence[Finding]]]"


class Finding(Struct, frozen=True):
    """What a doctor check found; `severity` is `error`, `warning` or `info`."""

    code: str
    severity: str
    sentence: str
    remedy: str


class DuplicateComponent(Exception):
    """Two installed components carry one name."""


def discover(built_in: Iterable[Component]) -> tuple[Component, ...]:
    """Return the built-in components followed by the installed ones in the order of their names."""
    installed = [point.load() for point in sorted(entry_points(group="sampan.components"), key=lambda p: p.name)]
    found = (*built_in, *installed)
    names = [component.name for component in found]
    if len(set(names)) != len(names):
        raise DuplicateComponent(f"component names must be unique: {sorted(names)}")
    return found


def contributions(components: Iterable[Component], kind: type[Contribution]) -> tuple[Contribution, ...]:
    """Return every contributed value of the type `kind`, in the components' order."""
    return tuple(value for component in components for value in component.everything() if isinstance(value, kind))


def contributions_at_start(components: Iterable[Component], kind: type[Contribution]) -> tuple[Contribution, ...]:
    """Return those of the type `kind` that stand in the components themselves; nothing is imported."""
    return tuple(value for component in components for value in component.contributes if isinstance(value, kind))
