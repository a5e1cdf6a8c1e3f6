"""For tests of ours and of banks' components: a publisher, a reviewer and packages of an app, packed on the fly."""

import contextlib
import copy
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sampan.offline_packages import Accepted, NewApp, PackageIndex, Packed, Policy, pack
from sampan.offline_packages.publishing import next_app_body, signed_version
from sampan.offline_packages.roles import SignedVersion, tree_id
from sampan.offline_packages.signed_bytes import sign_body
from sampan.platform.artifacts import apps_service, quarantine, review_service, submit_service
from sampan.platform.artifacts.admitting import Submission
from sampan.platform.artifacts.component import component as artifacts_component
from sampan.platform.artifacts.kinds import ArtifactKind
from sampan.platform.artifacts.notes_repository import Finding
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.component import Background, Component, Jobs
from sampan.platform.core import Core
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Paging
from sampan.platform.ids import new_id
from sampan.platform.operators.actor import Actor, ActorKind, Grant, system_actor
from sampan.platform.operators.component import component as operators_component
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import APP, Clock, Parties
from sampan.platform.trust import service as trust
from sampan.platform.trust.component import component as trust_component
from sampan.platform.trust.key_rows import Purpose

SYSTEM = system_actor("test")
PUBLISHER_RIGHTS = frozenset({"app:read", "version:submit", "version:comment"})
REVIEWER_RIGHTS = frozenset({"app:read", "version:review", "version:comment", "trial:manage"})


def person(label: str, rights: frozenset[str], *, publisher: str | None = None) -> Actor:
    """Return a signed-in person with one grant."""
    return Actor(
        ActorKind.OPERATOR,
        f"per_{uuid.uuid5(uuid.NAMESPACE_DNS, label).hex}",
        new_id("opr"),
        label,
        (Grant("test", rights, publisher=publisher),),
    )


async def _no_rules(_tx: Transaction, _app_id: str) -> None:
    return None


def _find_marks(_rules: Any, _previous: PackageIndex | None, accepted: Accepted) -> Sequence[Finding]:
    """Report an error for a file called `refuse-me.txt`, so that tests can make checks fail."""
    marked = [entry.path for entry in accepted.index.files if entry.path == "refuse-me.txt"]
    return [Finding("refused_by_test", "error", "The test asked for it.", path) for path in marked]


def _scan_marks(accepted: Accepted) -> Sequence[Finding]:
    """Report a warning for a file called `scan-me.txt`."""
    marked = [entry.path for entry in accepted.index.files if entry.path == "scan-me.txt"]
    return [Finding("scanned_by_test", "warning", "The test asked for it.", path) for path in marked]


TEST_KIND = ArtifactKind("miniapp", _no_rules, lambda _rules: Policy(), _find_marks, _scan_marks)


def without_background(component: Component) -> Component:
    """Return the component without its background tasks and jobs: tests run those by hand, when they mean to."""
    kept = tuple(value for value in component.everything() if not isinstance(value, Background | Jobs))
    return Component(component.name, kept)


COMPONENTS = (
    operators_component,
    without_background(trust_component),
    without_background(artifacts_component),
    Component("test kinds", (TEST_KIND,)),
)


def packed_app(folder: Path, sequence: int, *, app: str = APP, files: Mapping[str, str] | None = None) -> Packed:
    """Return a small H5 app packed under `folder`; `files` are added to its one page."""
    source = folder / f"{app}-{sequence}-source"
    source.mkdir(parents=True)
    (source / "index.html").write_text(f"<!doctype html><title>{app}</title><p>version {sequence}</p>\n")
    for path, text in (files or {}).items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    new_app = NewApp(app_id=app, version_name=f"1.{sequence}.0", sequence=sequence)
    return pack(source, folder / f"{app}-{sequence}", new_app=new_app)


