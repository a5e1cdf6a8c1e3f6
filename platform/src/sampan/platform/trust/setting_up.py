"""What a new workspace gets: the server's own keys for each tree, registered, and the trees' rows. Repeatable."""

from sampan.platform.core import Core
from sampan.platform.operators import audit
from sampan.platform.operators.actor import system_actor
from sampan.platform.trust.key_rows import Purpose, add_key, key_by_raw
from sampan.platform.trust.keyring import Keyring
from sampan.platform.trust.profiles import PROFILES
from sampan.platform.trust.tree_rows import create_tree
from sampan.platform.workspaces.store import Door

ACTOR = system_actor("trust set-up")


async def set_up(core: Core, door: Door) -> None:
    """Make what is missing; key files first, so that a registered key always has its file."""
    ring = core.port(Keyring)
    wanted = [(profile.name, purpose) for profile in PROFILES.values() for purpose in profile.server_purposes]
    keys = [(profile, purpose, await ring.first(door.workspace_id, profile, purpose)) for profile, purpose in wanted]
    async with door.write() as tx:
        for profile in PROFILES:
            await create_tree(tx, profile)
        for profile, purpose, key in keys:
            if await key_by_raw(tx, key.public.raw) is not None:
                continue
            record = await add_key(
                tx,
                key.public,
                Purpose(purpose),
                profile=profile,
                owner="",
                label=f"server {purpose}",
                now_ms=core.now_ms(),
            )
            detail = {"profile": profile, "purpose": purpose}
            await audit.record(tx, ACTOR, "trust.key_made", target=record.key_id, detail=detail, now_ms=core.now_ms())


async def unlock_all(core: Core) -> None:
    """Open every workspace's key files in the background, so that the first signature need not wait."""
    ring = core.port(Keyring)
    for workspace_id in core.replica.workspaces:
        for profile in PROFILES:
            await ring.unlock(workspace_id, profile)
