"""Use cases of upgrades. Entering one changes nothing for customers; a release of it does, and takes two persons."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.audience.versions import BadVersion, parse_version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Paging
from sampan.platform.identity.service_client_apps import present_client_app
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.repository import releases_of
from sampan.platform.release.states import ReleaseState
from sampan.platform.upgrades.links import checked_link
from sampan.platform.upgrades.part import KIND
from sampan.platform.upgrades.problems import (
    BadUpgrade,
    UnknownUpgrade,
    UpgradeInUse,
    UpgradeMoved,
    UpgradeTaken,
    UpgradeWithdrawn,
)
from sampan.platform.upgrades.repository import (
    Mode,
    Upgrade,
    add_upgrade,
    delete_upgrade,
    find_upgrades,
    page_upgrades,
    put_upgrade,
)

MAX_TEXT = 2000
ENDED = frozenset({ReleaseState.DRAFT, ReleaseState.STOPPED, ReleaseState.ROLLED_BACK})


class Wanted(Struct, frozen=True):
    """What a person enters of an upgrade."""

    version: str
    mode: Mode
    url: str
    text: Mapping[str, str]


async def enter_upgrade(
    core: Core, workspace_id: str, actor: Actor, client_app: str, build: int, wanted: Wanted
) -> Upgrade:
    """Enter a version of a client app; nobody hears of it before it is released. A killed build stays so for ever."""
    actor.require("upgrade:edit")
    _check(wanted)
    now_ms = core.now_ms()
    upgrade = Upgrade(
        client_app, build, wanted.version, wanted.mode, wanted.url, wanted.text, "", actor.person_id, now_ms, now_ms
    )
    async with core.store.workspace(workspace_id).write() as tx:
        await present_client_app(tx, client_app)
        if held := (await find_upgrades(tx, [(client_app, build)])).get((client_app, build)):
            await _refuse_killed(tx, held)
            raise UpgradeTaken(f"Build {build} of {client_app} is entered already. Change that one.")
        await add_upgrade(tx, upgrade)
        await _record(core, tx, actor, "upgrade.entered", upgrade)
    return upgrade


async def change_upgrade(
    core: Core, workspace_id: str, actor: Actor, client_app: str, build: int, wanted: Wanted, *, seen_ms: int
) -> Upgrade:
    """Change an upgrade that no release leads anybody to, nor back to, and that was not killed.

    `seen_ms` is its `changed_ms` when it was read; raises `UpgradeMoved` when that is another by now.
    """
    actor.require("upgrade:edit")
    _check(wanted)
    async with core.store.workspace(workspace_id).write() as tx:
        upgrade = await present_upgrade(tx, client_app, build)
        await _refuse_in_use(tx, upgrade)
        if upgrade.changed_ms != seen_ms:
            raise UpgradeMoved(
                "Somebody changed the upgrade since you read it. Read it again, then change it.",
                changed_ms=upgrade.changed_ms,
            )
        changed = replace(
            upgrade,
            version=wanted.version,
            mode=wanted.mode,
            url=wanted.url,
            text=wanted.text,
            changed_ms=max(core.now_ms(), upgrade.changed_ms + 1),
        )
        await put_upgrade(tx, changed)
        await _record(core, tx, actor, "upgrade.changed", changed)
    return changed


async def remove_upgrade(core: Core, workspace_id: str, actor: Actor, client_app: str, build: int) -> None:
    """Delete an upgrade that no release leads anybody to, nor back to, and that was not killed."""
    actor.require("upgrade:edit")
    async with core.store.workspace(workspace_id).write() as tx:
        upgrade = await present_upgrade(tx, client_app, build)
        await _refuse_in_use(tx, upgrade)
        await delete_upgrade(tx, client_app, build)
        await _record(core, tx, actor, "upgrade.removed", upgrade)


async def withdraw(core: Core, tx: Transaction, client_app: str, build: int, actor: Actor, note: str) -> None:
    """Mark an upgrade as one that nobody is led to again."""
    upgrade = await present_upgrade(tx, client_app, build)
    withdrawn = replace(upgrade, withdrawn=note, changed_ms=core.now_ms())
    await put_upgrade(tx, withdrawn)
    await _record(core, tx, actor, "upgrade.withdrawn", withdrawn)


async def present_upgrade(tx: Transaction, client_app: str, build: int) -> Upgrade:
    """Return an upgrade; raise `UnknownUpgrade`."""
    found = await find_upgrades(tx, [(client_app, build)])
    if not found:
        raise UnknownUpgrade(f"No build {build} of {client_app} is entered here.")
    return found[client_app, build]


def _check(wanted: Wanted) -> None:
    try:
        parse_version(wanted.version)
    except BadVersion as problem:
        raise BadUpgrade(problem.detail, field="version") from problem
    checked_link(wanted.url)
    for language in ("zh", "en"):
        if not wanted.text.get(language, "").strip():
            raise BadUpgrade("Say in both languages what is new: customers read it.", field=f"text.{language}")
        if len(wanted.text[language]) > MAX_TEXT:
            raise BadUpgrade(f"The text has at most {MAX_TEXT} characters.", field=f"text.{language}")


async def _refuse_in_use(tx: Transaction, upgrade: Upgrade) -> None:
    await _refuse_killed(tx, upgrade)
    for release in await releases_of(tx, KIND, upgrade.client_app):
        if upgrade.build in (release.sequence, release.rollback_to) and release.state not in ENDED:
            way = "" if release.sequence == upgrade.build else f", and may be rolled back to {upgrade.version}"
            raise UpgradeInUse(
                f"A release of {release.version} is {release.state}{way}. Stop it first, or enter another build.",
                release=release.id,
            )


async def _refuse_killed(tx: Transaction, upgrade: Upgrade) -> None:
    """Else one person could bring back what was killed, by changing it or entering it again."""
    if upgrade.withdrawn:
        highest = (await page_upgrades(tx, upgrade.client_app, Paging(None, 1))).items[0].build
        raise UpgradeWithdrawn(
            f"Build {upgrade.build} was killed, and nobody is ever led to that build again. Build the app anew with the"
            f" number {highest + 1} or a higher one, and enter that."
        )


async def _record(core: Core, tx: Transaction, actor: Actor, action: str, upgrade: Upgrade) -> None:
    detail: dict[str, Any] = {**upgrade.told(), "cause": upgrade.withdrawn}
    await audit.record(tx, actor, action, target=upgrade.client_app, detail=detail, now_ms=core.now_ms())
