"""What every test shares: the event loop, and how many random cases the properties try."""

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from sampan.platform.testing_cli import DemoServer

# A shared machine is slow at times; a property must not fail for that.
SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("short", max_examples=300, deadline=None, suppress_health_check=SLOW_MACHINE)
settings.register_profile("long", max_examples=10_000, deadline=None, suppress_health_check=SLOW_MACHINE)
settings.load_profile("long" if os.environ.get("SAMPAN_LONG") == "1" else "short")

ONE_SERVER = re.compile(r"test_cli_(demo|officer|publisher)\.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests that share the demo server to one worker; xdist's own groups do nothing under this pytest."""
    from xdist.scheduler import LoadScopeScheduling

    class OneServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "demo" if ONE_SERVER.search(nodeid) else nodeid

    return OneServer(config, log)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, which is what the server runs on."""
    return "asyncio"


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
