"""Signs access tokens for devices of a demo bank that does not run, as its own key does: run by the bench `sync`.

Reads a JSON list of what the tokens say from standard input and prints a JSON list of tokens.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from sampan.platform.identity.grants import keyring_of
from sampan.platform.identity.tiers import Tier
from sampan.platform.identity.tokens import mint
from sampan.platform.serving import offline_core
from sampan.platform.settings import Settings


async def tokens(data: Path, workspace_id: str, devices: list[dict[str, Any]]) -> list[str]:
    """Return one token for each device."""
    now_ms = time.time_ns() // 1_000_000
    async with offline_core(Settings(data=data)) as core:
        kid, key = keyring_of(core, workspace_id).signer(core.sealer, now_ms=now_ms)
    return [
        mint(
            key=key,
            kid=kid,
            workspace_id=workspace_id,
            client_app=each["client_app"],
            device_id=each["device"],
            thumbprint=each["device"],
            subject=each["subject"],
            customer_id=each.get("customer"),
            tier=Tier.parse(each["tier"]),
            carries=Tier.FULL,
            epoch=0,
            device_epoch=0,
            now_ms=now_ms,
        )
        for each in devices
    ]


if __name__ == "__main__":
    json.dump(asyncio.run(tokens(Path(sys.argv[1]), sys.argv[2], json.load(sys.stdin))), sys.stdout)
