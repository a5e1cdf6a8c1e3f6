"""A server with a CodePush app, two persons, a signing key, and bundles made on the fly."""

import base64
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sampan.codepush.bundles import package_hash
from sampan.codepush.component import component
from sampan.codepush.diffing import make_job
from sampan.codepush.service import EDIT, LOWER, READ
from sampan.platform.app import built_in_components
from sampan.platform.component import Component, Jobs
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.crypto.digest import digest
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.settings import Settings
from sampan.platform.testing import WORKSPACE, client, running_core
from sampan.platform.workspaces.runners import build_job_runner

CONSOLE = "/console/api/v1"
APP = "Bank"
CHECK = "/v0.1/public/codepush/update_check"
MAIN = "CodePush/main.jsbundle"


@dataclass(frozen=True)
class SigningKey:
    """An RSA key pair as PEM."""

    private: str
    public: str


def new_key(bits: int = 2048) -> SigningKey:
    """Return a fresh pair."""
    key = rsa.generate_private_key(65537, bits)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return SigningKey(private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


KEY = new_key()
# Without the background's jobs: a test says when they are done.
_QUIET = Component(component.name, tuple(each for each in component.everything() if not isinstance(each, Jobs)))
COMPONENTS = (*built_in_components(demo=True), _QUIET)


def hash_of(files: Mapping[str, bytes]) -> str:
    """Return CodePush's package hash of some files."""
    return package_hash({name: digest(data).partition(":")[2] for name, data in files.items()})


def bundle(files: Mapping[str, bytes], key: SigningKey | None = KEY, *, signs: str = "") -> bytes:
    """Return the ZIP of the files with a token beside them, as `code-push` signs; without a key there is none."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        if key is not None:
            claims = {"claimVersion": "1.0.0", "contentHash": signs or hash_of(files)}
            token = jwt.encode(claims, key.private, algorithm="RS256")
            archive.writestr(zipfile.ZipInfo("CodePush/.codepushrelease"), token)
    return content.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files of a bundle, without its token."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith(".codepushrelease")}


def files_of(text: str) -> dict[str, bytes]:
    """Return a small bundle's files, of which one changes with the text."""
    picture = base64.b64encode(digest(b"picture").encode()) * 40
    return {MAIN: f"say({text!r})".encode(), "CodePush/assets/picture.png": picture}


@dataclass
class Scene:
    """What tests act on: the maker's and the checker's sessions, the maker's access key, the deployments' keys."""

    core: Core
    http: httpx2.AsyncClient
    maker: dict[str, str]
    checker: dict[str, str]
    access_key: str
    keys: dict[str, str]

    @property
    def tool(self) -> dict[str, str]:
        """The headers of CodePush's tools."""
        return {"authorization": f"Bearer {self.access_key}"}

    async def release(
        self, text: str = "one", app_version: str = "1.0.0", deployment: str = "Production", **info: Any
    ) -> httpx2.Response:
        """Release a bundle as the classic tools do."""
        return await self.upload(bundle(files_of(text)), {"appVersion": app_version, **info}, deployment)

    async def upload(self, data: bytes, info: Mapping[str, Any], deployment: str = "Production") -> httpx2.Response:
        """Send a ZIP as a release."""
        return await self.http.post(
            f"/codepush/apps/{APP}/deployments/{deployment}/release",
            headers=self.tool,
            files={"package": ("bundle.zip", data, "application/zip")},
            data={"packageInfo": json.dumps(info)},
        )

    async def released(self, text: str = "one", app_version: str = "1.0.0", **info: Any) -> dict[str, Any]:
        """Release a bundle and let the second person approve it."""
        answer = await self.release(text, app_version, **info)
        assert answer.status_code == 201, answer.text
        await self.approve()
        shown: dict[str, Any] = answer.json()["package"]
        return shown

    async def patch(self, **info: Any) -> httpx2.Response:
        """Patch a release of Production as the classic tools do."""
        address = f"/codepush/apps/{APP}/deployments/Production/release"
        return await self.http.patch(address, headers=self.tool, json={"packageInfo": info})

    async def waiting(self) -> list[dict[str, Any]]:
        """Return the change requests that wait."""
        answer = await self.http.get(f"{CONSOLE}/changes", params={"state": "proposed"}, headers=self.checker)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def approve(self) -> None:
        """Let the second person approve all that waits."""
        waiting = await self.waiting()
        assert waiting
        for change in waiting:
            await self.decide(change)
        await self.core.replica.poll()

    async def decide(self, change: Mapping[str, Any], verb: str = "approve") -> None:
        """Let the second person decide one change request."""
        body = {"digest": change["digest"]} if verb == "approve" else {"reason": "no"}
        answer = await self.http.post(f"{CONSOLE}/changes/{change['id']}/{verb}", headers=self.checker, json=body)
        assert answer.status_code == 200, answer.text

    async def check(self, deployment: str = "Production", **asked: Any) -> dict[str, Any]:
        """Return what a device is told."""
        await self.core.replica.poll()
        params = {"deployment_key": self.keys[deployment], "app_version": "1.0.0", **asked}
        answer = await self.http.get(CHECK, params=params)
        assert answer.status_code == 200, answer.text
        info: dict[str, Any] = answer.json()["update_info"]
        return info

    async def history(self, deployment: str = "Production") -> list[dict[str, Any]]:
        """Return the labels as the classic tools read them, the oldest first."""
        answer = await self.http.get(f"/codepush/apps/{APP}/deployments/{deployment}/history", headers=self.tool)
        labels: list[dict[str, Any]] = answer.json()["history"]
        return labels

    async def metrics(self, deployment: str = "Production") -> dict[str, Any]:
        """Return the counts as the classic tools read them."""
        answer = await self.http.get(f"/codepush/apps/{APP}/deployments/{deployment}/metrics", headers=self.tool)
        counts: dict[str, Any] = answer.json()["metrics"]
        return counts

    async def work(self) -> None:
        """Do the jobs that wait."""
        runner = build_job_runner(self.core.store, [make_job(self.core)], now_ms=self.core.now_ms)
        assert await runner.poll()
        await runner.idle()
        while await runner.poll():
            await runner.idle()
        await self.core.replica.poll()


@asynccontextmanager
async def scene(
    folder: Path,
    *,
    key: SigningKey | None = KEY,
    postgres_url: str = "",
    now_ms: Callable[[], int] = system_clock_ms,
    keep_refused_days: int = 30,
) -> AsyncIterator[Scene]:
    """Give a scene with the deployments Staging and Production, both with the public key unless there is none."""
    settings = Settings(data=folder, default_workspace=WORKSPACE, demo=True, keep_refused_days=keep_refused_days)
    running = running_core(folder, components=COMPONENTS, postgres_url=postgres_url, now_ms=now_ms, settings=settings)
    async with running as core, client(core) as http:
        maker, checker = (
            await person_with(core, WORKSPACE, "release_manager"),
            await person_with(core, WORKSPACE, "admin"),
        )
        makes, checks = await bearer_for(core, WORKSPACE, maker), await bearer_for(core, WORKSPACE, checker)
        wanted = {"name": "ci", "permissions": [READ, EDIT, LOWER], "days": 30}
        token = await http.post(f"{CONSOLE}/tokens", headers=makes, json=wanted)
        assert token.status_code == 201, token.text
        found = Scene(core, http, makes, checks, token.json()["secret"], {})
        made = await http.post("/codepush/apps", headers=found.tool, json={"name": APP, "os": "iOS"})
        assert made.status_code == 201, made.text
        listed = await http.get(f"/codepush/apps/{APP}/deployments", headers=found.tool)
        found.keys = {each["name"]: each["key"] for each in listed.json()["deployments"]}
        if key is not None:
            for name in found.keys:
                path = f"{CONSOLE}/codepush/apps/{APP}/deployments/{name}/public-key"
                put = await http.put(path, headers=makes, json={"public_key": key.public})
                assert put.status_code == 202, put.text
            await found.approve()
        yield found
