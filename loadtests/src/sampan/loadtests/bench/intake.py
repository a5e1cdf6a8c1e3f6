"""Package intake at 1, 20 and 100 MB, against the least that anyone does with an archive from outside.

The reference tests the archive's checksums (`unzip -t`) and hashes the file (sha256). Ours is the whole of
`offline_packages.intake` as a library call: names, sizes, types, every file's sha256 and sm3, the canonical
archive written, manifest and index. Secret scan and checks run after acceptance and are not part of it.
"""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sampan.loadtests.bench.builds import deflated_package
from sampan.loadtests.bench.harness import CannotRun, Figures, Session
from sampan.loadtests.bench.server import environment

SIZES_MB = (1, 20, 100)
# A package of 1 MB takes too short a time to be measured once.
CALLS = {1: 10, 20: 2, 100: 1}


def run(session: Session) -> None:
    """Measure each size; the worst of them must keep the limit."""
    unzip = shutil.which("unzip")
    if unzip is None:
        raise CannotRun("The reference needs unzip: `./dev setup --system` installs it.")
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder:
        rows: dict[str, Callable[[], Figures]] = {}
        for size in SIZES_MB:
            upload = deflated_package(Path(folder), size)
            session.say(f"{size} MB of files, {upload.stat().st_size / 1e6:.2f} MB deflated")
            rows[f"intake_{size}mb"] = functools.partial(_ours, upload, CALLS[size])
            rows[f"unzip_sha256_{size}mb"] = functools.partial(_reference, unzip, upload, CALLS[size])
        session.measure(rows, rounds=15, quick_rounds=5)
    worst = min(_state_size(session, size) for size in SIZES_MB)
    session.state("intake_vs_unzip_sha256", worst, at_least=0.5)
    growth = max(session.median(f"intake_{size}mb", "rss_growth_mb") for size in SIZES_MB)
    session.state("peak_rss_growth_mb", growth, at_most=40)


def _state_size(session: Session, size: int) -> float:
    name = f"intake_vs_unzip_sha256_{size}mb"
    return session.rate(name, ours=f"intake_{size}mb", reference=f"unzip_sha256_{size}mb", at_least=0.5)


def _ours(upload: Path, calls: int) -> Figures:
    command = [sys.executable, "-m", f"{__package__}.intake_call", str(upload), str(calls)]
    done = subprocess.run(  # noqa: S603 - our own module
        command, env=environment(), stdout=subprocess.PIPE, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _reference(unzip: str, upload: Path, calls: int) -> Figures:
    unzip_ms = sum(_unzip_seconds(unzip, upload) for _ in range(calls)) * 1000 / calls
    began = time.process_time()
    for _ in range(calls):
        with upload.open("rb") as file:
            hashlib.file_digest(file, "sha256")
    sha256_ms = (time.process_time() - began) * 1000 / calls
    return {"cpu_ms": unzip_ms + sha256_ms, "unzip_ms": unzip_ms, "sha256_ms": sha256_ms}


def _unzip_seconds(unzip: str, upload: Path) -> float:
    """Return the CPU seconds of one `unzip -t`, its own start included; it is about 1 ms."""
    child = os.posix_spawn(
        unzip, [unzip, "-tqq", str(upload)], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 0, 0)]
    )
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        raise subprocess.CalledProcessError(status, ["unzip", "-tqq", str(upload)])
    return usage.ru_utime + usage.ru_stime
