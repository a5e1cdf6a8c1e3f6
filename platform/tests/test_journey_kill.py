"""kill -9 of the real server in the middle of taking in and of publishing, again and again on one folder.

After every start the tree is whole for clients that were there before and for new ones, everything that was
acknowledged is there, and what was not acknowledged has either happened or not.
"""

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from journey_people import Server, install_outside_component, new_server, until
from journey_town import CONSOLE, all_components, is_long
from tuf.api.metadata import Targets
from tuf.ngclient import Updater

from sampan.offline_packages import Packed
from sampan.offline_packages.publishing import next_app_body, signed_version
from sampan.offline_packages.roles import index_path, package_path, tree_id
from sampan.offline_packages.signed_bytes import read_body, sign_body
from sampan.platform.core import system_clock_ms
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.operators.totp import code_for, step_at
from sampan.platform.serving import bring_schema_up_to_date
from sampan.platform.testing import running_core
from sampan.platform.testing_artifacts import Publishing, packed_app

WORKSPACE, APP = "bank-a", "bank.demo.a"
ROLE = f"app.{APP}"
MOMENTS = {"submit": (0.02, 0.1), "submitted": (0.0,), "approve": (0.05, 0.2), "approved": (0.0, 0.3, 0.4)}
"""Seconds after the request is sent, or after its answer came; each is stretched by chance.

An approval is exposed 0.3 s after its answer: the last moments lie in the middle of writing the tree.
"""
CONFIRM_AFTER_MS = 60_000
TIMES = 10 if is_long() else 1


@dataclass
class Studio:
    """A publisher and a reviewer who go on working whatever happens to the server."""

    server: Server
    developer: dict[str, str]
    reviewer: dict[str, str]
    key: PrivateKey
    authenticator: bytes
    confirmed_ms: int = field(default_factory=system_clock_ms)
    packed: dict[int, Packed] = field(default_factory=dict)
    submitted: set[int] = field(default_factory=set)
    approved: set[int] = field(default_factory=set)

    def call(self, method: str, path: str, *, is_review: bool = False, **options: Any) -> Any:
        """Call the console API as the developer or the reviewer; raise `httpx2.TransportError` when the server dies."""
        with httpx2.Client(trust_env=False, timeout=60) as http:
            headers = self.reviewer if is_review else self.developer
            address = f"{self.server.url}/w/{WORKSPACE}{CONSOLE}{path}"
            answer = http.request(method, address, headers=headers, **options)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def states(self) -> dict[int, str]:
        """Return the state of every version."""
        found: dict[int, str] = {}
        cursor = None
        while True:
            page = self.call("GET", f"/apps/{APP}/versions", params={"cursor": cursor} if cursor else {})
            found |= {each["sequence"]: each["state"] for each in page["items"]}
            if (cursor := page["next_cursor"]) is None:
                return found

    def pack(self, sequence: int) -> None:
        """Pack a version, once."""
        if sequence not in self.packed:
            files = {"big.txt": f"{sequence} " * 20_000}
            self.packed[sequence] = packed_app(self.server.root, sequence, app=APP, files=files)

    def submit(self, sequence: int) -> None:
        """Upload and submit a version and note that it was acknowledged."""
        packed = self.packed[sequence]
        upload = self.call("POST", "/uploads", content=packed.archive_path.read_bytes())["upload"]
        body = {"upload": upload, "index": json.loads(packed.index_bytes), "bodies": self._bodies(packed)}
        self.call("POST", f"/apps/{APP}/versions", json=body)
        self.submitted.add(sequence)

    def approve(self, sequence: int) -> None:
        """Approve a version and note that it was acknowledged."""
        digest = self.call("GET", f"/apps/{APP}/versions/{sequence}")["review_digest"]
        self._confirm()
        self.call("POST", f"/apps/{APP}/versions/{sequence}/approve", is_review=True, json={"digest": digest})
        self.approved.add(sequence)

    def _confirm(self) -> None:
        """Give the reviewer's second factor again before its five minutes are over."""
        now_ms = system_clock_ms()
        if now_ms - self.confirmed_ms > CONFIRM_AFTER_MS:
            code = code_for(self.authenticator, step_at(now_ms))
            self.call("POST", "/session/totp", is_review=True, json={"totp": code})
            self.confirmed_ms = now_ms

    def _bodies(self, packed: Packed) -> dict[str, Any]:
        version = signed_version(
            APP,
            packed.index.sequence,
            version=packed.index.version,
            index=packed.index_bytes,
            package_digest=f"sha256:{packed.index.archive.sha256}",
            package_bytes=packed.index.archive.size,
        )
        body = next_app_body(self.visible(), version, tree=tree_id(WORKSPACE, "intl"), now_ms=system_clock_ms())
        return {"intl": json.loads(sign_body(body, self.key))}

    def visible(self) -> Targets | None:
        """Return the app's body as a mirror would copy it now; every file that it goes by must be there."""
        with httpx2.Client(base_url=f"{tree_of(self.server)}/metadata/", trust_env=False) as http:

            def get(name: str) -> bytes:
                return http.get(name).raise_for_status().content

            timestamp = json.loads(get("timestamp.json"))["signed"]
            snapshot = json.loads(get(f"{timestamp['meta']['snapshot.json']['version']}.snapshot.json"))["signed"]
            if f"{ROLE}.json" not in snapshot["meta"]:
                return None
            return read_body(get(f"{snapshot['meta'][f'{ROLE}.json']['version']}.{ROLE}.json"), Targets)


