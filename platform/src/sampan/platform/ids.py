"""Public ids: a short type prefix and a UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import re
import secrets
import time

ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{32}")
APP_ID = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
WORKSPACE_ID = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")


def new_id(prefix: str) -> str:
    """Return a new id such as `dev_0192f0c8a7b47c0e9d3f5a6b7c8d9e0f`."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return f"{prefix}_{value:032x}"
