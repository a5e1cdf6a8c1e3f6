"""The console API is built when first needed; a build that failed is tried again."""

from pathlib import Path

import pytest
from starlette.types import ASGIApp

from sampan.platform import console_app
from sampan.platform.console_app import Console, build_console_api
from sampan.platform.core import Core
from sampan.platform.testing import running_core

pytestmark = pytest.mark.anyio


async def test_a_failed_build_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[Core] = []

    def build(core: Core) -> ASGIApp:
        builds.append(core)
        if len(builds) == 1:
            raise OSError("too many open files")
        return build_console_api(core)

    monkeypatch.setattr(console_app, "build_console_api", build)
    async with running_core(tmp_path, components=[]) as core:
        console = Console(core)
        with pytest.raises(OSError, match="too many open files"):
            await console.built()
        app = await console.built()
        assert await console.built() is app
    assert len(builds) == 2
