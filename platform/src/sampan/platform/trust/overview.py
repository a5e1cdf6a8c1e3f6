"""The state of the trees for people: what is visible, what ends when, and who must sign to prevent it."""

from datetime import timedelta

from msgspec import Struct

from sampan.offline_packages.roles import CONTROL_ROLE
from sampan.platform.engines.database import Transaction
from sampan.platform.trust.ceremony_rows import waiting
from sampan.platform.trust.metadata_rows import role_lives
from sampan.platform.trust.profiles import PROFILES, SNAPSHOT, TIMESTAMP
from sampan.platform.trust.reading import current_root
from sampan.platform.trust.tree_rows import Tree, tree_row

WARN_BEFORE = timedelta(days=60)
SIGNED_BY_SERVER = (CONTROL_ROLE, SNAPSHOT, TIMESTAMP)


class RoleStatus(Struct, frozen=True):
    """One role of a tree. `signer` is `officers`, `publisher` or `server`; `is_due` when its end is near or past."""

    role: str
    version: int
    exposed_version: int
    expires_ms: int
    signer: str
    is_due: bool


class TreeStatus(Struct, frozen=True):
    """One tree. `is_started` once root and targets are signed; `waiting` bodies need officers' signatures."""

    tree: Tree
    is_started: bool
    waiting: int
    roles: tuple[RoleStatus, ...]


async def tree_statuses(tx: Transaction, *, now_ms: int) -> list[TreeStatus]:
    """Return the state of every tree of the workspace."""
    return [await tree_status(tx, profile, now_ms=now_ms) for profile in PROFILES]


async def tree_status(tx: Transaction, profile: str, *, now_ms: int) -> TreeStatus:
    """Return the state of one tree."""
    tree = await tree_row(tx, profile)
    exposed = tree.exposed_versions | {"root": tree.exposed_root, TIMESTAMP: tree.exposed_timestamp}
    roles = []
    for life in await role_lives(tx, profile):
        signer = _signer(life.role)
        least = timedelta(0) if signer == "server" else WARN_BEFORE
        is_due = life.expires_ms - now_ms <= least // timedelta(milliseconds=1)
        shown = exposed.get(life.role, life.version if life.role == SNAPSHOT else 0)
        roles.append(RoleStatus(life.role, life.version, shown, life.expires_ms, signer, is_due))
    is_started = await current_root(tx, profile) is not None
    return TreeStatus(tree, is_started, len(await waiting(tx, profile)), tuple(roles))


def _signer(role: str) -> str:
    if role in {"root", "targets"}:
        return "officers"
    return "server" if role in SIGNED_BY_SERVER else "publisher"
