"""`sampan device` on the command line: what it prints and how it exits."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import typer
from device_scene import Scene, opened_scene
from typer.testing import CliRunner

from sampan.loadtests.device import commands
from sampan.loadtests.device.commands import register
from sampan.platform.cli.output import Output
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with opened_scene(tmp_path) as opened:
        yield opened


async def sampan(*words: str) -> tuple[int, str]:
    """Run a command as `sampan` would, and return its exit status and output."""
    root = typer.Typer()

    @root.callback()
    def options(context: typer.Context) -> None:
        context.obj = Output()

    register(root)
    done = await asyncio.to_thread(CliRunner().invoke, root, list(words))
    return done.exit_code, done.output


def run(scene: Scene, *words: str) -> list[str]:
    folder = str(scene.publishing.folder / "cli")
    return ["device", "run", "--folder", folder, "--server", scene.url, "--workspace", WORKSPACE, *words]


async def test_a_round_is_told_line_by_line(scene: Scene) -> None:
    status, text = await sampan(*run(scene))
    assert status == 0, text
    words = [line.split()[:2] for line in text.splitlines()[1:]]
    assert words == [[what, APP] for what in ("offered", "downloaded", "verified", "installed", "opened")]
    shown = await sampan("device", "status", "--folder", str(scene.publishing.folder / "cli"))
    assert shown[0] == 0
    assert f"{APP}: 1.1.0, sequence 1" in shown[1]


async def test_json_and_a_refusal(scene: Scene) -> None:
    await sampan(*run(scene))
    await scene.list_app(tier="full")
    status, text = await sampan(*run(scene, "--json"))
    found: dict[str, Any] = json.loads(text)
    assert status == 5
    assert {each["code"] for each in found["happenings"] if each["what"] == "refused"} == {"open_not_for_you"}
    status, text = await sampan(*run(scene, "--tier", "full", "--json"))
    assert (status, json.loads(text)["tier"]) == (0, "full")


async def test_a_server_that_is_away(scene: Scene) -> None:
    words = run(scene)
    words[words.index(scene.url)] = "http://127.0.0.1:9"
    status, text = await sampan(*words)
    assert status == 4
    assert "server_away" in text


class Held:
    """The time as a test has it: only waiting makes it pass."""

    now = 0.0

    def monotonic(self) -> float:
        """The present time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        self.now += seconds


async def test_rounds_go_on_for_the_seconds_asked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "time", Held())
    status, text = await sampan(*run(scene, "--seconds", "0.7", "--every", "0.25", "--json"))
    assert status == 0, text
    rounds = [json.loads(line) for line in text.splitlines()]
    assert len(rounds) == 3
    assert rounds[0]["device"] == rounds[-1]["device"]
