"""The database's schema over time: Alembic scripts, and the version that this program expects.

Alembic is imported only when something is to be done, because importing it costs as much as starting a server.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"


def present_version(path: Path) -> str | None:
    """Return the schema version of an SQLite database; None for a new one."""
    if not path.exists():
        return None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    finally:
        connection.close()
    return None if row is None else str(row[0])


def upgrade(url: str) -> None:
    """Bring the database to `HEAD`; each script runs in a transaction of its own, so a crash leaves whole steps."""
    from alembic import command

    command.upgrade(alembic_config(url), "head")


def alembic_config(url: str) -> "Config":
    """Return Alembic's configuration for a database."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
