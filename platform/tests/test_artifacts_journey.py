"""From upload to published: the whole way through the use cases, with real keys and real packages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.platform.artifacts.component import component as artifacts
from sampan.platform.artifacts.states import VersionState
from sampan.platform.component import Component
from sampan.platform.operators.component import component as operators
from sampan.platform.testing import running_core
from sampan.platform.testing_artifacts import TEST_KIND, Publishing, packed_app
from sampan.platform.testing_trust import Clock
from sampan.platform.trust.component import component as trust

pytestmark = pytest.mark.anyio
COMPONENTS = (operators, trust, artifacts, Component("test kinds", (TEST_KIND,)))
S = VersionState


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with running_core(tmp_path / "server", components=COMPONENTS, now_ms=Clock()) as core:
        made = Publishing(core, tmp_path)
        await made.start()
        yield made


async def test_a_submitted_version_is_reviewed_approved_and_published(publishing: Publishing) -> None:
    packed = packed_app(publishing.folder, 1)
    submitted = await publishing.submit(packed)
    assert submitted.state is S.IN_REVIEW
    assert submitted.package.package_digest == packed.digest
    assert (await publishing.approve(1)).state is S.APPROVED
    await publishing.expose()
    assert await publishing.states() == {1: S.PUBLISHED}
