"""One round of the publisher job of one tree: sign what is due, write it down, then let clients see it.

The order is what makes a crash harmless. Control files go to the object store, then all signed bodies into SQL
in one transaction, then the immutable files, then `timestamp.json`, then a new root. A round begins by finishing
what the last one left: everything after the SQL transaction is done again from SQL, byte for byte.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct
from tuf.api.metadata import Root, Snapshot, Timestamp

from sampan.offline_packages.roles import CONTROL_ROLE, tree_id
from sampan.offline_packages.signed_bytes import read_body
from sampan.platform.core import Core
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.keys import Key
from sampan.platform.operators import audit
from sampan.platform.trust.control_rows import all_controls
from sampan.platform.trust.keyring import Keyring
from sampan.platform.trust.making import Made, TreeFacts, make
from sampan.platform.trust.metadata_rows import (
    RoleMetadata,
    bodies_from,
    latest_body,
    snapshot_versions,
    store_body,
    stored_body,
)
from sampan.platform.trust.profiles import SNAPSHOT, TIMESTAMP
from sampan.platform.trust.reading import current_root, current_targets
from sampan.platform.trust.tree_rows import (
    Lease,
    Tree,
    give_lease_back,
    keep_lease,
    record_exposed,
    record_made,
    take_lease,
    tree_row,
)
from sampan.platform.trust.waking import metadata_key, target_key, tree_key
from sampan.platform.workspaces.store import Door

WRITES_AT_ONCE = 8
STEPS = (
    "leased",
    "signed",
    "control_files_written",
    "stored",
    "role_files_written",
    "snapshot_written",
    "timestamp_written",
    "root_written",
    "exposed",
)
Step = Callable[[str], Awaitable[None]]


class TreePublished(Struct, frozen=True):
    """Contributed: called in the transaction that marks a snapshot exposed, with the roles that changed in it."""

    run: Callable[[Core, Transaction, str, dict[str, int]], Awaitable[None]]


class Exposed(Struct, frozen=True):
    """What a round made visible; `roles` are those that changed since the last exposed snapshot."""

    timestamp: int
    roles: dict[str, int]


async def _go_on(_step: str) -> None:
    return None


async def publish_round(
    core: Core, workspace_id: str, profile: str, *, holder: str, step: Step = _go_on
) -> Exposed | None:
    """Bring a tree up to date; return what became visible, or None when nothing was due or another job holds it.

    `step` is told the name of every step in `STEPS` after it was done. Raises `LeaseLost` when another job took
    over, `ServerKeyMissing` when a signing key is not there.
    """
    door = core.store.workspace(workspace_id)
    async with door.write() as tx:
        lease = await take_lease(tx, profile, holder, now_ms=core.now_ms())
    if lease is None:
        return None
    await step("leased")
    job = _Job(core, door, lease, step)
    left = await job.finish()
    made = await job.make()
    exposed = await job.finish() if made else left
    async with door.write() as tx:
        await give_lease_back(tx, lease)
    return exposed


class _Job(Struct, frozen=True):
    core: Core
    door: Door
    lease: Lease
    step: Step

    async def make(self) -> bool:
        """Sign and store what is due; return whether anything was."""
        facts = await self._facts()
        if facts is None:
            return False
        made = await asyncio.to_thread(make, facts, await self._keys(facts))
        if made is None:
            return False
        await self.step("signed")
        for data in made.control_files.values() if CONTROL_ROLE in made.bodies else ():
            key = target_key(self.door.workspace_id, digest(data).partition(":")[2])
            await self.core.objects.put_new(key, data)
        await self.step("control_files_written")
        await self._store(made)
        await self.step("stored")
        return True

    async def finish(self) -> Exposed | None:
        """Write the files of the last stored timestamp and mark it exposed, unless that was done already."""
        async with self.door.read() as tx:
            tree = await tree_row(tx, self.lease.profile)
            if tree.made_timestamp == tree.exposed_timestamp:
                return None
            timestamp = await stored_body(tx, self.lease.profile, TIMESTAMP, tree.made_timestamp)
            snapshot = await self._snapshot_of(tx, timestamp)
            versions = _versions(snapshot)
            changed = {role: n for role, n in versions.items() if tree.exposed_versions.get(role) != n}
            files = [await stored_body(tx, self.lease.profile, role, n) for role, n in changed.items()]
            roots = await bodies_from(tx, self.lease.profile, "root", tree.exposed_root + 1)
        await self._write(*files)
        await self.step("role_files_written")
        await self._write(snapshot)
        await self.step("snapshot_written")
        async with self.door.write() as tx:
            await keep_lease(tx, self.lease, now_ms=self.core.now_ms())
        await self.core.objects.put(self._key("timestamp.json"), timestamp.body)
        await self.step("timestamp_written")
        await self._write(*(root for root in roots if root.version <= tree.made_root))
        await self.step("root_written")
        await self._mark_exposed(tree, versions, changed)
        self.core.bus.publish(tree_key(self.door.workspace_id, self.lease.profile))
        await self.step("exposed")
        return Exposed(tree.made_timestamp, changed)

    async def _facts(self) -> TreeFacts | None:
        profile = self.lease.profile
        async with self.door.read() as tx:
            root, targets = await current_root(tx, profile), await current_targets(tx, profile)
            if root is None or targets is None:
                return None
            tree = await tree_row(tx, profile)
            exposed_root = root
            if 0 < tree.exposed_root < root.version:
                exposed_root = read_body((await stored_body(tx, profile, "root", tree.exposed_root)).body, Root)
            return TreeFacts(
                name=tree_id(self.door.workspace_id, profile),
                tree=tree,
                root=root,
                exposed_root=exposed_root,
                targets=targets,
                versions=await snapshot_versions(tx, profile),
                controls=await all_controls(tx),
                control=await latest_body(tx, profile, CONTROL_ROLE),
                snapshot=await latest_body(tx, profile, SNAPSHOT),
                timestamp=await latest_body(tx, profile, TIMESTAMP),
                audit=(await audit.head(tx)).as_json(),
                now_ms=self.core.now_ms(),
            )

    async def _keys(self, facts: TreeFacts) -> dict[str, PrivateKey]:
        """Return the private keys that sign; the present ones must be there, those of an older root need not."""
        ring, tree = self.core.shared(Keyring, Keyring), (self.door.workspace_id, self.lease.profile)
        found: dict[str, PrivateKey] = {}
        for role in (CONTROL_ROLE, SNAPSHOT, TIMESTAMP):
            present, *older = facts.signing_keys(role)
            found[present] = await ring.key(*tree, present)
            for name in older:
                key = await ring.find(*tree, name)
                if key is not None:
                    found[name] = key
        return found

    async def _store(self, made: Made) -> None:
        async with self.door.write() as tx:
            await record_made(
                tx, self.lease, timestamp=made.timestamp_version, root=made.root_version, changed=made.changed
            )
            for role, body in made.bodies.items():
                await store_body(tx, self.lease.profile, role, body, now_ms=self.core.now_ms())

    async def _snapshot_of(self, tx: Transaction, timestamp: RoleMetadata) -> RoleMetadata:
        version = read_body(timestamp.body, Timestamp).snapshot_meta.version
        return await stored_body(tx, self.lease.profile, SNAPSHOT, version)

    async def _write(self, *bodies: RoleMetadata) -> None:
        turns = asyncio.Semaphore(WRITES_AT_ONCE)

        async def write(body: RoleMetadata) -> None:
            async with turns:
                await self.core.objects.put_new(self._key(f"{body.version}.{body.role}.json"), body.body)

        async with asyncio.TaskGroup() as group:
            for body in bodies:
                group.create_task(write(body))

    async def _mark_exposed(self, made: Tree, versions: dict[str, int], changed: dict[str, int]) -> None:
        async with self.door.write() as tx:
            await record_exposed(tx, self.lease, made, versions, now_ms=self.core.now_ms())
            for hook in self.core.contributions(TreePublished) if changed else ():
                await hook.run(self.core, tx, self.lease.profile, changed)

    def _key(self, name: str) -> Key:
        return metadata_key(self.door.workspace_id, self.lease.profile, name)


def _versions(snapshot: RoleMetadata) -> dict[str, int]:
    meta = read_body(snapshot.body, Snapshot).meta
    return {name.removesuffix(".json"): each.version for name, each in meta.items()}
