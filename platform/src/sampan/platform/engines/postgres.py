"""PostgreSQL as the database engine: for deployments whose processes stand on several machines.

Everything above this file counts on one writer at a time, as SQLite has it. Here writers take a lock of the database's
for their transaction, in whichever process they are; readers never wait for it and see one state each. Callers of one
process share commits, as in the embedded database.
"""

from typing import Any

from sqlalchemy import Engine, create_engine, event

from sampan.platform.engines.database import READERS, GroupCommitDatabase

# Any number that nothing else in the database takes.
WRITERS = 0x73616D70616E
READ_ONLY = "-c default_transaction_read_only=on"


class PostgresDatabase(GroupCommitDatabase):
    """The database behind a `postgresql://` address. Its driver is psycopg 3, which sampan itself does not install."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        address = driven(url)
        readers = _open(address, connections=READERS, isolation_level="REPEATABLE READ", options=READ_ONLY)
        writer = _open(address, connections=1, isolation_level="READ COMMITTED", options="")

        @event.listens_for(writer, "begin")
        def wait_for_other_writers(connection: Any) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")

        super().__init__(readers, writer)


def driven(url: str) -> str:
    """Return the address with the driver that is used named in it."""
    return "postgresql+psycopg://" + url.partition("://")[2]


def _open(address: str, *, connections: int, isolation_level: Any, options: str) -> Engine:
    # Bound values are personal data: they must not reach a log through an error's text.
    return create_engine(
        address,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level=isolation_level,
        connect_args={"options": options},
        execution_options={"preserve_rowcount": True},  # of an INSERT too: it tells whether a row was there already
    )
