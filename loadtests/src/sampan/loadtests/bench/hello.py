"""What a device's calls cost against a bare Starlette JSON answer: health, refresh, and sync with twenty apps.

`sync` is the whole client path: a token of its own for every one of 2,000 devices (500 with `--quick`), a body to
decode, the decision for twenty released apps, their tickets and the whole catalogue; nothing is answered from a
cache of answers. The server is a plain `sampan up --demo`, with its metrics and its access log.
"""

import json
import tempfile
from pathlib import Path

from sampan.loadtests.bench.demo_bank import APPS, DemoDevice, demo_bank, demo_devices, refresh_requests
from sampan.loadtests.bench.harness import CannotRun, Figures, Session
from sampan.loadtests.bench.load import drive, prepare
from sampan.loadtests.bench.server import Server, bare_hello

DEVICES, QUICK_DEVICES = 2_000, 500
REFRESHES = 250
SYNC_BODY = {
    "client_app": "retail",
    "revision_seen": "",
    "apps_etag": "",
    "device": {
        "platform": "android",
        "os_version": "14",
        "app_version": "5.1.0",
        "host_version": 3,
        "model": "Pixel 8",
        "region": "CN",
        "network": "wifi",
        "lang": "zh",
    },
    "installed": [],
}


def run(session: Session) -> None:
    """Measure; each round sends one request of every one of the devices."""
    with (
        tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder,
        demo_bank(Path(folder), session.say) as ours,
        bare_hello() as hello,
    ):
        count = QUICK_DEVICES if session.quick else DEVICES
        session.say(f"{count} devices")
        devices = demo_devices(ours, count)
        sync = [_sync(device) for device in devices]
        _check(drive(ours, sync[:1], keep_bodies=True).bodies[0])
        plain, health = [prepare("GET", "/")] * count, [prepare("GET", "/healthz")] * count
        rows = {
            "hello": lambda: drive(hello, plain).figures(),
            "healthz": lambda: drive(ours, health).figures(),
            "sync": lambda: drive(ours, sync).figures(),
            "refresh": lambda: _refresh(ours, devices[:REFRESHES]),
        }
        session.measure(rows, rounds=31, quick_rounds=7)
    session.rate("sync_vs_hello", ours="sync", reference="hello", at_least=0.45)
    session.rate("healthz_vs_hello", ours="healthz", reference="hello")
    session.rate("refresh_vs_hello", ours="refresh", reference="hello")


def _sync(device: DemoDevice) -> bytes:
    headers = {"authorization": f"Bearer {device.access_token}"}
    return prepare("POST", "/client/v1/sync", headers=headers, body=SYNC_BODY)


def _check(answer: bytes) -> None:
    """Raise `CannotRun` unless it is a full answer: what is measured must be what is promised."""
    found = json.loads(answer)
    offers, items = len(found["offers"]), len(found["apps"].get("items", ()))
    if offers < APPS or items < APPS:
        raise CannotRun(f"A full answer has {APPS} offers and apps; this one has {offers} and {items}.")


def _refresh(server: Server, devices: list[DemoDevice]) -> Figures:
    load = drive(server, refresh_requests(server, devices), keep_bodies=True)
    for device, answer in zip(devices, load.bodies, strict=True):
        device.refresh_token = json.loads(answer)["refresh_token"]
    return load.figures()