@dataclass
class Publishing:
    """A publisher with one app whose role is signed, in a server under test, and a reviewer of the bank."""

    core: Core
    folder: Path
    app: str = APP
    workspace: str = WORKSPACE
    parties: Parties = field(init=False)
    publisher_id: str = ""
    publisher: Actor = SYSTEM
    reviewer: Actor = field(default_factory=lambda: person("reviewer", REVIEWER_RIGHTS))

    def __post_init__(self) -> None:
        self.parties = Parties(self.core, self.workspace)

    async def start(self, *, name: str = "Acme") -> None:
        """Hold the ceremony, register the publisher, create the app and let the officers sign its role."""
        for number, officer in enumerate(self.parties.officers):
            await self.parties.register(officer, Purpose.OFFICER, owner=f"officer {number}")
        officers = [key_id(officer.public) for officer in self.parties.officers]
        for profile in self.parties.publisher:
            async with self.core.store.workspace(self.workspace).write() as tx:
                await trust.start_tree(self.core, tx, profile, officers, SYSTEM)
            await self.parties.sign_all(profile)
        await self.join(name=name)

    async def join(self, *, name: str) -> None:
        """Register the publisher in trees that are started, with its app."""
        keys = {profile: key.public.pem() for profile, key in self.parties.publisher.items()}
        made = await apps_service.register_publisher(self.core, self.workspace, SYSTEM, name=name, keys=keys)
        self.publisher_id = made.id
        self.publisher = person(f"developer of {name}", PUBLISHER_RIGHTS, publisher=made.id)
        await self.create_app(self.app)

    async def create_app(self, app: str, *, kind: str = "miniapp") -> None:
        """Create an app of the publisher and let the officers sign."""
        await apps_service.create_app(
            self.core, self.workspace, SYSTEM, app_id=app, kind=kind, publisher_id=self.publisher_id
        )
        for profile in self.parties.publisher:
            await self.parties.sign_all(profile)

    def _version(self, packed: Packed, floor: int) -> SignedVersion:
        return signed_version(
            packed.index.app,
            packed.index.sequence,
            version=packed.index.version,
            index=packed.index_bytes,
            package_digest=f"sha256:{packed.index.archive.sha256}",
            package_bytes=packed.index.archive.size,
            floor=floor,
        )

    async def bodies(self, packed: Packed, *profiles: str, floor: int = 0) -> dict[str, bytes]:
        """Return the next bodies with this package, signed on the publisher's machine."""
        version = self._version(packed, floor)
        signed = {}
        for profile in profiles or ("intl",):
            current = await self.parties.current(profile, f"app.{packed.index.app}")
            tree = tree_id(self.workspace, profile)
            body = next_app_body(current, version, tree=tree, now_ms=self.core.now_ms())
            signed[profile] = sign_body(body, self.parties.publisher[profile])
        return signed

    async def body_out_of_order(self, packed: Packed, profile: str) -> bytes:
        """Return a signed next body that lists this package although a higher sequence is listed."""
        current = await self.parties.current(profile, f"app.{packed.index.app}")
        if current is None:
            raise LookupError("nothing is published yet")
        body = copy.deepcopy(current)
        body.version += 1
        body.targets.update(self._version(packed, 0).targets())
        return sign_body(body, self.parties.publisher[profile])

    async def upload(self, packed: Packed) -> str:
        """Upload the package and return the upload's id."""
        data = packed.archive_path.read_bytes()
        found = await quarantine.receive(self.core, self.workspace, self.publisher, chunks_of(data))
        return found.id

    async def submit(self, packed: Packed, *profiles: str, is_urgent: bool = False) -> Version:
        """Upload and submit a package."""
        return await self.submit_with(packed, await self.bodies(packed, *profiles), is_urgent=is_urgent)

    async def submit_with(self, packed: Packed, bodies: Mapping[str, bytes], *, is_urgent: bool = False) -> Version:
        """Upload and submit a package with bodies that were signed before."""
        submission = Submission(packed.index_bytes, bodies, is_urgent)
        upload_id = await self.upload(packed)
        return await submit_service.submit_version(
            self.core, self.workspace, self.publisher, packed.index.app, upload_id, submission
        )

    async def review(self, sequence: int) -> review_service.VersionDetail:
        """Return a version as the reviewer sees it."""
        return await review_service.get_version(self.core, self.workspace, self.reviewer, self.app, sequence)

    async def approve(self, sequence: int) -> Version:
        """Approve a version; it is not visible yet."""
        seen = await self.review(sequence)
        return await review_service.approve(
            self.core, self.workspace, self.reviewer, self.app, sequence, digest=seen.review_digest
        )

    async def expose(self, profile: str = "intl") -> None:
        """Run the publisher job of a tree once."""
        await trust.publish_tree(self.core, self.workspace, profile)
        await self.core.replica.poll()

    async def publish(self, sequence: int) -> Version:
        """Pack, submit, approve and expose a version."""
        await self.submit(packed_app(self.folder, sequence, app=self.app))
        await self.approve(sequence)
        await self.expose()
        return (await self.review(sequence)).version

    async def states(self) -> dict[int, VersionState]:
        """Return the state of every version of the app."""
        found = await review_service.list_versions(self.core, self.workspace, SYSTEM, self.app, Paging())
        return {each.sequence: each.state for each in found.items}


async def chunks_of(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    """Yield bytes as a request's body would come."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


@contextlib.asynccontextmanager
async def publishing_in(
    folder: Path, *, components: Sequence[Component] = COMPONENTS, app: str = APP, postgres_url: str = ""
) -> AsyncIterator[Publishing]:
    """Open a server with one publisher ready to publish; no job runs unless the test runs it."""
    async with running_core(
        folder / "server", components=components, now_ms=Clock(), postgres_url=postgres_url
    ) as core:
        made = Publishing(core, folder, app=app)
        await made.start()
        yield made
