"""Run by test_release_caps: a worker of its own that claims places for many devices at once, and may die meanwhile."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import EVERYONE, compile_rule
from sampan.platform.core import Core
from sampan.platform.engines.database import Database, SqliteDatabase
from sampan.platform.engines.postgres import PostgresDatabase
from sampan.platform.identity.tiers import Tier
from sampan.platform.release import cap_rows, places
from sampan.platform.release.caps import Cap
from sampan.platform.release.decide import Candidate, DeliverableSnapshot
from sampan.platform.testing import WORKSPACE
from sampan.platform.workspaces.store import Store

TOGETHER = 5


def capped(release_id: str, customers: int) -> DeliverableSnapshot:
    """Return an app whose only release has a cap and means everybody."""
    release = Candidate(
        release_id, 3, "1.3.0", "", 1, "", "async", 1, None, compile_rule(EVERYONE), Cap(customers=customers)
    )
    return DeliverableSnapshot("miniapp", "bank.demo.capped", [release])


def opened(address: str) -> Database:
    """Open the database of a file, or of a `postgresql://` address."""
    return PostgresDatabase(address) if "://" in address else SqliteDatabase(Path(address))


async def main(address: str, release_id: str, name: str, devices: int, dies_after: int) -> list[str]:
    """Return which of the devices got a place of 50; die in the middle of a transaction when told to."""
    database = opened(address)
    core = cast(Core, SimpleNamespace(store=Store(database), now_ms=lambda: 1))
    claimed, snapshots, count = places.ClaimedPlaces(core, WORKSPACE), [capped(release_id, 50)], 0
    claim = cap_rows.claim_places

    async def counted(*given: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        found = await claim(*given, **named)
        if count == dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    everybody = [f"{name}{number}" for number in range(devices)]
    with patch.object(places, "CLAIMED_AT_ONCE", TOGETHER), patch.object(places, "claim_places", counted):
        held = await asyncio.gather(
            *(claimed.of(snapshots, Facts(Tier.VISITOR, device=each), host_version=1, handed=0) for each in everybody)
        )
    await database.close()
    return [each for each, found in zip(everybody, held, strict=True) if found]


if __name__ == "__main__":
    won = asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
    sys.stdout.write(json.dumps(won))
