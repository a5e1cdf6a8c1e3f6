"""One rule of four conditions and a percentage, evaluated by ours, by Unleash's client and by GrowthBook's.

All three in processes of their own, in turn. Ours draws in Unleash's places, so the two must reach the same people.
"""

import functools
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from sampan.loadtests.bench.harness import CannotRun, Figures, Session
from sampan.loadtests.bench.server import environment

CALLS = {"ours": 200_000, "unleash": 10_000, "growthbook": 30_000}
MODULES = {"unleash": "UnleashClient", "growthbook": "growthbook"}
PEOPLE = 2_000


def run(session: Session) -> None:
    """Measure the engines that are installed; one that is not is named."""
    peers = [name for name, module in MODULES.items() if importlib.util.find_spec(module) is not None]
    for name in MODULES.keys() - set(peers):
        session.skip(name, f"{MODULES[name]} is not installed: `./dev setup` brings it")
    if not peers:
        raise CannotRun("No engine to compare with is installed: run `./dev setup`.")
    reached: dict[str, list[int]] = {}
    rows: dict[str, Callable[[], Figures]] = {
        name: functools.partial(_measured, name, reached) for name in ("ours", *peers)
    }
    session.measure(rows, rounds=11, quick_rounds=3)
    for name in ("ours", *peers):
        session.state(f"{name}_per_cpu_second", 1000 / session.median(name, "cpu_ms"))
    if "unleash" in peers:
        session.rate("vs_unleash_client", ours="ours", reference="unleash", at_least=20)
        differ = len(set(reached["ours"]) ^ set(reached["unleash"]))
        session.state("equal_to_unleash_of_2000", PEOPLE - differ, at_least=PEOPLE)
    if "growthbook" in peers:
        session.rate("vs_growthbook", ours="ours", reference="growthbook", at_least=5)


def _measured(engine: str, reached: dict[str, list[int]]) -> Figures:
    command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.rules_call", engine, str(CALLS[engine])]
    done = subprocess.run(  # noqa: S603 - our own module
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    reached[engine] = found["reached"]
    return {"cpu_ms": found["cpu_ms"], "reached": len(found["reached"])}
