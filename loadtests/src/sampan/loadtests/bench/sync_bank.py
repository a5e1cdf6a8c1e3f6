"""Two servers of one demo bank, with 200 apps and with 1,800 more that fit nobody, and devices with a token each."""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sampan.loadtests.bench.demo_bank import demo_devices, sampan, seeded_demo
from sampan.loadtests.bench.server import Server, environment
from sampan.loadtests.bench.sync_rows import TEMPLATE, WORKSPACE, add_apps, add_devices

APPS, MORE_APPS = 200, 2_000
_TOKEN_SECONDS = 120


@contextlib.contextmanager
def sync_banks(folder: Path, count: int, say: Callable[[str], None]) -> Iterator[tuple[Server, Server, list[str]]]:
    """Serve the bank with few and with many apps; yields both servers, and the tokens of `count` devices."""
    with seeded_demo(folder, say, _samples(folder / "samples")) as server:
        demo_devices(server, 1)
    few, many = folder / "demo", folder / "demo-many"
    database = Path("server", "sampan.sqlite")
    say(f"{APPS} apps and {count} devices")
    add_apps(few / database, 0, APPS)
    people = add_devices(few / database, count)
    shutil.copytree(few, many)
    say(f"{MORE_APPS - APPS} more apps")
    add_apps(many / database, APPS, MORE_APPS, for_nobody=True)
    tokens = _tokens(few / "server", people)
    with _demo(few) as ours, _demo(many) as other:
        yield ours, other, tokens


def _demo(data: Path) -> Server:
    command = [sampan(), "up", "--data", str(data), "--port", "{port}", "--demo"]
    return Server(command, patience_seconds=120)


def _tokens(data: Path, people: list[dict[str, Any]]) -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", f"{__package__}.sync_tokens", str(data), WORKSPACE],
        env=environment(),
        input=json.dumps(people).encode(),
        stdout=subprocess.PIPE,
        timeout=_TOKEN_SECONDS,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def _samples(folder: Path) -> Path:
    """Write the one app that goes the whole way."""
    app = folder / "app"
    app.mkdir(parents=True)
    (app / "index.html").write_text('<!doctype html><html lang="en"><title>app</title><p>app</p></html>\n')
    (app / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0"}))
    described = {
        "id": TEMPLATE,
        "folder": "app",
        "plain": True,
        "tier": "visitor",
        "category": "tools",
        "position": 100,
        "name_zh": "应用",
        "name_en": "App",
        "text_zh": "用于测量的小程序",
        "text_en": "A mini-app for measuring",
    }
    (folder / "samples.json").write_text(json.dumps({"categories": [], "apps": [described]}))
    return folder
