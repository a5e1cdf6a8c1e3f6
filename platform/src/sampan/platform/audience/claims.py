"""What devices last claimed of themselves: kept so that rules can be explained and estimated without them.

Written in the background, many in one transaction, and only what differs from the device's last claim as far as this
process remembers. A lost claim is no loss: the device says the same at its next sync.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import and_, delete, or_, select

from sampan.platform.audience.facts import Claims
from sampan.platform.audience.tables import device_claims
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.identity.repository_devices import customer_devices, devices
from sampan.platform.logs import Log

DEVICES_REMEMBERED = 200_000
MAX_WAITING = 20_000
ROWS_PER_WRITE = 500
FLUSH_SECONDS = 1.0
_DECODER = msgspec.json.Decoder(Claims)
log = Log("audience")


class Saying(msgspec.Struct, gc=False):
    """What a client sends of itself, in whatever form; its fields are hashable."""

    def claims(self) -> Claims:
        """Return what rules may look at."""
        raise NotImplementedError


class ClaimsKept:
    """The claims of this process that wait to be written; one per process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._said: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], tuple[Claims, int]] = {}

    def note(self, workspace_id: str, device_id: str, saying: Saying) -> None:
        """Remember what a device says; written soon, unless it said the same before or too many wait."""
        key, said = (workspace_id, device_id), hash(msgspec.structs.astuple(saying))
        if self._said.get(key) == said or len(self._waiting) >= MAX_WAITING:
            return
        if len(self._said) >= DEVICES_REMEMBERED:
            del self._said[next(iter(self._said))]
        self._said[key] = said
        self._waiting[key] = (saying.claims(), self._core.now_ms())

    def remembers(self, workspace_id: str, device_id: str) -> bool:
        """Whether what the device says was noted, and did not get lost since."""
        return (workspace_id, device_id) in self._said

    async def flush(self) -> None:
        """Write everything that waits."""
        while self._waiting:
            some = {key: self._waiting.pop(key) for key in list(self._waiting)[:ROWS_PER_WRITE]}
            for workspace_id in sorted({key[0] for key in some}):
                rows = {key[1]: value for key, value in some.items() if key[0] == workspace_id}
                try:
                    async with self._core.store.workspace(workspace_id).write() as tx:
                        await put_claims(tx, rows)
                except Exception:  # forgotten, so that the devices say it again
                    log.exception("claims_not_written", workspace=workspace_id)
                    for device_id in rows:
                        self._said.pop((workspace_id, device_id), None)

    async def run(self) -> None:
        """Write once a second until cancelled, then what is left."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            await self.flush()


def claims_kept(core: Core) -> ClaimsKept:
    """Return the process's one."""
    return core.shared(ClaimsKept, ClaimsKept)


async def put_claims(tx: Transaction, rows: Mapping[str, tuple[Claims, int]]) -> None:
    """Store the last claims of some devices."""
    values: Sequence[dict[str, Any]] = [
        {
            "workspace_id": tx.workspace_id,
            "device_id": device_id,
            "said_ms": said_ms,
            "claims": msgspec.json.encode(claims).decode(),
        }
        for device_id, (claims, said_ms) in sorted(rows.items())
    ]
    statement = insert_or(tx, device_claims)
    changed = {name: getattr(statement.excluded, name) for name in ("said_ms", "claims")}
    keys = ["workspace_id", "device_id"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(values))


async def forget_claims(tx: Transaction, customer_id: str) -> None:
    """Delete what the devices said that a customer used, but for those on which somebody else is signed in now."""
    pair = customer_devices.c
    same = and_(devices.c.workspace_id == pair.workspace_id, devices.c.id == pair.device_id)
    used = (
        select(pair.device_id)
        .join(devices, same)
        .where(
            pair.workspace_id == tx.workspace_id,
            devices.c.workspace_id == tx.workspace_id,
            pair.customer_id == customer_id,
            or_(devices.c.customer_id.is_(None), devices.c.customer_id == customer_id),
        )
    )
    own = device_claims.c.workspace_id == tx.workspace_id
    await tx.execute(delete(device_claims).where(own, device_claims.c.device_id.in_(used)))


async def last_claims(tx: Transaction, device_id: str) -> tuple[Claims, int] | None:
    """Return a device's last claims and when it first made them, in milliseconds; None when it never made any."""
    statement = select(device_claims.c.claims, device_claims.c.said_ms).where(
        device_claims.c.workspace_id == tx.workspace_id, device_claims.c.device_id == device_id
    )
    row = (await tx.execute(statement)).one_or_none()
    return (_DECODER.decode(row.claims), row.said_ms) if row is not None else None


async def read_claims(tx: Transaction, device_ids: Collection[str]) -> dict[str, Claims]:
    """Return the last claims of those of these devices that made any."""
    found: dict[str, Claims] = {}
    wanted = list(device_ids)
    for start in range(0, len(wanted), 2000):
        statement = select(device_claims.c.device_id, device_claims.c.claims).where(
            device_claims.c.workspace_id == tx.workspace_id,
            device_claims.c.device_id.in_(wanted[start : start + 2000]),
        )
        for row in await tx.execute(statement):
            found[row.device_id] = _DECODER.decode(row.claims)
    return found
