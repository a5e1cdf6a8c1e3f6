"""Builds, loads and asks the tags of a workspace, and prints what that cost: run by the bench `audience`.

`build FOLDER CUSTOMERS TAGS` makes the database; `ask FOLDER CALLS` loads it as a starting worker does, and asks for A
and B and not C. They are processes of their own so that the second one's memory is what a worker would have.
"""

import asyncio
import gc
import json
import sys
import time
from array import array
from pathlib import Path
from random import Random
from typing import Any

from pyroaring import BitMap

from sampan.loadtests.bench.intake_call import memory_mb
from sampan.platform.audience.reach import World, split
from sampan.platform.audience.rules import compile_rule
from sampan.platform.audience.tag_rows import Merged, Tag, add_tag, load_states, packed, write_merged
from sampan.platform.audience.tag_states import TagStates
from sampan.platform.engines.database import SqliteDatabase
from sampan.platform.identity.tiers import Tier
from sampan.platform.testing import create_tables
from sampan.platform.workspaces.store import Store

WORKSPACE = "bench"
SHARES = (0.5, 0.2, 0.05, 0.01, 0.001)
RULE = {
    "all": [
        {"attr": "tag", "op": "in", "values": ["t0"]},
        {"attr": "tag", "op": "in", "values": ["t1"]},
        {"not": {"attr": "tag", "op": "in", "values": ["t2"]}},
    ]
}


def members(tag: int, customers: int) -> BitMap:
    """Return who has a tag: `t0` half of all, `t1` a fifth, `t2` a twentieth, and so on in turn."""
    draw = Random(tag)  # noqa: S311 - repeatable, not secret
    share = SHARES[tag % len(SHARES)]
    # Bits of a random number: each customer alone, as scattered as can be, and fast to draw.
    if share == 0.5:
        bits = draw.getrandbits(customers).to_bytes(-(-customers // 8), "little")
        return BitMap(array("I", [n * 8 + bit for n, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1]))
    return BitMap(array("I", draw.sample(range(customers), int(customers * share))))


async def build(folder: Path, customers: int, tags: int) -> dict[str, Any]:
    """Write the database of a workspace with these tags, merged."""
    create_tables(folder)
    database = SqliteDatabase(folder / "sampan.sqlite")
    door = Store(database).workspace(WORKSPACE)
    states = TagStates((f"t{tag}", members(tag, customers)) for tag in range(tags))
    async with door.write() as tx:
        for name in states.members:
            await add_tag(tx, Tag(name, "", "", 0, 0))
        merged = Merged(states, 0, tags, frozenset(states.members))
        await write_merged(tx, merged, packed(merged), now_ms=0)
    await database.close()
    return {"memberships": sum(len(each) for each in states.members.values())}


async def ask(folder: Path, customers: int, calls: int) -> dict[str, Any]:
    """Return what loading takes, what memory it needs, and the CPU of one question."""
    database = SqliteDatabase(folder / "sampan.sqlite")
    door = Store(database).workspace(WORKSPACE)
    began, cpu = time.perf_counter(), time.process_time()
    async with door.read() as tx:
        states = await load_states(tx)
    reload_s, reload_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    await database.close()
    gc.collect()
    rss_mb = memory_mb("VmRSS")
    world = World({Tier.FULL: BitMap(range(customers))}, states.members, {}, {})
    rule = compile_rule(RULE)
    reached = len(split(rule, world).inside)
    cpu = time.process_time()
    for _ in range(calls):
        len(split(rule, world).inside)
    query_ms = (time.process_time() - cpu) * 1000 / calls
    return {
        "cpu_ms": query_ms,
        "reload_s": reload_s,
        "reload_cpu_s": reload_cpu_s,
        "rss_mb": rss_mb,
        "reached": reached,
    }


if __name__ == "__main__":
    what, where, *numbers = sys.argv[1:]
    work = {"build": build, "ask": ask}[what](Path(where), *map(int, numbers))
    sys.stdout.write(json.dumps(asyncio.run(work)))
