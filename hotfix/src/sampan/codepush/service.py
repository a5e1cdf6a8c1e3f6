"""Apps, deployments and their keys. Which key devices trust is a change request; the rest changes nothing for them."""

import re
import secrets
from typing import Any

from sampan.codepush import repository
from sampan.codepush.bundles import checked_public_key
from sampan.codepush.part import PART
from sampan.codepush.problems import CodePushInUse, CodePushMalformed, CodePushNameTaken, UnknownCodePush
from sampan.codepush.records import App, Deployment
from sampan.platform.core import Core
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, propose
from sampan.platform.workspaces.revisions import raise_revision

READ, EDIT, APPROVE, LOWER = "codepush:read", "codepush:edit", "codepush:approve", "codepush:lower"
KEY_CHANGE = "codepush.key"
STANDARD = ("Staging", "Production")
MAX_APPS, MAX_DEPLOYMENTS = 500, 100
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")


async def add_app(core: Core, workspace_id: str, actor: Actor, name: str, os: str, platform: str) -> App:
    """Make an app without deployments."""
    actor.require(EDIT)
    app = App(new_id("cpa"), _name(name), os[:32], platform[:32], actor.person_id, core.now_ms())
    async with core.store.workspace(workspace_id).write() as tx:
        await _require_free_app(tx, app.name)
        if len(await repository.list_apps(tx)) >= MAX_APPS:
            raise CodePushInUse(f"A workspace has at most {MAX_APPS} CodePush apps.")
        await repository.add_app(tx, app)
        await _record(core, tx, actor, "app_made", app.name, {"os": app.os, "platform": app.platform})
    return app


async def rename_app(core: Core, workspace_id: str, actor: Actor, name: str, new_name: str) -> None:
    """Give an app another name; devices do not know it."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        app = await present_app(tx, name)
        if new_name != name:
            await _require_free_app(tx, _name(new_name))
            await repository.rename_app(tx, app.id, new_name)
            await _record(core, tx, actor, "app_renamed", new_name, {"before": name})


async def remove_app(core: Core, workspace_id: str, actor: Actor, name: str) -> None:
    """Delete an app of which nothing was ever released."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        app = await present_app(tx, name)
        for deployment in await repository.list_deployments(tx, app.id):
            await _remove_deployment(core, tx, actor, app, deployment)
        await repository.delete_app(tx, app.id)
        await _record(core, tx, actor, "app_removed", name, {})


async def add_deployment(
    core: Core, workspace_id: str, actor: Actor, app_name: str, name: str, key: str = ""
) -> Deployment:
    """Make a deployment; `key` keeps the one that an app in the stores was built with."""
    actor.require(EDIT)
    if key and _KEY.fullmatch(key) is None:
        raise CodePushMalformed("A deployment key has 20 to 64 letters, digits, dashes and underscores.", field="key")
    async with core.store.workspace(workspace_id).write() as tx:
        app = await present_app(tx, app_name)
        await _require_free_deployment(tx, app, _name(name))
        key = key or secrets.token_urlsafe(27)
        if await repository.deployment_by_key(tx, key) is not None:
            raise CodePushNameTaken("Another deployment has this key.", field="key")
        if len(await repository.list_deployments(tx, app.id)) >= MAX_DEPLOYMENTS:
            raise CodePushInUse(f"An app has at most {MAX_DEPLOYMENTS} deployments.")
        deployment = Deployment(new_id("cpd"), app.id, name, key, "", 0, core.now_ms())
        await repository.add_deployment(tx, deployment)
        await _record(core, tx, actor, "deployment_made", f"{app_name} {name}", {"deployment": deployment.id})
        await raise_revision(tx, PART)
    return deployment


async def rename_deployment(
    core: Core, workspace_id: str, actor: Actor, app_name: str, name: str, new_name: str
) -> None:
    """Give a deployment another name; devices know its key alone."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        app, deployment = await present_deployment(tx, app_name, name)
        if new_name != name:
            await _require_free_deployment(tx, app, _name(new_name))
            await repository.change_deployment(tx, deployment.id, name=new_name)
            await _record(core, tx, actor, "deployment_renamed", f"{app_name} {new_name}", {"before": name})


async def remove_deployment(core: Core, workspace_id: str, actor: Actor, app_name: str, name: str) -> None:
    """Delete a deployment that never released anything."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        app, deployment = await present_deployment(tx, app_name, name)
        await _remove_deployment(core, tx, actor, app, deployment)


