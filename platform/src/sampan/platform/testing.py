"""For tests of ours and of banks' components: a whole server in this process, on a fresh folder."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx2
from sqlalchemy import create_engine

from sampan.platform.app import build_app, built_in_components, open_core, running
from sampan.platform.component import Component, discover
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.engines.postgres import PostgresDatabase, driven
from sampan.platform.engines.tables import metadata
from sampan.platform.settings import Settings
from sampan.platform.workspaces.service import create_workspace

WORKSPACE = "bank-a"
OTHER_WORKSPACE = "bank-b"


@contextlib.asynccontextmanager
async def running_core(
    folder: Path,
    *,
    components: Sequence[Component] | None = None,
    workspaces: Sequence[str] = (WORKSPACE, OTHER_WORKSPACE),
    now_ms: Callable[[], int] = system_clock_ms,
    settings: Settings | None = None,
    postgres_url: str = "",
) -> AsyncIterator[Core]:
    """Open a core with its tables and workspaces, with the background tasks running; on SQLite, or on a PostgreSQL."""
    everything = discover(built_in_components(demo=True))
    components = everything if components is None else components
    settings = settings or Settings(data=folder, default_workspace=workspaces[0], demo=True)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for each in (*everything, *components):
        each.everything()  # importing it declares the tables, which refer to each other across components
    if postgres_url:
        await asyncio.to_thread(_create_tables_at, driven(postgres_url))
    else:
        await asyncio.to_thread(create_tables, folder)
    database = PostgresDatabase(postgres_url) if postgres_url else None
    async with open_core(settings, components=components, now_ms=now_ms, database=database) as core:
        for workspace_id in workspaces:
            await create_workspace(core, workspace_id, workspace_id)
        async with running(core):
            yield core


def create_tables(folder: Path) -> None:
    """Create every declared table in the folder's database, without the migrations."""
    _create_tables_at(f"sqlite:///{folder / 'sampan.sqlite'}")


def _create_tables_at(address: str) -> None:
    engine = create_engine(address)
    metadata.create_all(engine)
    engine.dispose()


def client(core: Core, *, base_url: str = "http://testserver", **options: object) -> httpx2.AsyncClient:
    """Return an HTTP client of the whole application; lifespan tasks are `running_core`'s."""
    transport = httpx2.ASGITransport(app=build_app(core))
    return httpx2.AsyncClient(transport=transport, base_url=base_url, **options)  # type: ignore[arg-type] # the client's own options
