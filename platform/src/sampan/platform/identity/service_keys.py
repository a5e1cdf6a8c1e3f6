"""Use cases of the token keys: made with the workspace, and rotated."""

import secrets as random
from itertools import pairwise

from sampan.platform.component import WorkspaceSetup
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.keyring import PART, key_context, secret_context
from sampan.platform.identity.repository_keys import KeyRow, add_key, add_secret, delete_keys, list_keys
from sampan.platform.identity.tokens import LIFETIME_MS
from sampan.platform.workspaces.revisions import raise_revision
from sampan.platform.workspaces.store import Door

SECRET_BYTES = 32
PUBLISHED_FIRST_MS = 30_000  # every worker must know a key before the first token under it


async def set_up_keys(core: Core, door: Door) -> None:
    """Give a workspace its first signing key and its secret; leaves existing ones alone."""
    first = _new_key(core, door.workspace_id, signs_from_ms=0)
    secret = core.sealer.seal(random.token_bytes(SECRET_BYTES), secret_context(door.workspace_id))
    async with door.write() as tx:
        await add_secret(tx, secret)
        if not await list_keys(tx):
            await add_key(tx, first, now_ms=core.now_ms())
            await raise_revision(tx, PART)


def new_token_key(core: Core, workspace_id: str, *, at_once: bool = False) -> KeyRow:
    """Make the key that `rotate_token_keys` takes; outside of its transaction, because making keys takes time."""
    return _new_key(core, workspace_id, signs_from_ms=core.now_ms() + (0 if at_once else PUBLISHED_FIRST_MS))


async def rotate_token_keys(tx: Transaction, key: KeyRow, *, now_ms: int, at_once: bool = False) -> None:
    """Publish a new key, which signs from 30 s later, and forget those whose last tokens have expired.

    `at_once` is for a key that was stolen: every older key is forgotten now, and with them every access token.
    """
    rows = await list_keys(tx)
    gone = rows if at_once else _expired(rows, now_ms)
    await delete_keys(tx, [row.kid for row in gone])
    await add_key(tx, key, now_ms=now_ms)
    await raise_revision(tx, PART)


def _expired(rows: list[KeyRow], now_ms: int) -> list[KeyRow]:
    """Return the keys whose successor has been signing for longer than a token lives."""
    return [row for row, successor in pairwise(rows) if successor.signs_from_ms + LIFETIME_MS < now_ms]


def _new_key(core: Core, workspace_id: str, *, signs_from_ms: int) -> KeyRow:
    key = PrivateKey.generate("ed25519")
    kid = random.token_hex(8)
    sealed = core.sealer.seal(key.pkcs8(), key_context(workspace_id, kid))
    return KeyRow(kid, key.public.raw, sealed, signs_from_ms)


workspace_setup = WorkspaceSetup("token keys", set_up_keys)
