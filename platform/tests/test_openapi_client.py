"""The console's client is generated from the API as it is."""

from pathlib import Path

import anyio
import pytest

from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.testing import client, running_core

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]


async def test_the_consoles_types_are_those_of_the_server(tmp_path: Path) -> None:
    components = discover(built_in_components(demo=True))
    async with running_core(tmp_path, components=components) as core, client(core) as http:
        document = await http.get("/console/api/v1/openapi.json")
    (tmp_path / "openapi.json").write_bytes(document.content)
    command = ["node", str(ROOT / "console/scripts/api.mjs"), str(tmp_path / "openapi.json"), "--check"]
    ran = await anyio.run_process(command, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
