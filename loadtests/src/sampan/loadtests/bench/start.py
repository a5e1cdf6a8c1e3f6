"""Start-up: from the spawn of `sampan up` to the first 200 of `/readyz`, against a bare uvicorn hello.

The demo workspace, because outside the demo a server without a bank's `sms` port refuses to start. It exists
already, as at every start but the first, and all bytecode is compiled: the warm-up round makes sure of both.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from sampan.loadtests.bench.harness import Figures, Session
from sampan.loadtests.bench.server import Server, bare_hello


def run(session: Session) -> None:
    """Measure both starts; the limit is on CPU time, wall time stands beside it."""
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder:
        rows = {"hello": lambda: _start(bare_hello()), "sampan": lambda: _start(_sampan(folder))}
        session.measure(rows, rounds=15, quick_rounds=5)
    session.cost("start_over_hello", ours="sampan", reference="hello", at_most=3)
    session.cost("start_wall_over_hello", ours="sampan", reference="hello", figure="wall_ms")


def _sampan(folder: str) -> Server:
    beside = Path(sys.executable).with_name("sampan")
    command = str(beside) if beside.exists() else shutil.which("sampan") or "sampan"
    return Server([command, "up", "--data", folder, "--port", "{port}", "--demo"], patience_seconds=180)


def _start(server: Server) -> Figures:
    with server:
        return {"cpu_ms": server.cpu_seconds() * 1000, "wall_ms": server.ready_after_seconds * 1000}
