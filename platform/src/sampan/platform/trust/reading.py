"""Present bodies, parsed. What was parsed once is kept by its digest, so that a write transaction stays short.

The bodies returned here are shared: nobody may change them (`bodies.py` copies before it changes).
"""

from collections import OrderedDict
from typing import cast

from tuf.api.metadata import Root, Targets

from sampan.offline_packages.roles import app_role
from sampan.offline_packages.signed_bytes import Body, read_body
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict
from sampan.platform.trust.metadata_rows import latest_digest, stored_body

_KEPT = 256
_parsed: OrderedDict[str, object] = OrderedDict()


class TreeNotStarted(Conflict):
    """The officers have not signed the tree's first root and targets yet."""

    code = "trust_tree_not_started"
    title = "The tree has no root yet"


async def current_root(tx: Transaction, profile: str) -> Root | None:
    """Return the latest stored root, or None before the first ceremony."""
    return await _current(tx, profile, "root", Root)


async def current_targets(tx: Transaction, profile: str) -> Targets | None:
    """Return the latest stored targets, or None before the first ceremony."""
    return await _current(tx, profile, "targets", Targets)


async def started_targets(tx: Transaction, profile: str) -> Targets:
    """Return the latest stored targets; raise `TreeNotStarted`."""
    targets = await current_targets(tx, profile)
    if targets is None:
        raise TreeNotStarted(
            f"The tree {profile} has no root yet: register three officers' keys and let two officers sign "
            "(docs/operations/trust.md, first ceremony).",
            profile=profile,
        )
    return targets


async def current_app_body(tx: Transaction, profile: str, app_id: str) -> Targets | None:
    """Return the latest stored body of an app's role, or None before its first version."""
    return await _current(tx, profile, app_role(app_id), Targets)


async def _current(tx: Transaction, profile: str, role: str, kind: type[Body]) -> Body | None:
    found = await latest_digest(tx, profile, role)
    if found is None:
        return None
    version, sha256 = found
    if sha256 not in _parsed:
        stored = await stored_body(tx, profile, role, version)
        _parsed[sha256] = read_body(stored.body, kind)
        if len(_parsed) > _KEPT:
            _parsed.popitem(last=False)
    _parsed.move_to_end(sha256)
    return cast("Body", _parsed[sha256])
