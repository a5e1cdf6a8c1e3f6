"""The change request of a release: what devices will get, seen and approved by a second person."""

from typing import Any

from sampan.codepush import repository
from sampan.codepush.diffing import enqueue_differences
from sampan.codepush.part import PART
from sampan.codepush.problems import NotApproved, RolloutUnfinished, UnknownCodePush
from sampan.codepush.records import Deployment, Release, Served, State, offered
from sampan.codepush.service import APPROVE, EDIT
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, Words
from sampan.platform.operators.changes import propose_in as propose_change
from sampan.platform.workspaces.revisions import raise_revision

RELEASE_CHANGE = "codepush.release"
YES_NO = {"true": Words("是", "yes"), "false": Words("否", "no")}


async def propose_served(
    core: Core, tx: Transaction, actor: Actor, app: str, deployment: Deployment, release: Release, after: Served
) -> Change:
    """Ask that a release goes out as `after`; until then nothing changes for devices."""
    before = None if release.state is State.WAITING else release.served.plain()
    payload = {
        "app": app,
        "deployment": deployment.name,
        "key": deployment.key,
        "label": release.label,
        "package_hash": release.package_hash,
        "size_bytes": release.size_bytes,
        "method": str(release.method),
        "from": " ".join(filter(None, (release.original_deployment, release.original_label))),
        "before": before,
        "after": after.plain(),
    }
    target = f"{deployment.id}/{release.n}"
    return await propose_change(core, tx, actor, kind=RELEASE_CHANGE, target=target, payload=payload)


async def refuse_second_rollout(tx: Transaction, deployment: Deployment, but: int = 0) -> None:
    """Raise `RolloutUnfinished` while another release of the deployment goes to a part of the devices."""
    for each in await repository.unfinished_releases(tx, deployment.id):
        if each.n != but:
            raise RolloutUnfinished(
                f"{each.label} of {deployment.name} goes to {each.rollout} % of the devices. "
                "Raise it to 100 %, or disable it, before another release."
            )


async def put_served(core: Core, tx: Transaction, actor: Actor, release: Release, served: Served, why: str) -> None:
    """Give a release out as `served` from now on."""
    before = {each.n for each in offered(await repository.latest_approved(tx, release.deployment_id))}
    await repository.change_release(tx, release, state=State.APPROVED, **served.plain())
    detail = {"deployment": release.deployment_id, "label": release.label, **served.plain()}
    await audit.record(tx, actor, f"codepush.{why}", target=release.package_hash, detail=detail, now_ms=core.now_ms())
    await raise_revision(tx, PART)
    for each in offered(await repository.latest_approved(tx, release.deployment_id)):
        if each.n == release.n or each.n not in before:  # one that stood behind this one is offered again
            await enqueue_differences(core, tx, each)


async def _target(tx: Transaction, target: str) -> tuple[Deployment, Release]:
    deployment_id, _, n = target.partition("/")
    deployment = await repository.deployment_by_id(tx, deployment_id)
    release = await repository.find_release(tx, deployment_id, int(n)) if deployment is not None else None
    if deployment is None or release is None:
        raise UnknownCodePush("There is no such release.")
    return deployment, release


async def _base(tx: Transaction, target: str) -> str:
    deployment, release = await _target(tx, target)
    if not release.bundle:
        raise NotApproved(f"{release.label} waited too long, and its bundle was removed. Release it again.")
    name = next((app.name for app in await repository.list_apps(tx) if app.id == deployment.app_id), "")
    # with the names: what was read as a release of one deployment is not approved when that name is another's
    return release.revision(deployment.public_key, f"{name} {deployment.name}")


async def _apply(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    deployment, release = await _target(tx, change.target)
    after = Served(**change.payload["after"])
    if not after.is_disabled and after.is_unfinished:
        await refuse_second_rollout(tx, deployment, but=release.n)
    await put_served(core, tx, actor, release, after, "approved")


async def _closed(_core: Core, tx: Transaction, change: Change, _actor: Actor) -> None:
    """Mark a release that nobody wanted as refused; one that is given out stays as it is."""
    _deployment, release = await _target(tx, change.target)
    if release.state is State.WAITING:
        await repository.change_release(tx, release, state=State.REFUSED)


def _describe(payload: dict[str, Any]) -> list[DiffLine]:
    before, after = payload["before"] or {}, payload["after"]
    lines = [
        DiffLine(zh, en, None if payload["before"] is None else value, value)  # of a label that is there, these stay
        for zh, en, value in (
            ("标签", "Label", payload["label"]),
            ("部署密钥", "Deployment key", payload["key"]),
            ("内容哈希", "Package hash", payload["package_hash"]),
            ("大小（字节）", "Bytes", str(payload["size_bytes"])),
            ("来源", "From", " ".join(filter(None, (payload["method"], payload["from"])))),
        )
    ]
    named = [
        DiffLine(zh, en, _said(before.get(name)), _said(after[name]), words)
        for name, zh, en, words in (
            ("app_version", "适用的二进制版本", "Binary versions", {}),
            ("rollout", "发布比例（%）", "Rollout in percent", {}),
            ("is_mandatory", "强制", "Mandatory", YES_NO),
            ("is_disabled", "停用", "Disabled", YES_NO),
            ("description", "说明", "Description", {}),
        )
        if payload["before"] is None or before.get(name) != after[name]
    ]
    return lines + named


def _said(value: object) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


RELEASES = ChangeKind(
    RELEASE_CHANGE,
    zh="发布 CodePush 更新",
    en="CodePush release",
    propose=EDIT,
    approve=APPROVE,
    base=_base,
    apply=_apply,
    describe=_describe,
    on_close=_closed,
    named=lambda _target, payload: f"{payload['app']} {payload['deployment']} {payload['label']}",
)
