"""What a new workspace gets: the server's own keys for each tree, registered, and the trees' rows. Repeatable."""

from sampan.platform.core import Core
from sampan.platform.operators.actor import system_actor
from sampan.platform.trust.key_register import register_server_key
from sampan.platform.trust.key_rows import Purpose, key_by_raw, list_keys
from sampan.platform.trust.keyring import Keyring
from sampan.platform.trust.profiles import PROFILES
from sampan.platform.trust.tree_rows import create_tree
from sampan.platform.workspaces.store import Door

ACTOR = system_actor("trust set-up")


async def set_up(core: Core, door: Door) -> None:
    """Make what is missing; key files first, so that a registered key always has its file."""
    ring = core.shared(Keyring, Keyring)
    async with door.read() as tx:
        registered = {(each.profile, each.purpose.value) for each in await list_keys(tx)}
    wanted = [(profile.name, purpose) for profile in PROFILES.values() for purpose in profile.server_purposes]
    missing = [each for each in wanted if each not in registered]
    keys = [(*each, await ring.first(door.workspace_id, *each)) for each in missing]
    async with door.write() as tx:
        for profile in PROFILES:
            await create_tree(tx, profile)
        for profile, purpose, key in keys:
            if await key_by_raw(tx, key.public.raw) is None:
                await register_server_key(core, tx, key.public, profile, Purpose(purpose), ACTOR)


async def unlock_all(core: Core) -> None:
    """Open every workspace's key files in the background, so that the first signature need not wait."""
    ring = core.shared(Keyring, Keyring)
    for workspace_id in core.replica.workspaces:
        for profile in PROFILES:
            await ring.unlock(workspace_id, profile)
