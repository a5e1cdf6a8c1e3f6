"""How a change reaches the publisher job: counted in the transaction, and a wake-up after it."""

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.keys import Key, system_key, workspace_key
from sampan.platform.trust.tree_rows import mark_changed

PUBLISHER_WAKES = system_key("trust", "publisher")


async def tree_changed(core: Core, tx: Transaction, profile: str) -> None:
    """Count a change of a tree; the publisher job hears of it when the transaction is durable."""
    await mark_changed(tx, profile)
    tx.after_commit(lambda: core.bus.publish(PUBLISHER_WAKES))


def tree_key(workspace_id: str, profile: str) -> Key:
    """Return the bus key that is told of every newly exposed timestamp."""
    return workspace_key(workspace_id, "trust", profile)


def metadata_key(workspace_id: str, profile: str, name: str) -> Key:
    """Return where a metadata file stands in the object store."""
    return workspace_key(workspace_id, "trust", profile, name)


def target_key(workspace_id: str, sha256: str) -> Key:
    """Return where a target file stands in the object store; `sha256` in hexadecimal."""
    return workspace_key(workspace_id, "targets", sha256)
