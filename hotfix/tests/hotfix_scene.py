"""A server with one published mini-app, its publisher, a reviewer, release managers, and devices that obey its tree."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from switch_scene import serving

from sampan.offline_packages import PackageReader, package_digest, parse_index
from sampan.offline_packages.device import Device, Hint, StackHint
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.fetching import HttpFetch
from sampan.offline_packages.hotfix import Hotfix, make_hotfix
from sampan.offline_packages.publishing import next_hotfix_body, signed_hotfix
from sampan.offline_packages.roles import tree_id
from sampan.offline_packages.signed_bytes import sign_body
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.core import Core
from sampan.platform.insight.intake import intake_of
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP
from sampan.platform.trust.service import current_control

CONSOLE = "/console/api/v1"
EVERYTHING = tuple(without_background(each) for each in discover(built_in_components(demo=True)))
EVERYBODY: dict[str, Any] = {"all": []}
FILES = {"app.js": "broken()\n", "info.txt": "about\n", "data/rates.json": '{"eur":1,"usd":2}'}


@dataclass
class Scene:
    """Headers of each person, and what was made."""

    core: Core
    http: httpx2.AsyncClient
    publishing: Publishing
    folder: Path
    publisher: dict[str, str] = field(default_factory=dict)
    reviewer: dict[str, str] = field(default_factory=dict)
    maker: dict[str, str] = field(default_factory=dict)
    checker: dict[str, str] = field(default_factory=dict)
    packages: dict[int, Path] = field(default_factory=dict)
    indexes: dict[int, bytes] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    made: dict[int, Hotfix] = field(default_factory=dict)

    async def start(self) -> "Scene":
        """Make the people and publish version 1."""
        own = {"role": "publisher", "publisher": self.publishing.publisher_id}
        developer = await person_with(self.core, WORKSPACE, grants=[own])
        self.publisher = await bearer_for(self.core, WORKSPACE, developer)
        people = [await person_with(self.core, WORKSPACE, role) for role in ("reviewer", "admin", "admin")]
        self.reviewer, self.maker, self.checker = [await bearer_for(self.core, WORKSPACE, each) for each in people]
        await add_retail_app(self.core)
        await self.publish(1)
        return self

    async def publish(self, sequence: int) -> None:
        """Publish a version with `FILES`, and release it to everybody."""
        packed = packed_app(self.folder, sequence, files=FILES)
        self.packages[sequence], self.indexes[sequence] = packed.archive_path, packed.index_bytes
        await self.publishing.submit(packed)
        await self.publishing.approve(sequence)
        await self.expose()
        await self.release("miniapp", APP, sequence)

    async def expose(self) -> None:
        """Run the publisher job once."""
        await self.publishing.expose()
        await self.core.replica.poll()

    async def call(self, method: str, path: str, body: Any = None, *, as_: Mapping[str, str]) -> httpx2.Response:
        """Call the console API."""
        params = body if method == "GET" else None
        sent = None if method == "GET" else body
        return await self.http.request(method, CONSOLE + path, json=sent, params=params, headers=dict(as_))

    async def done(self, method: str, path: str, body: Any = None, *, as_: Mapping[str, str] | None = None) -> Any:
        """Call what must succeed, as the maker by default."""
        answer = await self.call(method, path, body, as_=as_ or self.maker)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        await self.core.replica.poll()
        return answer.json()

    async def refused(
        self, method: str, path: str, body: Any = None, *, as_: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Call what must be refused; return status and code."""
        answer = await self.call(method, path, body, as_=as_ or self.maker)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    # -- hotfixes

    def files(self, sequence: int = 1, on: Sequence[int] = ()) -> dict[str, bytes]:
        """Return the files of a version with hotfixes applied, as their publisher knows them."""
        index = parse_index(self.indexes[sequence])
        with PackageReader(index, self.packages[sequence]) as reader:
            found = {entry.path: reader.read(entry.path) for entry in index.files}
        for n in on:
            position = 0
            for change in self.made[n].changes:
                if change.after is None:
                    del found[change.path]
                    continue
                found[change.path] = self.contents[n][position : position + change.after.size]
                position += change.after.size
        return found

    async def body_of(
        self, changes: Mapping[str, bytes | None], *, n: int, on: Sequence[int] = (), sequence: int = 1
    ) -> dict[str, Any]:
        """Make, sign and upload a hotfix on the publisher's machine; return the body of the request."""
        index = parse_index(self.indexes[sequence])
        base = package_digest(self.indexes[sequence])
        hotfix, content = make_hotfix(index, base, self.files(sequence, on), changes, n=n, on=on)
        self.made[n], self.contents[n] = hotfix, content
        return {
            "hotfix": json.loads(hotfix.to_bytes()),
            "upload": await self.upload(content) if content else "",
            "title": f"fix {n}",
            "bodies": {"intl": await self.signed(hotfix.to_bytes(), content)},
        }

    async def upload(self, content: bytes) -> str:
        """Upload the content of a hotfix."""
        answer = await self.http.post(CONSOLE + "/uploads", content=content, headers=self.publisher)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["upload"])

    async def signed(self, document: bytes, content: bytes) -> Any:
        """Return the next body with a hotfix, signed."""
        current = await self.publishing.parties.current("intl", f"app.{APP}")
        assert current is not None
        tree = tree_id(WORKSPACE, "intl")
        body = next_hotfix_body(current, signed_hotfix(document, content), tree=tree, now_ms=self.core.now_ms())
        return json.loads(sign_body(body, self.publishing.parties.publisher["intl"]))

    async def submit(
        self, changes: Mapping[str, bytes | None], *, n: int, on: Sequence[int] = (), sequence: int = 1
    ) -> Any:
        """Submit a hotfix as the publisher."""
        body = await self.body_of(changes, n=n, on=on, sequence=sequence)
        return await self.done("POST", f"/apps/{APP}/versions/{sequence}/hotfixes", body, as_=self.publisher)

    async def approve(self, n: int, *, sequence: int = 1) -> Any:
        """Approve a hotfix as the reviewer, and let it become visible."""
        seen = await self.done("GET", f"{self.path(n, sequence)}", as_=self.reviewer)
        digest = {"digest": seen["review_digest"]}
        await self.done("POST", f"{self.path(n, sequence)}/approve", digest, as_=self.reviewer)
        await self.expose()
        return await self.done("GET", self.path(n, sequence))

    async def fix(
        self, changes: Mapping[str, bytes | None], *, n: int, on: Sequence[int] = (), sequence: int = 1
    ) -> Any:
        """Submit and approve a hotfix."""
        await self.submit(changes, n=n, on=on, sequence=sequence)
        return await self.approve(n, sequence=sequence)

    def path(self, n: int, sequence: int = 1) -> str:
        """Return the path of a hotfix."""
        return f"/apps/{APP}/versions/{sequence}/hotfixes/{n}"

    async def withdraw(self, n: int, *, sequence: int = 1) -> Any:
        """Withdraw a hotfix, and let control become visible."""
        found = await self.done("POST", f"{self.path(n, sequence)}/withdraw", {"cause": "it is wrong"})
        await self.expose()
        return found

    # -- releases

    async def release(self, kind: str, name: str, sequence: int, **members: Any) -> str:
        """Make a release and have it approved; return its id once it is visible."""
        draft = {"kind": kind, "id": name, "sequence": sequence, "audience": EVERYBODY, **members}
        made = await self.done("POST", "/releases", draft)
        asked = await self.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
        await self.done("POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}, as_=self.checker)
        await self.expose()
        return str(made["id"])

    async def give(self, n: int, *, sequence: int = 1, **members: Any) -> str:
        """Release a hotfix."""
        return await self.release("hotfix", f"{APP}@{sequence}", n, **members)

    async def act(self, release_id: str, verb: str, **members: Any) -> Any:
        """Do something to a release, and let it become visible."""
        found = await self.done("POST", f"/releases/{release_id}/{verb}", {"cause": "because", **members})
        await self.expose()
        return found

    async def stacks(self) -> list[Any]:
        """Return the stacks of the app's control file, as `(sequence, patches, digest)`."""
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            control = await current_control(tx, APP)
        assert control is not None
        return [(each.sequence, each.patches, each.digest) for each in control.stacks]

    # -- devices

    async def phone(self) -> "Phone":
        """Return a new device that runs nothing yet."""
        session = TestDevice(self.http, self.core.now_ms)  # type: ignore[arg-type] # it asks for the time alone
        answer = await session.begin()
        assert answer.status_code < 300, answer.text
        return Phone(self, session, self.folder / session.tokens["device"])


@dataclass
class Phone:
    """A device: its session, and what it verified and holds."""

    scene: Scene
    session: TestDevice
    folder: Path
    url: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    device: Device | None = None

    async def asked(self, **members: Any) -> dict[str, Any]:
        """Ask what to have now."""
        body = {"client_app": "retail", "installed": [], **members}
        headers = {"authorization": self.session.bearer.decode()}
        answer = await self.scene.http.post("/client/v1/sync", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        self.answer = answer.json()
        return self.answer

    async def hotfix(self) -> Any:
        """Return the hotfix of version 1 that sync names, or None."""
        found = (await self.asked()).get("hotfixes", [])
        return next((each for each in found if each["sequence"] == 1), None)

    async def round(self) -> None:
        """Ask, obey the tree, take what is offered and what hotfix there is."""
        await self.asked()
        async with serving(self.scene.core) as url:
            self.url = url
            await asyncio.to_thread(self._obey)

    def _obey(self) -> None:
        device = self._device()
        assert device.sync(now_ms=self.scene.core.now_ms()) == {}
        for offer in self.answer["offers"]:
            if offer["kind"] == "miniapp":
                device.apply(Hint(offer["id"], offer["action"], offer["sequence"], offer["digest"]))
        for each in self.answer.get("hotfixes", []):
            current = device.store.state(each["app"]).current
            if current is None or current.sequence != each["sequence"] or current.digest == each["digest"]:
                continue
            device.apply_hotfixes(StackHint(each["app"], each["sequence"], tuple(each["patches"]), each["digest"]))

    def _device(self) -> Device:
        fetch, store = HttpFetch(), DeviceStore(self.folder / "store")
        base = f"{self.url}/trust/{WORKSPACE}/intl"
        root = b"".join(fetch(f"{base}/metadata/1.root.json", 1_000_000))
        tree = TrustedTree(
            self.folder / "trust", base_url=base, tree=tree_id(WORKSPACE, "intl"), root=root, fetch=fetch
        )
        return Device(tree, store, fetch)

    async def page(self, path: str = "app.js") -> str:
        """Open the app and return one of its files."""
        async with serving(self.scene.core) as url:
            self.url = url
            return await asyncio.to_thread(self._read, path)

    def _read(self, path: str) -> str:
        device = self._device()
        now_ms = self.scene.core.now_ms()
        device.sync(now_ms=now_ms)
        with device.open(APP, now_ms=now_ms) as app:
            text = app.package.read(path).decode()
        device.booted(APP)
        return text

    async def tell(self, kind: str, told: Mapping[str, Any], **attrs: Any) -> Any:
        """Report an event about a hotfix that sync named."""
        self.seq += 1
        event = {
            "seq": self.seq,
            "type": kind,
            "at": 1,
            "app": told["app"],
            "sequence": told["sequence"],
            "digest": told["digest"],
            "release": told["release"],
            "ticket": told["ticket"],
            "attrs": attrs,
        }
        headers = {"authorization": self.session.bearer.decode()}
        answer = await self.scene.http.post("/client/v1/events", json={"batch": [event]}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextlib.asynccontextmanager
async def hotfix_scene(folder: Path, *, postgres_url: str = "") -> AsyncIterator[Scene]:
    """Open a server with version 1 of an app, released to everybody; on SQLite, or on a PostgreSQL."""
    opened = publishing_in(folder, components=EVERYTHING, postgres_url=postgres_url)
    async with opened as publishing, client(publishing.core) as http:
        writing = asyncio.ensure_future(intake_of(publishing.core).run())
        yield await Scene(publishing.core, http, publishing, folder).start()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def both(one: Callable[[], Any], other: Callable[[], Any]) -> list[Any]:
    """Run two calls at once; return what each answered, or raised."""
    return list(await asyncio.gather(one(), other(), return_exceptions=True))
