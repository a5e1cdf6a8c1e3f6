"""The same question of rows in PostgreSQL, one row per membership: run by the bench `audience` where it is installed.

A cluster of its own in the bench's folder, on a socket there, ended with the bench. PostgreSQL refuses to run as root;
then it runs as `nobody`. Its rows are indexed by tag and subject, and asked by one process.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

from sampan.loadtests.bench.audience_call import members
from sampan.loadtests.bench.cpu import cpu_seconds

READY_SECONDS = 30.0
SCHEMA = "CREATE TABLE membership (tag smallint, subject bigint)"
INDEX = "ALTER TABLE membership ADD PRIMARY KEY (tag, subject); VACUUM ANALYZE membership"
QUERY = """
SELECT count(*) FROM membership a JOIN membership b ON b.tag = 1 AND b.subject = a.subject
WHERE a.tag = 0 AND NOT EXISTS (SELECT 1 FROM membership c WHERE c.tag = 2 AND c.subject = a.subject)
"""


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version first; None where it is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = [Path(each) for each in [shutil.which("initdb")] if each] + versions[::-1]
    return found[0].resolve().parent if found else None


class Cluster:
    """One server on a socket in its folder."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._owner: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}

    def start(self) -> "subprocess.Popen[bytes]":
        """Make the cluster and start its server."""
        self._folder.mkdir(mode=0o755)
        if self._owner:
            shutil.chown(self._folder, **self._owner)
        self._run("initdb", "-D", f"{self._folder}/data", "-A", "trust", "-U", "bench", "--no-sync")
        options = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self._folder}", "-c", "fsync=off")
        settings = ("-c", "shared_buffers=256MB", "-c", "work_mem=128MB", "-c", "max_parallel_workers_per_gather=0")
        server = subprocess.Popen(  # noqa: S603 - the machine's own server
            [self._programs / "postgres", "-D", f"{self._folder}/data", *options, *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **self._owner,
        )
        ends = time.monotonic() + READY_SECONDS
        while not (self._folder / ".s.PGSQL.5432").exists() and time.monotonic() < ends:
            time.sleep(0.05)
        return server

    def ask(self, *statements: str, rows: Path | None = None) -> str:
        """Run statements in one session and return what they print."""
        commands = [part for statement in statements for part in ("-c", statement)]
        with (rows or Path(os.devnull)).open("rb") as source:
            place = ("-h", str(self._folder), "-U", "bench", "-d", "postgres")
            return self._run("psql", *place, "-Atq", *commands, source=source)

    def _run(self, program: str, *arguments: str, source: Any = None) -> str:
        done = subprocess.run(  # noqa: S603 - the machine's own programs
            [self._programs / program, *arguments],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            check=True,
            **self._owner,
        )
        said: bytes = done.stdout
        return said.decode()


def main(customers: int, calls: int) -> dict[str, Any]:
    """Load the three tags, and return the CPU of the server for one question."""
    programs = binaries()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may be another user's
        cluster = Cluster(programs, folder / "postgres")
        server = cluster.start()
        try:
            _load(cluster, folder / "rows.csv", customers)
            return {**_measured(cluster, server.pid, calls), "megabytes": _megabytes(cluster)}
        finally:
            server.terminate()
            server.wait()


def _load(cluster: Cluster, rows: Path, customers: int) -> None:
    with rows.open("w") as file:
        for tag in range(3):
            file.writelines(f"{tag},{subject}\n" for subject in array("I", members(tag, customers)))
    cluster.ask(SCHEMA)
    cluster.ask("COPY membership FROM STDIN (FORMAT csv)", rows=rows)
    cluster.ask(*INDEX.split(";"))


def _measured(cluster: Cluster, pid: int, calls: int) -> dict[str, Any]:
    found = cluster.ask(QUERY)
    began, wall = cpu_seconds(pid), time.perf_counter()
    cluster.ask(*[QUERY] * calls)
    used, took = cpu_seconds(pid) - began, time.perf_counter() - wall
    return {"cpu_ms": used * 1000 / calls, "wall_ms": took * 1000 / calls, "reached": int(found)}


def _megabytes(cluster: Cluster) -> float:
    return int(cluster.ask("SELECT pg_total_relation_size('membership')")) / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
