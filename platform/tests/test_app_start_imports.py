"""What a start must not load: libraries that cost much and that no device needs (docs/adr/0011)."""

import subprocess
import sys

import pytest

from sampan.platform.app import built_in_components
from sampan.platform.component import PortNeed, discover
from sampan.platform.release.sync import SyncPart
from sampan.platform.static_sites import StaticSite
from sampan.platform.workspaces.replica import FollowedLog, SnapshotPart

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
        "cryptography.x509", "sampan.loadtests.device.simulated", "tuf", "securesystemslib", "smtplib",
        "prometheus_client",
        "sampan.platform.trust.service", "sampan.platform.operators.changes", "sampan.platform.operators.permissions",
        "sampan.platform.artifacts.moves", "sampan.platform.release.taking_effect", "sampan.platform.release.moves",
        "sampan.platform.insight.intake",
        "sampan.platform.identity.client_api", "sampan.platform.engines.job_runner", "sampan.miniapps.policy",
        "sampan.offline_packages.manifest", "sampan.platform.switches.compiled", "sampan.platform.switches.repository",
    ],
)  # fmt: skip
def test_a_start_does_without(loaded: set[str], library: str) -> None:
    assert "sqlalchemy" in loaded
    assert library not in loaded


def test_nothing_that_the_start_looks_up_is_named_for_later() -> None:
    kinds = (SnapshotPart, FollowedLog, SyncPart, StaticSite, PortNeed)
    for component in discover(built_in_components(demo=True)):
        later = component.everything()[len(component.contributes) :]
        assert not [value for value in later if isinstance(value, kinds)], component.name
