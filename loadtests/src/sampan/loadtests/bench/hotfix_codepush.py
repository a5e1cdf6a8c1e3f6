"""What a CodePush update check costs against a bare Starlette JSON answer.

A deployment has ten releases, the newest for 30 % of the devices. Each of 2,000 devices (500 with `--quick`) names
itself and asks as a stock client does: a third of them for the first time, a third with an older release, a third with
the newest that everybody gets; from five binary versions. The server is a plain `sampan up --demo`, with its metrics
and its access log. Bundles are signed, released and approved over the tools' and the console's own calls.
"""

import hashlib
import http.client
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sampan.loadtests.bench.demo_bank import seeded_demo
from sampan.loadtests.bench.harness import CannotRun, Session
from sampan.loadtests.bench.load import drive, prepare
from sampan.loadtests.bench.server import HOST, Server, bare_hello
from sampan.loadtests.bench.visible_people import RELEASER, REVIEWER, DemoPeople

DEVICES, QUICK_DEVICES = 2_000, 500
RELEASES, ROLLOUT = 10, 30
LIMIT = 0.5
APP, LINE = "bench", "Production"
BINARIES = ("1.0.0", "1.2.3", "1.2", "2.0.0", "2.1.0-beta")
_PLACE = f"/codepush/apps/{APP}/deployments"
_CHECK = "/v0.1/public/codepush/update_check"
_BOUNDARY = "bench-boundary"


def measure(session: Session) -> None:
    """Release, then send one check of every device in each round."""
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        folder = Path(made)
        samples = folder / "samples"
        samples.mkdir()
        (samples / "samples.json").write_text(json.dumps({"categories": [], "apps": []}))
        with seeded_demo(folder, session.say, samples) as ours, bare_hello() as hello:
            people = DemoPeople(folder / "demo", f"http://{HOST}:{ours.port}", folder / "homes")
            key, hashes = _release_all(people, ours)
            count = QUICK_DEVICES if session.quick else DEVICES
            checks = [_check(key, hashes, number) for number in range(count)]
            _look_at(drive(ours, checks, keep_bodies=True).bodies)
            plain = [prepare("GET", "/")] * count
            rows = {"hello": lambda: drive(hello, plain).figures(), "check": lambda: drive(ours, checks).figures()}
            session.measure(rows, rounds=25, quick_rounds=7)
    session.rate("codepush_check_vs_hello", ours="check", reference="hello", at_least=LIMIT)


def _release_all(people: DemoPeople, server: Server) -> tuple[str, list[str]]:
    """Make an app and its releases; returns the deployment key and the package hashes, the oldest first."""
    signing = generate_private_key(65537, 2048)
    pem = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    people.call(RELEASER, "POST", "/codepush/apps", {"name": APP})
    key = people.call(RELEASER, "POST", _PLACE, {"name": LINE})["key"]
    asked = people.call(RELEASER, "PUT", f"{_PLACE}/{LINE}/public-key", {"public_key": pem})
    _approve(people, asked["change"], asked["digest"])
    wanted = {"name": "bench", "permissions": ["codepush:read", "codepush:edit"], "days": 1}
    access_key = people.call(RELEASER, "POST", "/tokens", wanted)["secret"]
    hashes = []
    for number in range(1, RELEASES + 1):
        data, package_hash = _bundle(signing, f"say({number})".encode())
        hashes.append(package_hash)
        rollout = ROLLOUT if number == RELEASES else 100
        _send(server, access_key, data, {"appVersion": ">=1.0.0-0", "rollout": rollout, "description": f"No. {number}"})
        (waiting,) = [each for each in _waiting(people) if each["kind"] == "codepush.release"]
        _approve(people, waiting["id"], waiting["digest"])
    return key, hashes


def _waiting(people: DemoPeople) -> list[dict[str, str]]:
    found: list[dict[str, str]] = people.call(REVIEWER, "GET", "/changes?state=proposed")["items"]
    return found


def _approve(people: DemoPeople, change: str, digest: str) -> None:
    people.call(REVIEWER, "POST", f"/changes/{change}/approve", {"digest": digest})


def _bundle(signing: RSAPrivateKey, content: bytes) -> tuple[bytes, str]:
    """Return a signed bundle of one file, and its package hash."""
    entries = [f"main.jsbundle:{hashlib.sha256(content).hexdigest()}"]
    package_hash = hashlib.sha256(json.dumps(entries, separators=(",", ":")).encode()).hexdigest()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("main.jsbundle", content)
        archive.writestr(".codepushrelease", jwt.encode({"contentHash": package_hash}, signing, algorithm="RS256"))
    return made.getvalue(), package_hash


def _send(server: Server, access_key: str, data: bytes, info: Mapping[str, object]) -> None:
    """Release a bundle as CodePush's tools do."""
    part = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="'
    body = (
        (
            f'{part}packageInfo"\r\n\r\n{json.dumps(info)}\r\n{part}package"; filename="bundle.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        ).encode()
        + data
        + f"\r\n--{_BOUNDARY}--\r\n".encode()
    )
    headers = {"authorization": f"Bearer {access_key}", "content-type": f"multipart/form-data; boundary={_BOUNDARY}"}
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    try:
        connection.request("POST", f"{_PLACE}/{LINE}/release", body, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.CREATED:
        raise CannotRun(f"The release was refused: {answer.status} {text.decode()}")


def _check(key: str, hashes: list[str], number: int) -> bytes:
    """Return what a device asks."""
    asked = {
        "deployment_key": key,
        "app_version": BINARIES[number % len(BINARIES)],
        "is_companion": "false",
        "client_unique_id": hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest(),
    }
    has = (0, 1 + number % (RELEASES - 2), RELEASES - 1)[number % 3]
    if has:
        asked |= {"package_hash": hashes[has - 1], "label": f"v{has}"}
    return prepare("GET", f"{_CHECK}?{urlencode(asked)}")


def _look_at(answers: list[bytes]) -> None:
    """Raise `CannotRun` unless the answers are what is promised: some get the newest, most what came before."""
    labels = [json.loads(answer)["update_info"]["label"] for answer in answers]
    newest = labels.count(f"v{RELEASES}") / len(labels)
    if not 0.5 * ROLLOUT / 100 < newest < 1.5 * ROLLOUT / 100 or f"v{RELEASES - 1}" not in labels or "" not in labels:
        raise CannotRun(f"{newest:.0%} of the devices get a release for {ROLLOUT} %; labels are {sorted(set(labels))}.")
