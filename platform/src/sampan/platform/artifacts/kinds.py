"""Kinds of artefacts: what a component says about the versions that it understands.

The floor knows packages, states and signatures; what is right or wrong inside a package is the kind's.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from sampan.offline_packages import Accepted, PackageIndex, Policy
from sampan.platform.artifacts.notes_repository import Finding
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Invalid

ERROR, WARNING, INFO = "error", "warning", "info"


class KindUnknown(Invalid):
    """No installed component knows this kind of artefact."""

    code = "kind_unknown"
    title = "Unknown kind of artefact"


def find_nothing(_accepted: Accepted) -> Sequence[Finding]:
    """Scan nothing."""
    return ()


class ArtifactKind(Struct, frozen=True):
    """A kind of artefact, contributed by a component; `name` is also the kind that the manifest declares.

    `load` reads the workspace's rules for an app; `limits` and `check` are pure and get those rules. `check` and
    `scan` run in a worker thread, on a package that intake has accepted: `check` before the version counts as
    uploaded (an `error` makes it `checks_failed`), `scan` afterwards, as a job, for what takes long.
    """

    name: str
    load: Callable[[Transaction, str], Awaitable[Any]]
    limits: Callable[[Any], Policy]
    check: Callable[[Any, PackageIndex | None, Accepted], Sequence[Finding]]
    scan: Callable[[Accepted], Sequence[Finding]] = find_nothing


class VersionHook(Struct, frozen=True):
    """Told of every change of a version's state, in its transaction: (transaction, app id, sequence, state)."""

    run: Callable[[Transaction, str, int, str], Awaitable[None]]


def kind_of(core: Core, name: str) -> ArtifactKind:
    """Return the kind of this name; raise `KindUnknown`."""
    kinds = {kind.name: kind for kind in core.contributions(ArtifactKind)}
    if name not in kinds:
        raise KindUnknown(f"There is no kind {name!r} here. Known kinds: {', '.join(sorted(kinds))}.", field="kind")
    return kinds[name]
