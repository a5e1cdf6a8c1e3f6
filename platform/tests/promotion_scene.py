"""Two workspaces of one server, SIT and UAT, with a publisher's people and their terminal; for tests of promotion."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journey_town import all_components
from switch_scene import serving

from sampan.platform.artifacts import review_service
from sampan.platform.artifacts.states import VersionState
from sampan.platform.cli.api import Api
from sampan.platform.cli.key_pairs import public_path, trial_path
from sampan.platform.core import Core
from sampan.platform.crypto.key_files import write_private_key
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import running_core
from sampan.platform.testing_artifacts import Publishing, packed_app
from sampan.platform.testing_cli import Person, Ran

SIT, UAT = "sit", "uat"
APP = "bank.demo.coupons"
PASSPHRASE = b"a passphrase of the test"
ROUNDS = 1000


@dataclass
class Bank:
    """One workspace: its publisher's keys and people."""

    publishing: Publishing
    key: Path
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def core(self) -> Core:
        """The server."""
        return self.publishing.core

    @property
    def name(self) -> str:
        """The workspace."""
        return self.publishing.workspace

    async def join(self) -> None:
        """Start the workspace: trees, publisher, app, people."""
        await self.publishing.start(name=f"Studio of {self.name}")
        for profile, path in (("intl", self.key), ("trial", trial_path(self.key))):
            private = self.publishing.parties.publisher[profile]
            await asyncio.to_thread(write_private_key, path, private, PASSPHRASE, rounds=ROUNDS)
            await asyncio.to_thread(public_path(path).write_text, private.public.pem())
        developer = {"role": "publisher", "publisher": self.publishing.publisher_id}
        rights = {"maker": ("release_manager",), "checker": ("reviewer",), "nobody": ("auditor",)}
        for name, roles in rights.items():
            grants = [developer] if name == "maker" else []
            person = await person_with(self.core, self.name, *roles, grants=grants)
            self.headers[name] = await bearer_for(self.core, self.name, person)

    def secret(self, name: str = "maker") -> str:
        """Return a person's bearer secret."""
        return self.headers[name]["authorization"].removeprefix("Bearer ")

    async def publish(self, sequence: int, *, files: dict[str, str] | None = None, folder: str = "") -> None:
        """Publish a version of the app, with other files in another folder if wanted."""
        packed = await asyncio.to_thread(
            packed_app, self.publishing.folder / (folder or "same"), sequence, app=APP, files=files
        )
        if (await self.publishing.submit(packed)).state is not VersionState.IN_REVIEW:
            reviewer = self.publishing.reviewer
            await review_service.bring_forward(self.core, self.name, reviewer, APP, sequence, note="first")
        await self.publishing.approve(sequence)
        await self.expose()

    async def expose(self) -> None:
        """Let the publisher job of both trees run."""
        for profile in ("intl", "trial"):
            await self.publishing.expose(profile)


@dataclass
class Scene:
    """Both workspaces, the address of their server and a terminal that is signed in to both."""

    sit: Bank
    uat: Bank
    address: str
    terminal: Person

    def api(self, bank: Bank, name: str = "maker") -> Api:
        """Return the console API as one of a workspace's people calls it."""
        return Api(self.address, bank.name, secret=bank.secret(name))

    async def run(self, *arguments: str | Path, as_json: bool = True) -> Ran:
        """Run a command at the terminal."""
        return await asyncio.to_thread(self.terminal.run, *arguments, as_json=as_json)

    async def promote(self, *arguments: str | Path, key: Path | None = None) -> Ran:
        """Promote from SIT to UAT without being asked."""
        named = ("--key", key or self.uat.key, "--passphrase-file", self.terminal.folder / "secret", "--yes")
        return await self.run("promote", *arguments, "--from", SIT, "--to", UAT, *named)

    async def call(
        self, bank: Bank, method: str, path: str, body: Any = None, *, name: str = "maker", **query: Any
    ) -> Any:
        """Call the console API."""
        api = self.api(bank, name)
        with contextlib.closing(api):
            act = getattr(api, method)
            found = await asyncio.to_thread(act, path, *([body] if body is not None else []), **query)
        await bank.core.replica.poll()
        return found

    async def approve(self, bank: Bank, asked: Any) -> None:
        """Approve a change request as the second person."""
        path = f"/changes/{asked['change']}/approve"
        await self.call(bank, "post", path, {"digest": asked["digest"]}, name="checker")


@contextlib.asynccontextmanager
async def two_workspaces(folder: Path) -> AsyncIterator[Scene]:
    """Serve SIT and UAT; the app is registered in both, the roots are pinned at the terminal."""
    async with running_core(folder / "server", components=all_components(), workspaces=(SIT, UAT)) as core:
        banks = []
        for name in (SIT, UAT):
            (folder / name).mkdir()
            bank = Bank(Publishing(core, folder / name, app=APP, workspace=name), folder / name / "publisher.pem")
            await bank.join()
            await bank.expose()
            banks.append(bank)
        async with serving(core) as address:
            scene = Scene(banks[0], banks[1], address, Person(folder / "terminal", address))
            profiles = scene.terminal.folder / "home" / "profiles"
            profiles.mkdir(parents=True)
            (scene.terminal.folder / "secret").write_bytes(PASSPHRASE)
            for bank in banks:
                kept = {"server": address, "workspace": bank.name, "email": "x@example.com", "secret": bank.secret()}
                (profiles / f"{bank.name}.json").write_text(json.dumps(kept))
                pinned = await scene.run("--profile", bank.name, "trust", "root", "--pin")
                assert pinned.status == 0, pinned
            yield scene
