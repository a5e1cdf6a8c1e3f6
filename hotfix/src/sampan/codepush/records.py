"""What CodePush keeps: apps, deployments, bundles, releases and counts. Pure."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.digest import digest

EVERYBODY = 100


class State(StrEnum):
    """Whether devices may have a release: `waiting` for a second person, `approved`, or `refused` for good."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class Method(StrEnum):
    """How a label came to be, as CodePush names it."""

    UPLOAD = "Upload"
    PROMOTE = "Promote"
    ROLLBACK = "Rollback"


class App(Struct, frozen=True):
    """An app; its releases are in its deployments."""

    id: str
    name: str
    os: str
    platform: str
    made_by: str
    created_ms: int


class Deployment(Struct, frozen=True):
    """A line of releases that devices follow by its key. `public_key` is PEM, empty until one is approved."""

    id: str
    app_id: str
    name: str
    key: str
    public_key: str
    last_n: int
    created_ms: int


class Stored(Struct, frozen=True):
    """A bundle in the object store: `sha256` is of the ZIP, `files` the SHA-256 of each file by path.

    Every upload is an object of its own, also of bytes that are there: none goes that somebody just counted on.
    """

    sha256: str
    package_hash: str
    size_bytes: int
    files: Mapping[str, str]
    token: str
    object_id: str
    created_ms: int


class Difference(Struct, frozen=True):
    """A ZIP that brings a device from one package hash to the bundle `target`.

    `unneeded_ms` is since when no device is sent to that bundle any more; 0: some are.
    """

    target: str
    base_hash: str
    sha256: str
    size_bytes: int
    object_id: str
    unneeded_ms: int = 0


class Served(Struct, frozen=True):
    """What of a release may change: whom it goes to and how. `rollout` is in percent, 100 is everybody."""

    app_version: str
    description: str
    is_disabled: bool
    is_mandatory: bool
    rollout: int

    @property
    def is_unfinished(self) -> bool:
        """Whether it goes to a part of the devices."""
        return self.rollout < EVERYBODY

    def plain(self) -> dict[str, Any]:
        """Return the form that change requests carry."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class Release(Struct, frozen=True):
    """One label of a deployment, `v` and its number. `bundle` is empty when a refused one's was removed."""

    deployment_id: str
    n: int
    state: State
    bundle: str
    package_hash: str
    size_bytes: int
    app_version: str
    description: str
    is_disabled: bool
    is_mandatory: bool
    rollout: int
    salt: str
    method: Method
    original_label: str
    original_deployment: str
    change_id: str
    released_by: str
    created_ms: int

    @property
    def label(self) -> str:
        """The label, as `v3`."""
        return f"v{self.n}"

    @property
    def served(self) -> Served:
        """What may change."""
        return Served(self.app_version, self.description, self.is_disabled, self.is_mandatory, self.rollout)

    @property
    def is_given_out(self) -> bool:
        """Whether devices get it now."""
        return self.state is State.APPROVED and not self.is_disabled

    def revision(self, public_key: str, place: str) -> str:
        """Return what moves whenever the release does, the key that its bundle was verified with, or its place."""
        return digest(canonical_json([str(self.state), self.bundle, self.served.plain(), public_key, place]))


def offered(approved: Sequence[Release]) -> list[Release]:
    """Return those that a device may be sent to, of a deployment's approved labels, the newest first.

    One is sent to nobody when a newer one goes to everybody of just these binary versions.
    """
    found, covered = [], set()
    for each in approved:
        if not each.is_disabled and each.app_version not in covered:
            found.append(each)
            if not each.served.is_unfinished:
                covered.add(each.app_version)
    return found


class Count(Struct, frozen=True):
    """What devices reported of a label, or of a binary version without one."""

    deployment_id: str
    label: str
    active: int
    downloaded: int
    installed: int
    failed: int


def files_text(files: Mapping[str, str]) -> str:
    """Return the stored form of a bundle's files."""
    return json.dumps(dict(sorted(files.items())), ensure_ascii=False, separators=(",", ":"))
