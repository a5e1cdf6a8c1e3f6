"""For tests of ours and of banks' components: the people around a trust tree, with keys of their own.

Three officers and a publisher; `Parties(core)` holds the ceremony, delegates, signs and publishes by the same
use cases as the console and the commands.
"""

import hashlib
from dataclasses import dataclass, field

from tuf.api.metadata import Targets

from sampan.offline_packages.control import Control
from sampan.offline_packages.publishing import next_app_body, signed_version
from sampan.offline_packages.roles import SignedVersion, tree_id
from sampan.offline_packages.signed_bytes import read_body, sign_body, sign_part
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.operators.actor import Actor, system_actor
from sampan.platform.testing import WORKSPACE
from sampan.platform.trust import service
from sampan.platform.trust.ceremonies import Signed
from sampan.platform.trust.key_rows import Purpose

APP = "bank.demo.coupons"
ACTOR: Actor = system_actor("test")
NOW_MS = 1_900_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass
class Clock:
    """Time that moves only when a test says so."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        """Return the time in milliseconds."""
        return self.now_ms


def package_of(app: str, sequence: int) -> tuple[bytes, bytes, SignedVersion]:
    """Return index bytes, package bytes and what the role lists for them."""
    index = b'{"app":"%s","sequence":%d}' % (app.encode(), sequence)
    package = b"package of %s %d " % (app.encode(), sequence) * 1000
    version = signed_version(
        app,
        sequence,
        version=f"1.{sequence}.0",
        index=index,
        package_digest=f"sha256:{hashlib.sha256(package).hexdigest()}",
        package_bytes=len(package),
    )
    return index, package, version


@dataclass
class Parties:
    """Officers (any two sign) and one publisher with a key per tree; their private keys stay here."""

    core: Core
    workspace: str = WORKSPACE
    officers: list[PrivateKey] = field(default_factory=lambda: [PrivateKey.generate() for _ in range(3)])
    publisher: dict[str, PrivateKey] = field(
        default_factory=lambda: {profile: PrivateKey.generate() for profile in ("intl", "trial")}
    )

    trees: list[str] = field(default_factory=list)

    async def register(self, key: PrivateKey, purpose: Purpose, profile: str = "", owner: str = "someone") -> str:
        """Register a public key and return its id."""
        record = await service.register_key(
            self.core, self.workspace, ACTOR, pem=key.public.pem(), purpose=purpose, profile=profile, owner=owner
        )
        return record.key_id

    async def register_all(self) -> None:
        """Register the officers' and the publisher's public keys."""
        for number, officer in enumerate(self.officers):
            await self.register(officer, Purpose.OFFICER, owner=f"officer {number}")
        for profile, key in self.publisher.items():
            await self.register(key, Purpose.PUBLISHER, profile, owner="pub_acme")

    async def start(self, *profiles: str) -> None:
        """Hold the first ceremony of these trees."""
        await self.register_all()
        self.trees += profiles or ("intl", "trial")
        for profile in self.trees:
            async with self.core.store.workspace(self.workspace).write() as tx:
                await service.start_tree(self.core, tx, profile, [key_id(each.public) for each in self.officers], ACTOR)
            await self.sign_all(profile)

    async def waiting(self, profile: str) -> list[service.Waiting]:
        """Return what waits for the officers of a tree."""
        async with self.core.store.workspace(self.workspace).read() as tx:
            return await service.waiting_bodies(tx, profile)

    async def sign(self, waiting: service.Waiting, officer: PrivateKey) -> Signed:
        """Sign one waiting body on an officer's machine and hand the signature in."""
        signature = sign_part(waiting.pending.body, officer)
        return await service.sign_pending(
            self.core,
            self.workspace,
            ACTOR,
            pending_id=waiting.pending.id,
            key=signature.keyid,
            signature=signature.signature,
        )

    async def sign_all(self, profile: str, *officers: PrivateKey) -> list[str]:
        """Let officers (the first two, if none are named) sign everything that waits; return what took effect."""
        stored: list[str] = []
        for waiting in await self.waiting(profile):
            for officer in officers or self.officers[:2]:
                stored += (await self.sign(waiting, officer)).stored
        return stored

    async def delegate(self, app: str = APP) -> None:
        """Ask for an app's role in every started tree and let two officers sign."""
        keys = {profile: key_id(self.publisher[profile].public) for profile in self.trees}
        async with self.core.store.workspace(self.workspace).write() as tx:
            await service.request_delegation(self.core, tx, app, keys, ACTOR)
        for profile in keys:
            await self.sign_all(profile)

    async def current(self, profile: str, role: str) -> Targets | None:
        """Return the latest stored body of a role."""
        async with self.core.store.workspace(self.workspace).read() as tx:
            found = await service.current_role(tx, profile, role)
        return read_body(found.body, Targets) if found else None

    async def signed_body(self, sequence: int, *, app: str = APP, profile: str = "intl") -> bytes:
        """Return the next body with this version, signed on the publisher's machine."""
        current = await self.current(profile, f"app.{app}")
        tree = tree_id(self.workspace, profile)
        version = package_of(app, sequence)[2]
        body = next_app_body(current, version, tree=tree, now_ms=self.core.now_ms())
        return sign_body(body, self.publisher[profile])

    async def publish(self, sequence: int, *, app: str = APP, profile: str = "intl") -> None:
        """Store the files and have the version countersigned and offered; the publisher job is not run."""
        index, package, version = package_of(app, sequence)
        for data in (index, package):
            await self.core.objects.put_new(service.target_key(self.workspace, hashlib.sha256(data).hexdigest()), data)
        body = await self.signed_body(sequence, app=app, profile=profile)
        async with self.core.store.workspace(self.workspace).write() as tx:
            await service.check_candidate(self.core, tx, profile=profile, version=version, body=body)
            await service.countersign(self.core, tx, profile=profile, app_id=app, body=body, actor=ACTOR)

    async def offer(self, *sequences: int, app: str = APP) -> Control:
        """Write the app's next control file, which offers these sequences."""

        def change(control: Control) -> Control:
            return Control(control.app, control.serial, tuple(sequences), (), (), ())

        async with self.core.store.workspace(self.workspace).write() as tx:
            return await service.change_control(self.core, tx, app, change, ACTOR)