def tree_of(server: Server) -> str:
    """Return the address of the customers' tree."""
    return f"{server.url}/trust/{WORKSPACE}/intl"


async def _prepare(server: Server) -> Studio:
    """Fill the server's folder: ceremony, publisher, app, and a developer and a reviewer."""
    async with running_core(server.data, components=all_components(), workspaces=[WORKSPACE]) as core:
        publishing = Publishing(core, server.root / "packages", app=APP, workspace=WORKSPACE)
        await publishing.start()
        own = {"role": "publisher", "publisher": publishing.publisher_id}
        people = (
            await person_with(core, WORKSPACE, grants=[own]),
            await person_with(core, WORKSPACE, "reviewer", "auditor"),
        )
        developer, reviewer = [await bearer_for(core, WORKSPACE, person) for person in people]
        await publishing.expose()
    return Studio(server, developer, reviewer, publishing.parties.publisher["intl"], people[1].totp_secret)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    server = new_server(tmp_path)
    server.data.mkdir()
    install_outside_component(tmp_path / "site")
    bring_schema_up_to_date(server.data)
    found = asyncio.run(_prepare(server))
    server.start()
    try:
        yield found
    finally:
        server.stop()


class StockClient:
    """PyPI's client with a memory of its own: it would refuse any step back."""

    def __init__(self, folder: Path, server: Server, root: bytes) -> None:
        for name in ("metadata", "targets"):
            (folder / name).mkdir(parents=True)
        self._folder, self._tree, self._root = folder, tree_of(server), root

    def install(self, sequence: int) -> bytes:
        """Verify and return a package."""
        folder, tree = self._folder, self._tree
        updater = Updater(
            str(folder / "metadata"),
            f"{tree}/metadata/",
            str(folder / "targets"),
            f"{tree}/targets/",
            bootstrap=self._root,
        )
        for path in (index_path(APP, sequence), package_path(APP, sequence)):
            info = updater.get_targetinfo(path)
            assert info is not None, path
            found = Path(updater.download_target(info)).read_bytes()
        return found


def _cut(server: Server, act: Callable[[], None], seconds: float, *, is_answered: bool) -> None:
    """Begin an act, kill the server so many seconds later (or after the answer), and wait until both are over."""

    def run() -> None:
        with contextlib.suppress(httpx2.TransportError):
            act()

    acting = threading.Thread(target=run)
    acting.start()
    if is_answered:
        acting.join()
    assert server.process is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(seconds)
    server.stop(signal.SIGKILL)
    acting.join()


def test_nothing_acknowledged_is_lost_and_nothing_is_half(studio: Studio, tmp_path: Path) -> None:
    chance = random.Random(20)  # noqa: S311 - moments, not secrets
    root = httpx2.get(f"{tree_of(studio.server)}/metadata/1.root.json", trust_env=False).content
    faithful = StockClient(tmp_path / "faithful", studio.server, root)
    moments = [(name, moment) for name, each in MOMENTS.items() for moment in each] * TIMES
    for sequence, (what, moment) in enumerate(moments, 1):
        studio.pack(sequence)
        is_answered, is_submission = what.endswith("ed"), what.startswith("submit")
        if not is_submission:
            studio.submit(sequence)
        act = partial(studio.submit if is_submission else studio.approve, sequence)
        _cut(studio.server, act, moment * chance.uniform(0.7, 1.5), is_answered=is_answered)
        assert not is_answered or sequence in (studio.submitted if is_submission else studio.approved)
        studio.server.start()
        _finish(studio, sequence)
        for client in (faithful, StockClient(tmp_path / f"fresh-{sequence}", studio.server, root)):
            assert client.install(sequence) == studio.packed[sequence].archive_path.read_bytes()
    body = studio.visible()
    assert body is not None
    assert {path for path in body.targets if path.endswith(".ma")} == {
        package_path(APP, sequence) for sequence in range(1, len(moments) + 1)
    }
    assert studio.call("POST", "/audit/verify", is_review=True, json={})["intact"]


def _finish(studio: Studio, sequence: int) -> None:
    """Judge what the kill left, then carry the version on until it is visible."""
    states = studio.states()
    for acknowledged in studio.submitted:
        assert acknowledged in states
    for acknowledged in studio.approved:
        assert states[acknowledged] in ("approved", "published")
    assert set(states) <= set(range(1, sequence + 1))
    assert states.get(sequence, "in_review") in ("in_review", "approved", "published"), states
    if sequence not in states:
        studio.submit(sequence)
    if studio.states()[sequence] == "in_review":
        studio.approve(sequence)
    until(lambda: studio.states()[sequence] == "published" or None, lambda: str(studio.states()))
    body = studio.visible()
    assert body is not None
    assert package_path(APP, sequence) in body.targets
