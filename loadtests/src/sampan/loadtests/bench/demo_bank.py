"""A demo bank to be measured: `sampan up --demo` with twenty more mini-apps released, and devices with tokens.

Everything is made as its people would make it, by `sampan demo seed` over the console API; nothing is written
into the database by hand.
"""

import base64
import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sampan.loadtests.bench.harness import CannotRun
from sampan.loadtests.bench.load import drive, prepare
from sampan.loadtests.bench.server import HOST, Server, environment
from sampan.loadtests.device.device_key import DeviceKey

APPS = 20
_SEED_SECONDS = 120
_LOOK_EVERY_SECONDS = 0.1
_CONNECTIONS = 32


@dataclass(slots=True)
class DemoDevice:
    """A device of the demo's, with its tokens and its key; `refresh_token` moves on with every refresh."""

    access_token: str
    refresh_token: str
    key: DeviceKey


def sampan() -> str:
    """Return the `sampan` command of this very Python."""
    beside = Path(sys.executable).with_name("sampan")
    return str(beside) if beside.exists() else shutil.which("sampan") or "sampan"


@contextlib.contextmanager
def demo_bank(folder: Path, say: Callable[[str], None]) -> Iterator[Server]:
    """Serve a demo bank that has released `APPS` mini-apps to visitors."""
    with seeded_demo(folder, say, _samples(folder / "samples")) as server:
        yield server


@contextlib.contextmanager
def seeded_demo(folder: Path, say: Callable[[str], None], samples: Path) -> Iterator[Server]:
    """Serve a demo bank that has released the mini-apps of a folder with a `samples.json` too."""
    data = folder / "demo"
    command = [sampan(), "up", "--data", str(data), "--port", "{port}", "--demo"]
    with Server(command, patience_seconds=120) as server:
        say("the demo seeds itself")
        _wait_for(data / "seeded.json")
        say("further mini-apps are published and released")
        _seed(data, server, samples)
        yield server


def demo_devices(server: Server, count: int) -> list[DemoDevice]:
    """Return new devices of visitors, each with its own token."""
    asked = prepare("POST", "/client/v1/demo/token", body={"tier": "visitor", "client_app": "retail"})
    answers = drive(server, [asked] * count, connections=_CONNECTIONS, expect=201, keep_bodies=True).bodies
    return [_device(json.loads(answer)) for answer in answers]


def refresh_requests(server: Server, devices: Sequence[DemoDevice]) -> list[bytes]:
    """Return one refresh for each device, with a fresh proof."""
    path = "/client/v1/session/refresh"
    url = f"http://{HOST}{path}"
    return [
        prepare(
            "POST",
            path,
            headers={"dpop": device.key.proof("POST", url, now_ms=time.time_ns() // 1_000_000)},
            body={"refresh_token": device.refresh_token},
        )
        for device in devices
    ]


def _device(found: dict[str, str]) -> DemoDevice:
    key = DeviceKey.from_pem(found["device_key_pem"].encode())
    return DemoDevice(found["access_token"], found["refresh_token"], key)


def _samples(folder: Path) -> Path:
    """Write the mini-apps: one page and one picture each, different in every one."""
    apps = []
    for number in range(APPS):
        name = f"app-{number:02}"
        app = folder / name
        app.mkdir(parents=True)
        (app / "index.html").write_text(f'<!doctype html><html lang="zh"><title>{name}</title><p>{name}</p></html>\n')
        (app / "picture.txt").write_text(base64.b64encode(name.encode() * 500).decode())
        (app / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0"}))
        apps.append(
            {
                "id": f"bank.bench.{name}",
                "folder": name,
                "plain": True,
                "tier": "visitor",
                "category": "tools",
                "position": 100 + number,
                "name_zh": f"应用 {number}",
                "name_en": f"App {number}",
                "text_zh": "用于测量的小程序",
                "text_en": "A mini-app for measuring",
            }
        )
    (folder / "samples.json").write_text(json.dumps({"categories": [], "apps": apps}))
    return folder


def _seed(data: Path, server: Server, samples: Path) -> None:
    address = f"http://{HOST}:{server.port}"
    command = [sampan(), "demo", "seed", "--data", str(data), "--server", address, "--samples", str(samples)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=environment(), capture_output=True, text=True, timeout=_SEED_SECONDS, check=False
    )
    if done.returncode:
        raise CannotRun(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + _SEED_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            raise CannotRun(f"The demo was not seeded within {_SEED_SECONDS} s.")
        time.sleep(_LOOK_EVERY_SECONDS)
