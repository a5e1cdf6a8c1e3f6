"""Tags of a large workspace: loading them all as a starting worker does, their memory, and A and B and not C.

Half, a fifth and a twentieth of 5 million customers have A, B and C, each scattered at random; a hundred tags in all.
Beside it stand rows in PostgreSQL and in DuckDB where they are installed.
"""

import functools
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from sampan.loadtests.bench.audience_postgres import binaries
from sampan.loadtests.bench.harness import Figures, Session
from sampan.loadtests.bench.server import environment

CUSTOMERS, TAGS = 5_000_000, 100
CALLS, ROW_CALLS = 50, 2


def run(session: Session) -> None:
    """Build the database once; each round loads and asks it in a process of its own."""
    tags = 30 if session.quick else TAGS
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder:
        session.say(f"building {CUSTOMERS} customers with {tags} tags")
        built = _called("audience_call", "build", folder, CUSTOMERS, tags)
        session.say(f"{built['memberships']} memberships")
        rows: dict[str, Callable[[], Figures]] = {
            "bitmaps": functools.partial(_called, "audience_call", "ask", folder, CUSTOMERS, CALLS)
        }
        session.measure(rows, rounds=5, quick_rounds=2)
        _state(session)
        if binaries() is None:
            session.skip("postgresql", "it is not installed; Debian's package postgresql adds its row")
        else:
            _state_rows(session, "postgresql", _called("audience_postgres", CUSTOMERS, ROW_CALLS))
        if importlib.util.find_spec("duckdb") is None:
            session.skip("duckdb", "it is not installed; `pip install duckdb` into the environment adds its row")
        else:
            _state_rows(session, "duckdb", _called("audience_rows", folder, CUSTOMERS, ROW_CALLS))


def _state_rows(session: Session, name: str, found: dict[str, Any]) -> None:
    session.state(f"{name}_rows_query_cpu_ms", found["cpu_ms"])
    session.state(f"vs_{name}_rows", found["cpu_ms"] / session.median("bitmaps", "cpu_ms"), at_least=100)
    session.state(f"equal_to_{name}", float(found["reached"] == session.median("bitmaps", "reached")), at_least=1)


def _state(session: Session) -> None:
    session.state("query_cpu_ms", session.median("bitmaps", "cpu_ms"), at_most=5)
    session.state("rss_mb", session.median("bitmaps", "rss_mb"), at_most=200)
    session.state("reload_s", session.median("bitmaps", "reload_s"), at_most=1)


def _called(module: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", f"{__package__}.{module}", *map(str, arguments)]
    done = subprocess.run(  # noqa: S603 - our own module
        command, env=environment(), stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
