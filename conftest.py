"""What every test shares: the event loop, and how many random cases the properties try."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from browser_desk import Desk
    from playwright.sync_api import Browser
    from postgres_server import PostgresServer

    from sampan.platform.testing_cli import DemoServer

# A shared machine is slow at times; a property must not fail for that.
SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("short", max_examples=300, deadline=None, suppress_health_check=SLOW_MACHINE)
settings.register_profile("long", max_examples=10_000, deadline=None, suppress_health_check=SLOW_MACHINE)
settings.load_profile("long" if os.environ.get("SAMPAN_LONG") == "1" else "short")

# Tests that share one demo server, and one browser, by the names of their files.
GROUPS = {
    "demo": re.compile(
        r"test_(cli_(demo|officer|people|promotion_servers|publisher|release_drafts|switches)|sdk_demo)\.py"
    ),
    "console": re.compile(r"platform/tests/test_browser_\w+\.py"),
    "shell": re.compile(r"miniapps/tests/test_browser_\w+\.py"),
}
CHROMIUM = Path("/usr/bin/chromium")
SOON_MS = 20_000


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests that share a demo server to one worker; xdist's own groups do nothing under this pytest."""
    from xdist.scheduler import LoadScopeScheduling

    class OneServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((name for name, files in GROUPS.items() if files.search(nodeid)), nodeid)

    return OneServer(config, log)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """Run one PostgreSQL for all tests of a worker that ask for it."""
    from postgres_server import running_postgres

    yield from running_postgres()


@pytest.fixture
def postgres_url(postgres: "PostgresServer") -> str:
    """Return the address of an empty database."""
    return postgres.new_database()


@pytest.fixture(scope="session")
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[DemoServer]":
    """Run one seeded demo for all tests that ask for it; one worker has them all."""
    from sampan.platform.testing_cli import DemoServer

    server = DemoServer(tmp_path_factory.mktemp("bank") / "demo")
    try:
        server.start()
        server.wait_until_told()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Run one Chromium for the tests of a file; each test takes a context of its own.

    Not for longer: playwright's event loop runs as long as it does, and async tests of the same worker need theirs.
    """
    if os.environ.get("SAMPAN_NO_BROWSER") == "1":
        pytest.skip("left out by --no-browser")
    if not CHROMIUM.exists():
        pytest.fail("The browser tests need Chromium: run `./dev setup --system`, or leave them out with --no-browser.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SOON_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def desk_of_all(demo_server: "DemoServer", tmp_path_factory: pytest.TempPathFactory) -> "Desk":
    """Return the demo's people with what they entered so far: each thing is entered once for all files."""
    from browser_desk import Desk

    return Desk(demo_server, tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def desk(desk_of_all: "Desk", browser: "Browser") -> "Desk":
    """Return the browsers of the demo's people; who signed in once stays so for all tests of a file."""
    desk_of_all.sit_down(browser)
    return desk_of_all
