"""What OFREP costs against a bare Starlette JSON answer: a hundred switches at once, and one alone.

Every switch has a rule of a tier, four conditions on what the client says, and a percentage. The server is a plain
`sampan up --demo`, with its metrics and its access log. Each of 2,000 devices (500 with `--quick`) has a token of its
own and one of `CLASSES` ways to describe itself, as phones of a bank do; nothing is answered from a cache of answers,
and the stock clients' ETag is left out but in the row `bulk100_304`.
"""

import hashlib
import json
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sampan.loadtests.bench.demo_bank import DemoDevice, demo_devices, seeded_demo
from sampan.loadtests.bench.harness import CannotRun, Session
from sampan.loadtests.bench.load import drive, prepare
from sampan.loadtests.bench.server import Server, bare_hello

SWITCHES = 100
DEVICES, QUICK_DEVICES = 2_000, 500
CLASSES = 60
BULK = "/ofrep/v1/evaluate/flags"
PLATFORMS = ("ios", "android", "harmony")


def run(session: Session) -> None:
    """Measure; each round sends one request of every one of the devices."""
    with (
        tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder,
        seeded_demo(Path(folder), session.say, _samples(Path(folder) / "samples")) as ours,
        bare_hello() as hello,
    ):
        count = QUICK_DEVICES if session.quick else DEVICES
        session.say(f"{count} devices")
        devices = demo_devices(ours, count)
        bulk = [_asked(device, number) for number, device in enumerate(devices)]
        single = [_asked(device, number, f"/switch-{number % SWITCHES:03}") for number, device in enumerate(devices)]
        answers = drive(ours, bulk, keep_bodies=True).bodies
        _check(answers)
        unchanged = [
            _asked(device, number, etag=_etag(ours, bulk[number])) for number, device in enumerate(devices[:60])
        ]
        plain = [prepare("GET", "/")] * count
        rows = {
            "hello": lambda: drive(hello, plain).figures(),
            "bulk100": lambda: drive(ours, bulk).figures(),
            "bulk100_304": lambda: drive(ours, unchanged * (count // 60), expect=304).figures(),
            "single": lambda: drive(ours, single).figures(),
        }
        session.measure(rows, rounds=25, quick_rounds=7)
    session.rate("bulk100_vs_hello", ours="bulk100", reference="hello", at_least=0.20)
    session.rate("single_vs_hello", ours="single", reference="hello", at_least=0.50)
    session.rate("bulk100_304_vs_hello", ours="bulk100_304", reference="hello")


def _asked(device: DemoDevice, number: int, path: str = "", *, etag: str = "") -> bytes:
    headers = {"authorization": f"Bearer {device.access_token}"}
    if etag:
        headers["if-none-match"] = etag
    return prepare("POST", BULK + path, headers=headers, body={"context": _context(number)})


def _context(number: int) -> Mapping[str, str]:
    """Return how a device describes itself."""
    kind = number % CLASSES
    return {
        "targetingKey": f"device-{number}",
        "platform": PLATFORMS[kind % 3],
        "os_version": f"{12 + kind % 5}.{kind % 2}",
        "app_version": f"5.{kind % 4}.0",
        "region": "CN" if kind % 4 else "HK",
        "language": "zh-CN" if kind % 5 else "en-GB",
        "network": "wifi" if kind % 2 else "5g",
    }


def _etag(server: Server, request: bytes) -> str:
    """Return the ETag of an answer, by asking once more on a connection of its own."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
    lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return next(line.partition(": ")[2] for line in lines if line.lower().startswith("etag: "))


def _check(answers: list[bytes]) -> None:
    """Raise `CannotRun` unless the answers are what is promised: all switches, and not the same for everybody."""
    flags = [json.loads(answer)["flags"] for answer in answers]
    if any(len(each) != SWITCHES for each in flags):
        raise CannotRun(f"An answer has {SWITCHES} switches; one has {min(map(len, flags))}.")
    kinds = {hashlib.sha256(json.dumps(each).encode()).digest() for each in flags}
    if len(kinds) < len(answers) // 4:
        raise CannotRun(f"Devices get different switches; {len(answers)} answers were of {len(kinds)} kinds.")


def _samples(folder: Path) -> Path:
    """Write the switches as a folder of samples."""
    folder.mkdir(parents=True)
    described = {"categories": [], "apps": [], "switches": [_switch(number) for number in range(SWITCHES)]}
    (folder / "samples.json").write_text(json.dumps(described))
    return folder


def _switch(number: int) -> dict[str, object]:
    """Return one switch; the conditions and the percentage differ from switch to switch."""
    conditions = [
        {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]},
        {"attr": "platform", "op": "in", "values": [PLATFORMS[number % 3], PLATFORMS[(number + 1) % 3]]},
        {"attr": "app_version", "op": "matches", "values": [f">=5.{number % 3}.0"]},
        {"attr": "region", "op": "in", "values": ["cn"] if number % 4 else ["cn", "hk"]},
        {"attr": "language", "op": "matches", "values": ["zh"] if number % 5 else ["zh", "en"]},
    ]
    share = 1000 + 80 * number
    return {
        "key": f"switch-{number:03}",
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"audience": {"all": conditions}, "split": [{"variant": "on", "share": share}]}],
    }
