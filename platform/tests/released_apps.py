"""A server whose workspace offers apps, with its rows written directly, for tests of the routes of devices."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sampan.offline_packages.control import Control, Killed
from sampan.platform.component import Component
from sampan.platform.core import Core
from sampan.platform.identity import component as identity
from sampan.platform.identity import demo_component as demo
from sampan.platform.ids import new_id
from sampan.platform.insight import component as insight
from sampan.platform.release import component as release
from sampan.platform.release.cap_rows import open_places
from sampan.platform.release.caps import Cap
from sampan.platform.release.client_rules import NO_RULES, ClientRules
from sampan.platform.release.deliverables import DeliverableKind
from sampan.platform.release.judging import NOTHING
from sampan.platform.release.repository import Release, add_release
from sampan.platform.release.schedule import ALWAYS
from sampan.platform.release.snapshot import PART
from sampan.platform.release.stages import EVERYBODY, Stage
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import TestServer, identity_server
from sampan.platform.trust.control_rows import all_controls, save_control
from sampan.platform.workspaces.revisions import raise_revision


async def _never(*_arguments: object) -> NoReturn:
    raise AssertionError("no test of these routes makes a release by its use case")


MINIAPPS = Component("test kind", (DeliverableKind("miniapp", _never, _never),))
COMPONENTS: Sequence[Component] = (identity.component, demo.component, insight.component, release.component, MINIAPPS)
EVERYONE = ("visitor", "registered", "e_account", "full")
SEQUENCE = 3


def digest_of(app: str) -> str:
    """Return the digest that the release of an app names."""
    return "sha256:" + app.encode().hex().ljust(64, "0")[:64]


async def offer(
    core: Core,
    app: str,
    *,
    tiers: Iterable[str] = EVERYONE,
    killed: Sequence[int] = (),
    state: ReleaseState = ReleaseState.RUNNING,
    audience: dict[str, Any] | None = None,
    sequence: int = SEQUENCE,
    stages: Sequence[Stage] = EVERYBODY,
    cap: Cap | None = None,
    client_rules: ClientRules = NO_RULES,
) -> str:
    """Release sequence 3 of an app, or another, to these tiers or to an audience, and return the release's id."""
    now_ms, digest = core.now_ms(), digest_of(app)
    made = Release(
        id=new_id("rel"),
        kind="miniapp",
        deliverable_id=app,
        sequence=sequence,
        version="1.3.0",
        digest=digest,
        size_bytes=1000,
        min_host=1,
        url=f"/trust/{WORKSPACE}/intl/targets/apps/{app}/3/0.package.ma",
        client_app=None,
        audience=audience or {"attr": "tier", "op": "in", "values": list(tiers)},
        stages=tuple(stages),
        stage=0,
        stage_since_ms=now_ms,
        started_ms=now_ms,
        judged_from_ms=now_ms,
        schedule=ALWAYS,
        before=NOTHING,
        update_mode="async",
        rollback_to=None,
        state=state,
        is_exposed=True,
        cause="",
        row_revision=1,
        made_by="test",
        created_ms=now_ms,
        changed_ms=now_ms,
        cap=cap,
        client_rules=client_rules,
    )
    kills = tuple(Killed(sequence, digest, "unsafe") for sequence in killed)
    async with core.store.workspace(WORKSPACE).write() as tx:
        await add_release(tx, made)
        if cap is not None:
            await open_places(tx, made.id, cap)
        control = Control(app, "1.2", (sequence,), kills, (), ())
        is_new = app not in await all_controls(tx)
        await save_control(tx, control, is_new=is_new, now_ms=now_ms)
        await raise_revision(tx, PART)
    await core.replica.poll()
    return made.id


@contextlib.asynccontextmanager
async def offering_server(folder: Path) -> AsyncIterator[TestServer]:
    """Run a server that offers `bank.demo.open` to everyone and `bank.demo.rich` to the tier `full`."""
    async with identity_server(folder, components=COMPONENTS) as server:
        await offer(server.core, "bank.demo.open")
        await offer(server.core, "bank.demo.rich", tiers=("full",))
        yield server


def body(**members: Any) -> dict[str, Any]:
    """Return a sync request of a device that holds nothing."""
    return {"client_app": "retail", "device": {"platform": "android", "host_version": 3}, "installed": [], **members}


def held(app: str, sequence: int = SEQUENCE) -> dict[str, Any]:
    """Return one entry of `installed`."""
    return {"kind": "miniapp", "id": app, "version": "1.0.0", "sequence": sequence, "digest": digest_of(app)}
