"""What a start must not load: libraries that cost much and that no device needs (docs/adr/0011)."""

import subprocess
import sys

import pytest

LOAD = """
import sys
from sampan.platform.cli import up
from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform import serving
from sampan.platform.cli import demo_server
discover(built_in_components(demo=True))
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "library",
    [
        "fastapi", "pydantic", "typer", "rich", "jwt", "alembic", "urllib3", "sqlalchemy.orm", "sqlalchemy.ext.asyncio",
        "cryptography.x509", "sampan.loadtests.device.simulated",
    ],
)  # fmt: skip
def test_a_start_does_without(loaded: set[str], library: str) -> None:
    assert "sqlalchemy" in loaded
    assert library not in loaded
