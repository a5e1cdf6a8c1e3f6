"""Which roots a person trusts: pinned once in their own folder, then the only way into a trust tree.

Without a pinned root a server could hand a publisher or an officer any tree at all, so commands that build on
what is published refuse until `sampan trust root --pin` was run and its digest compared with the bank's.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tuf.api.metadata import Root, Targets

from sampan.offline_packages.atomic_files import write_atomically
from sampan.offline_packages.fetching import FetchFailed, HttpFetch
from sampan.offline_packages.roles import check_fields, tree_id
from sampan.offline_packages.signed_bytes import body_digest, read_body
from sampan.offline_packages.trust_errors import NotListed, Unreachable
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.cli.home import SignIn, home
from sampan.platform.errors import Conflict

MAX_ROOT_BYTES = 512_000
PROFILES = ("intl", "trial")


class RootNotPinned(Conflict):
    """The command needs a root to start from, and none is pinned here."""

    code = "root_not_pinned"
    title = "No root is pinned"


class RootDiffers(Conflict):
    """Another root is pinned than the one that is to be pinned now."""

    code = "root_differs"
    title = "Another root is pinned"


@dataclass(frozen=True, slots=True)
class Place:
    """One tree of one workspace on one server, as this person knows it."""

    server: str
    workspace: str
    profile: str
    home: Path

    @classmethod
    def of(cls, sign_in: SignIn, profile: str, own_home: Path | None = None) -> "Place":
        """Return a tree of whoever is signed in, as known in their own folder."""
        return cls(sign_in.server, sign_in.workspace, profile, own_home or home())

    @property
    def tree(self) -> str:
        """The name that signed bodies carry."""
        return tree_id(self.workspace, self.profile)

    @property
    def url(self) -> str:
        """Where the tree is served."""
        return f"{self.server}/trust/{self.workspace}/{self.profile}"

    @property
    def folder(self) -> Path:
        """Where this person keeps what they know of it."""
        return self.home / "trees" / quote(self.server, safe="") / self.workspace / self.profile

    @property
    def root_path(self) -> Path:
        """The pinned root."""
        return self.folder / "root.json"


def fetch_first_root(place: Place) -> bytes:
    """Return version 1 of a tree's root as the server shows it, not yet trusted; raise `NotListed`, `Unreachable`."""
    try:
        data = b"".join(HttpFetch()(f"{place.url}/metadata/1.root.json", MAX_ROOT_BYTES))
    except FetchFailed as problem:
        if problem.status == 404:
            raise NotListed(f"The tree {place.tree} has no root yet; its officers must sign it first.") from problem
        raise Unreachable(f"The root of {place.tree} cannot be fetched: {problem}.") from problem
    except OSError as problem:
        raise Unreachable(f"The root of {place.tree} cannot be fetched: {problem}.") from problem
    check_fields(read_body(data, Root), "root", place.tree)
    return data


def pin(place: Place, root: bytes, *, expected: str | None = None, replace: bool = False) -> str:
    """Trust this root from now on and return its digest; raise `RootDiffers`."""
    found = body_digest(root)
    if expected is not None and expected != found:
        raise RootDiffers(
            f"The server shows a root with digest {found}, not the one you named. Do not go on; ask your bank."
        )
    known = pinned(place)
    if known is not None and body_digest(known) != found and not replace:
        raise RootDiffers(
            f"Another root of {place.tree} is pinned here ({body_digest(known)}). If your bank started its tree "
            "anew, pin the new one with --replace."
        )
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(place.root_path, root)
    return found


def pinned(place: Place) -> bytes | None:
    """Return the pinned root, or None."""
    return place.root_path.read_bytes() if place.root_path.exists() else None


def trusted(place: Place) -> TrustedTree:
    """Return the tree, refreshed from its pinned root; raise `RootNotPinned`, a `TrustRefused` or `Unreachable`."""
    root = pinned(place)
    if root is None:
        raise RootNotPinned(
            f"No root of {place.tree} is pinned here. Run `sampan trust root --pin {place.profile}` and compare the "
            "digest with the one that your bank published."
        )
    tree = TrustedTree(place.folder, base_url=place.url, tree=place.tree, root=root, fetch=HttpFetch())
    tree.refresh(now_ms=time.time_ns() // 1_000_000)
    return tree


def published_body(place: Place, app_id: str) -> Targets | None:
    """Return the app's published body by the pinned root; None before its first version."""
    try:
        return trusted(place).app_body(app_id)
    except NotListed as problem:
        raise NotListed(
            f"{app_id} has no role in {place.tree} yet. An administrator registers it (`sampan app create`), and then "
            "two officers sign the waiting targets (`sampan trust sign`)."
        ) from problem


def published_top(place: Place) -> tuple[Root, Targets] | None:
    """Return root and targets as published, verified from the pinned root; None when no root is pinned here."""
    if pinned(place) is None:
        return None
    trusted(place)
    found = place.folder / "metadata"
    root, targets = ((found / f"{role}.json").read_bytes() for role in ("root", "targets"))
    return read_body(root, Root), read_body(targets, Targets)
