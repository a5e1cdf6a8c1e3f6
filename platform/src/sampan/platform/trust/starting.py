"""Starting a tree is a change request: whoever names its first officers decides who may ever change it."""

from typing import Any

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, propose
from sampan.platform.trust.asking import KeyForAnotherUse, check_officers, start_tree
from sampan.platform.trust.key_rows import key_named
from sampan.platform.trust.profiles import profile_named
from sampan.platform.trust.reading import current_root


async def propose_start(
    core: Core, workspace_id: str, actor: Actor, *, profile: str, officers: list[str], note: str = ""
) -> Change:
    """Propose three registered officers' keys for a tree's first root; a second person approves."""
    profile_named(profile)
    async with core.store.workspace(workspace_id).read() as tx:
        owners = await _owners(tx, officers)
    payload = {"officers": officers, "owners": owners}
    return await propose(core, workspace_id, actor, kind=START_TREE.name, target=profile, payload=payload, note=note)


async def _check(_core: Core, tx: Transaction, _actor: Actor, target: str, payload: dict[str, Any]) -> None:
    """Refuse what could not be applied, and owners that are not those of the keys: they are what the approver reads."""
    profile_named(target)
    officers = _officers(payload)
    await check_officers(tx, officers)
    if payload.get("owners") != await _owners(tx, officers):
        raise KeyForAnotherUse("Name under `owners` whose keys these are, as registered and in the same order.")


async def _owners(tx: Transaction, officers: list[str]) -> list[str]:
    return [(await key_named(tx, name)).owner for name in officers]


async def _base(tx: Transaction, target: str) -> str:
    root = await current_root(tx, target)
    return str(root.version if root is not None else 0)


async def _apply(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    await start_tree(core, tx, change.target, _officers(change.payload), actor)


def _describe(payload: dict[str, Any]) -> list[DiffLine]:
    return [
        DiffLine(zh=f"信任官员 {owner}", en=f"Officer {owner}", after=key)
        for key, owner in zip(payload["officers"], payload["owners"], strict=True)
    ]


def _officers(payload: dict[str, Any]) -> list[str]:
    officers = payload.get("officers")
    if not isinstance(officers, list) or not all(isinstance(each, str) for each in officers):
        raise KeyForAnotherUse("Name three key ids under `officers`.")
    return officers


START_TREE = ChangeKind(
    name="trust.tree.start",
    zh="启动信任树",
    en="Start a trust tree",
    propose="trust:manage",
    approve="trust:manage",
    base=_base,
    apply=_apply,
    describe=_describe,
    check=_check,
)
