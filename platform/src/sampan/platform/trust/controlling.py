"""Control: the small file per app that says what may be offered, is killed, or may go back.

Its serial only rises, `(incarnation).(n)`; the publisher job signs the control role anew in every tree.
"""

import hashlib
from collections.abc import Callable

import msgspec
from tuf.api.metadata import Targets

from sampan.offline_packages.control import Control, Serial
from sampan.offline_packages.roles import CONTROL_ROLE, control_path
from sampan.offline_packages.signed_bytes import read_body
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.bodies import AppNotDelegated, delegated_apps
from sampan.platform.trust.control_rows import all_controls, control_of, save_control
from sampan.platform.trust.metadata_rows import stored_body
from sampan.platform.trust.profiles import PROFILES
from sampan.platform.trust.reading import current_targets
from sampan.platform.trust.waking import tree_changed
from sampan.platform.workspaces.revisions import current_revision


async def current_control(tx: Transaction, app_id: str) -> Control | None:
    """Return the app's control as last written, or None before the first."""
    record = await control_of(tx, app_id)
    return record.control if record else None


async def change_control(
    core: Core, tx: Transaction, app_id: str, change: Callable[[Control], Control], actor: Actor
) -> Control:
    """Write the app's next control file and let every tree where the app lives expose it.

    `change` gets the present control under its new serial, so that a roll-back entry can carry it. Raises
    `AppNotDelegated`, or `ControlMalformed` when the result breaks a rule.
    """
    trees = await _trees_of(tx, app_id)
    record = await control_of(tx, app_id)
    before = record.control if record else Control(app_id, "0.0", (), (), (), ())
    serial = _following(before.order, (await current_revision(tx)).incarnation)
    after = change(msgspec.structs.replace(before, serial=str(serial)))
    after = msgspec.structs.replace(after, app=app_id, serial=str(serial))
    await save_control(tx, after, is_new=record is None, now_ms=core.now_ms())
    for profile in trees:
        await tree_changed(core, tx, profile)
    detail = {"before": _shown(before), "after": _shown(after)}
    await audit.record(tx, actor, "trust.control_changed", target=app_id, detail=detail, now_ms=core.now_ms())
    return after


async def exposed_controls(tx: Transaction, profile: str, version: int) -> set[str]:
    """Return the apps whose present control file is the very one that this version of the control role lists.

    The others were changed again after that version was made, and become visible with a later one.
    """
    body = read_body((await stored_body(tx, profile, CONTROL_ROLE, version)).body, Targets)
    listed = {path: target.hashes["sha256"] for path, target in body.targets.items()}
    return {
        app_id
        for app_id, data in (await all_controls(tx)).items()
        if listed.get(control_path(app_id)) == hashlib.sha256(data).hexdigest()
    }


async def _trees_of(tx: Transaction, app_id: str) -> list[str]:
    found = []
    for profile in PROFILES:
        targets = await current_targets(tx, profile)
        if targets is not None and app_id in delegated_apps(targets):
            found.append(profile)
    if not found:
        raise AppNotDelegated(
            f"{app_id} has no role yet: two officers sign the waiting targets (`sampan trust sign`).", app=app_id
        )
    return found


def _following(before: Serial, incarnation: int) -> Serial:
    if incarnation > before.incarnation:
        return Serial(incarnation, 1)
    return Serial(before.incarnation, before.n + 1)


def _shown(control: Control) -> dict[str, object]:
    shown = msgspec.to_builtins(control)
    del shown["app"]
    return dict(shown)