async def propose_key(core: Core, workspace_id: str, actor: Actor, app_name: str, name: str, pem: str) -> Change:
    """Ask for another public key of a deployment; a second person approves it."""
    after = checked_public_key(pem)
    async with core.store.workspace(workspace_id).read() as tx:
        app, deployment = await present_deployment(tx, app_name, name)
    payload = {"app": app.name, "deployment": deployment.name, "before": deployment.public_key, "after": after}
    return await propose(core, workspace_id, actor, kind=KEY_CHANGE, target=deployment.id, payload=payload)


async def present_app(tx: Transaction, name: str) -> App:
    """Return an app; raise `UnknownCodePush`."""
    app = await repository.find_app(tx, name)
    if app is None:
        raise UnknownCodePush(f"There is no CodePush app {name!r} in this workspace.")
    return app


async def present_deployment(tx: Transaction, app_name: str, name: str) -> tuple[App, Deployment]:
    """Return an app and its deployment; raise `UnknownCodePush`."""
    app = await present_app(tx, app_name)
    deployment = await repository.find_deployment(tx, app.id, name)
    if deployment is None:
        raise UnknownCodePush(f"The CodePush app {app_name!r} has no deployment {name!r}.")
    return app, deployment


def fingerprint(pem: str) -> str:
    """Return what people compare of a public key; empty for none."""
    return digest(pem.encode()) if pem else ""


async def _remove_deployment(core: Core, tx: Transaction, actor: Actor, app: App, deployment: Deployment) -> None:
    if deployment.last_n:
        raise CodePushInUse(
            f"{deployment.name} of {app.name} has releases, and devices may follow it. Disable them instead."
        )
    await repository.delete_deployment(tx, deployment.id)
    await _record(core, tx, actor, "deployment_removed", f"{app.name} {deployment.name}", {})
    await raise_revision(tx, PART)


async def _require_free_app(tx: Transaction, name: str) -> None:
    if await repository.find_app(tx, name) is not None:
        raise CodePushNameTaken(f"There is a CodePush app {name!r} already.", field="name")


async def _require_free_deployment(tx: Transaction, app: App, name: str) -> None:
    if await repository.find_deployment(tx, app.id, name) is not None:
        raise CodePushNameTaken(f"{app.name} has a deployment {name!r} already.", field="name")


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise CodePushMalformed("A name has 1 to 100 letters, digits, dashes, points and underscores.", field="name")
    return name


async def _key_base(tx: Transaction, deployment_id: str) -> str:
    deployment = await repository.deployment_by_id(tx, deployment_id)
    if deployment is None:
        raise UnknownCodePush("The deployment is gone.")
    return fingerprint(deployment.public_key)


async def _apply_key(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    await repository.change_deployment(tx, change.target, public_key=change.payload["after"])
    named = f"{change.payload['app']} {change.payload['deployment']}"
    await _record(core, tx, actor, "key_replaced", named, {"key": fingerprint(change.payload["after"])})


def _describe_key(payload: dict[str, Any]) -> list[DiffLine]:
    before, after = fingerprint(payload["before"]), fingerprint(payload["after"])
    return [
        DiffLine("公钥指纹", "Fingerprint of the public key", before or None, after),
        DiffLine("公钥", "Public key", payload["before"] or None, payload["after"]),
    ]


async def _record(core: Core, tx: Transaction, actor: Actor, what: str, target: str, detail: dict[str, Any]) -> None:
    await audit.record(tx, actor, f"codepush.{what}", target=target, detail=detail, now_ms=core.now_ms())


KEYS = ChangeKind(
    KEY_CHANGE,
    zh="登记 CodePush 公钥",
    en="Public key of a CodePush deployment",
    propose=EDIT,
    approve=APPROVE,
    base=_key_base,
    apply=_apply_key,
    describe=_describe_key,
    named=lambda _target, payload: f"{payload['app']} {payload['deployment']}",
)
