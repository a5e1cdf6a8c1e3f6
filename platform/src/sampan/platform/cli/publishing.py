"""Publishing as a publisher's own machine does it: derive the next role body, sign it, send it, follow it.

Body n comes through the trust tree by the pinned root, never from the console API: a server that lies about what
is published could make a publisher sign something else.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api.metadata import Targets

from sampan.offline_packages import Accepted, Packed
from sampan.offline_packages.publishing import next_app_body, renewed_app_body, signed_version
from sampan.offline_packages.roles import SignedVersion
from sampan.offline_packages.signed_bytes import sign_body
from sampan.offline_packages.trust_errors import SequenceSuperseded
from sampan.platform.cli.api import Api, ServerRefused
from sampan.platform.cli.home import SignIn
from sampan.platform.cli.pinned_roots import PROFILES, Place, published_body
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.errors import Conflict

FINAL = frozenset({"published", "rejected", "withdrawn", "checks_failed", "sequence_superseded", "archived", "killed"})
BASE_MOVED = frozenset({"body_base_moved", "base_moved"})
POLL_SECONDS = 1.0
NOT_THERE = 404
TRIAL = "trial"

Keys = Mapping[str, PrivateKey]
"""A publisher's private keys by tree profile."""
Places = Mapping[str, Place]
"""The trees as the publisher knows them, by profile."""


class NothingPublished(Conflict):
    """A renewal of a role that has no body yet."""

    code = "nothing_published"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be published: the version as its role will list it, and its index."""

    version: SignedVersion
    index: dict[str, Any]

    @classmethod
    def of(cls, found: Accepted | Packed, *, floor: int = 0) -> "Candidate":
        """Return the candidate for a package that was taken in, or packed just now."""
        version = signed_version(
            found.index.app,
            found.index.sequence,
            version=found.index.version,
            index=found.index_bytes,
            package_digest=f"sha256:{found.index.archive.sha256}",
            package_bytes=found.index.archive.size,
            floor=floor,
        )
        return cls(version, json.loads(found.index_bytes))

    @property
    def path(self) -> str:
        """The version's address below the console API."""
        return f"/apps/{self.version.app}/versions/{self.version.sequence}"


def bodies_with(candidate: Candidate, places: Places, keys: Keys) -> dict[str, Any]:
    """Return, for each tree, the published body with this one version more, signed.

    The trial tree is left out when it has this version, or a higher one, already: a version goes there as soon
    as it is submitted, and is signed anew for the customers' tree alone. Raises `SequenceSuperseded` for that one.
    """
    made = {}
    for profile, key in keys.items():
        place = places[profile]
        current = published_body(place, candidate.version.app)
        try:
            body = next_app_body(current, candidate.version, tree=place.tree, now_ms=now_ms())
        except SequenceSuperseded:
            if profile == TRIAL:
                continue
            raise
        made[profile] = json.loads(sign_body(body, key))
    return made


def renewed_bodies(app_id: str, places: Places, keys: Keys) -> dict[str, Any]:
    """Return the published bodies with another year, signed, for the trees where there is one."""
    made = {}
    for profile, key in keys.items():
        current: Targets | None = published_body(places[profile], app_id)
        if current is not None:
            made[profile] = json.loads(sign_body(renewed_app_body(current, now_ms=now_ms()), key))
    if not made:
        raise NothingPublished(f"{app_id} has no published version yet, so there is nothing to renew.")
    return made


def places_of(sign_in: SignIn, own_home: Path | None = None) -> dict[str, Place]:
    """Return every tree of the person's workspace."""
    return {profile: Place.of(sign_in, profile, own_home) for profile in PROFILES}


def already_there(api: Api, candidate: Candidate, digest: str) -> dict[str, Any] | None:
    """Return the version as the server has it, with `already`, when it has exactly the package of this digest.

    None also for a version that was taken back: publishing it again brings it back.
    """
    try:
        found: dict[str, Any] = api.get(candidate.path)
    except ServerRefused as problem:
        if problem.status == NOT_THERE:
            return None
        raise
    if found["digest"] != digest or found["state"] == "withdrawn":
        return None
    return {**found, "already": True}


def submit(
    api: Api,
    candidate: Candidate,
    bodies: dict[str, Any],
    upload: str,
    *,
    is_urgent: bool = False,
    origin: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Submit an upload as a version and return it as the server has it; `origin` is where it was approved before."""
    body = {"upload": upload, "index": candidate.index, "bodies": bodies, "urgent": is_urgent}
    if origin is not None:
        body["origin"] = origin
    found: dict[str, Any] = api.post(f"/apps/{candidate.version.app}/versions", body)
    return found


def follow(
    api: Api,
    path: str,
    *,
    resign: Callable[[], dict[str, Any]],
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Yield the version at every change until its state is final; a moved base is signed anew without being asked.

    `resign` returns bodies on the present base.
    """
    last = None
    while True:
        found: dict[str, Any] = api.get(path)
        if found["state"] == "needs_signature":
            found = _signed_anew(api, path, resign) or found
        if (found["state"], found["cause"]) != last:
            last = (found["state"], found["cause"])
            yield found
        if found["state"] in FINAL:
            return
        pause(POLL_SECONDS)


def _signed_anew(api: Api, path: str, resign: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """Send bodies on the present base; None when the base moved once more meanwhile, and the next look tries again."""
    try:
        found: dict[str, Any] = api.post(f"{path}/bodies", {"bodies": resign()})
    except ServerRefused as problem:
        if problem.code not in BASE_MOVED:
            raise
        return None
    return found


def now_ms() -> int:
    """Return this machine's time."""
    return time.time_ns() // 1_000_000
