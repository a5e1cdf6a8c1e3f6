"""Release, promote, patch and roll back. What gives devices more waits for a second person; what takes back does not.

The rules are microsoft/code-push-server's: one unfinished rollout at a time, no second release of the same content,
no way back to other binary versions, rollouts that only rise. Ours: a bundle is signed by the deployment's key, and
one person goes back only to what a second person approved for everybody.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sampan.codepush import repository
from sampan.codepush.approving import propose_served, put_served, refuse_second_rollout
from sampan.codepush.bundles import Bundle, read_bundle, repack, require_signature
from sampan.codepush.diffing import enqueue_differences
from sampan.codepush.problems import (
    CodePushMalformed,
    NotApproved,
    OtherBinary,
    RolloutMayOnlyRise,
    SameContent,
    UnknownCodePush,
)
from sampan.codepush.records import EVERYBODY, Deployment, Method, Release, Served, State, Stored
from sampan.codepush.service import EDIT, LOWER, present_deployment
from sampan.codepush.storage import bundle_key, new_object_id
from sampan.codepush.versions import BadRange, parse_range
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.threads import uninterrupted
from sampan.platform.operators.actor import Actor

MAX_DESCRIPTION = 10_000
_LABEL = re.compile(r"v([1-9][0-9]{0,8})")


class Wanted(Struct, frozen=True):
    """What is asked of a release; None is as it is, or as usual."""

    app_version: str | None = None
    description: str | None = None
    is_disabled: bool | None = None
    is_mandatory: bool | None = None
    rollout: int | None = None

    def over(self, served: Served) -> Served:
        """Return `served` with what is asked; raise `CodePushMalformed`."""
        asked = {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not None}
        after = replace(served, **asked)
        try:
            parse_range(after.app_version)
        except BadRange as problem:
            raise CodePushMalformed(
                f"The binary version must be a version or a range as npm writes them, such as 1.2.3 or ^1.2: {problem}."
            ) from problem
        if not after.app_version.strip():
            raise CodePushMalformed("Say for which binary versions the release is, such as 1.2.3 or ^1.2.")
        if not 1 <= after.rollout <= EVERYBODY:
            raise CodePushMalformed("The rollout is a whole number of percent, 1 to 100.")
        if len(after.description) > MAX_DESCRIPTION:
            raise CodePushMalformed(f"The description has at most {MAX_DESCRIPTION} characters.")
        return after


class Done(Struct, frozen=True):
    """A release after what was asked; `change` is the change request that waits for a second person, or empty."""

    release: Release
    change: str = ""


NEW = Served("", "", is_disabled=False, is_mandatory=False, rollout=EVERYBODY)


async def release(
    core: Core, workspace_id: str, actor: Actor, app: str, deployment: str, archive: Path, wanted: Wanted
) -> Done:
    """Release the ZIP at `archive`, which is taken away; a second person approves it."""
    actor.require(EDIT)
    after = wanted.over(NEW)
    async with core.store.workspace(workspace_id).read() as tx:
        _app, found = await present_deployment(tx, app, deployment)
    bundle, stored = await uninterrupted(_read, archive, core.now_ms())
    require_signature(bundle.package_hash, bundle.token, found.public_key)
    async with core.store.workspace(workspace_id).read() as tx:
        await _refuse_new(tx, found, stored.package_hash, after)
    await core.objects.put_new_file(bundle_key(workspace_id, stored.object_id), archive)
    async with core.store.workspace(workspace_id).write() as tx:
        _app, found = await present_deployment(tx, app, deployment)
        require_signature(bundle.package_hash, bundle.token, found.public_key)
        await repository.add_bundle(tx, stored)
        return await _propose_new(core, tx, actor, app, found, stored, after, Method.UPLOAD)


async def promote(
    core: Core, workspace_id: str, actor: Actor, app: str, source: str, into: str, wanted: Wanted, label: str = ""
) -> Done:
    """Release in another deployment what one has; a second person approves it."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        _app, origin = await present_deployment(tx, app, source)
        _app, found = await present_deployment(tx, app, into)
        if origin.id == found.id:
            raise CodePushMalformed("Promote from one deployment to another.")
        what = await _labelled(tx, origin, label)
        if what.state is not State.APPROVED:
            raise NotApproved(_why_not_yet(what))
        stored = (await repository.find_bundles(tx, [what.bundle]))[what.bundle]
        require_signature(stored.package_hash, stored.token, found.public_key)
        after = wanted.over(replace(what.served, rollout=EVERYBODY))
        return await _propose_new(
            core, tx, actor, app, found, stored, after, Method.PROMOTE, original=(origin.name, what.label)
        )


async def patch(
    core: Core, workspace_id: str, actor: Actor, app: str, deployment: str, wanted: Wanted, label: str = ""
) -> Done:
    """Change how a release goes out: disabling it or making it optional at once, all else by a second person."""
    if not actor.may(LOWER):
        actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        _app, found = await present_deployment(tx, app, deployment)
        present = await _labelled(tx, found, label)
        if present.state is not State.APPROVED:
            raise NotApproved(_why_not_yet(present))
        if wanted == Wanted():
            raise CodePushMalformed(
                "Say what changes. The command line leaves out what is false (-x false, -m false): enable a disabled"
                " release at the console, on the page of its deployment."
            )
        after = wanted.over(present.served)
        _check_rollout(present, wanted.rollout)
        if after == present.served:
            return Done(present)
        if _is_lower(present.served, after):
            actor.require(LOWER)
            await put_served(core, tx, actor, present, after, "lowered")
            return Done(replace(present, is_disabled=after.is_disabled, is_mandatory=after.is_mandatory))
        if not after.is_disabled and after.is_unfinished:
            await refuse_second_rollout(tx, found, but=present.n)
        change = await propose_served(core, tx, actor, app, found, present, after)
    return Done(present, change.id)


async def roll_back(core: Core, workspace_id: str, actor: Actor, app: str, deployment: str, label: str = "") -> Done:
    """Give out an earlier, approved label's content again at once, under a new label."""
    actor.require(LOWER)
    async with core.store.workspace(workspace_id).write() as tx:
        _app, found = await present_deployment(tx, app, deployment)
        present, target = await _way_back(tx, found, label)
        stored = (await repository.find_bundles(tx, [target.bundle]))[target.bundle]
        require_signature(stored.package_hash, stored.token, found.public_key)  # the key may be another by now
        if target.app_version != present.app_version:
            raise OtherBinary(
                f"{target.label} is for {target.app_version}, {present.label} for {present.app_version}. "
                "Release for the binary version instead."
            )
        if target.package_hash == present.package_hash:
            raise SameContent(f"{target.label} has the same content as {present.label}.")
        again = replace(
            target,
            n=await repository.next_number(tx, found.id),
            salt=secrets.token_hex(8),
            method=Method.ROLLBACK,
            original_label=target.label,
            original_deployment="",
            released_by=actor.person_id,
            created_ms=core.now_ms(),
        )
        await repository.add_release(tx, again)
        await put_served(core, tx, actor, again, again.served, "rolled_back")
    return Done(again)


async def _way_back(tx: Transaction, deployment: Deployment, label: str) -> tuple[Release, Release]:
    """Return the present release and the one to go back to; raise when a second person never agreed to that one."""
    approved = await repository.latest_approved(tx, deployment.id)
    if not approved:
        raise UnknownCodePush(f"{deployment.name} has no approved release.")
    if not label:
        usual = next((each for each in approved[1:] if _is_for_all(each)), None)
        if usual is None:
            raise NotApproved(_why_no_way_back(deployment, approved))
        return approved[0], usual
    target = await _labelled(tx, deployment, label)
    if target.state is not State.APPROVED:
        raise NotApproved(_why_not_yet(target))
    if not _is_for_all(target):
        raise NotApproved(f"{_why_not_for_all(target)} Then roll back to it.")
    return approved[0], target


def _why_no_way_back(deployment: Deployment, approved: Sequence[Release]) -> str:
    present = approved[0].label
    if len(approved) == 1:
        return (
            f"{present} is the first release of {deployment.name}: there is nothing before it to roll back to. "
            "Disable it, and no further device gets it; release a fix for those that have it."
        )
    return f"No release before {present} goes to everybody now. {_why_not_for_all(approved[1])} Then roll back."


def _why_not_for_all(release: Release) -> str:
    if release.is_disabled:
        return f"{release.label} is disabled: enable it first, which a second person approves."
    return (
        f"{release.label} was approved for {release.rollout} % of the devices: "
        "raise it to 100 % first, which a second person approves."
    )


def _why_not_yet(release: Release) -> str:
    if release.state is State.REFUSED:
        return f"{release.label} was refused for good. Release it again."
    return (
        f"{release.label} waits for a second person. Until its change request is approved nothing else is done to it."
    )


def _is_for_all(release: Release) -> bool:
    return not release.is_disabled and not release.served.is_unfinished


def _is_lower(before: Served, after: Served) -> bool:
    """Whether nobody gets more, or is pressed more, than before."""
    same = replace(after, is_disabled=before.is_disabled, is_mandatory=before.is_mandatory) == before
    return same and after.is_disabled >= before.is_disabled and after.is_mandatory <= before.is_mandatory


def _check_rollout(present: Release, rollout: int | None) -> None:
    if rollout is None or rollout == present.rollout:
        return
    if not present.served.is_unfinished:
        raise RolloutMayOnlyRise(
            f"{present.label} goes to everybody already, and a rollout never shrinks. "
            f"Disable {present.label}, roll back, or release again with a rollout of {rollout} %."
        )
    if rollout < present.rollout:
        raise RolloutMayOnlyRise(
            f"The rollout of {present.label} is {present.rollout} % and may only rise. Disable it to stop it."
        )


async def _labelled(tx: Transaction, deployment: Deployment, label: str) -> Release:
    """Return a label of a deployment, or its newest."""
    number = _LABEL.fullmatch(label)
    if number is not None:
        found = await repository.find_release(tx, deployment.id, int(number[1]))
    else:
        found = next(iter(await repository.latest_releases(tx, deployment.id, 1)), None) if not label else None
    if found is None:
        raise UnknownCodePush(f"{deployment.name} has no {label or 'release'}.")
    return found


async def _refuse_new(tx: Transaction, deployment: Deployment, package_hash: str, after: Served) -> None:
    """Raise `RolloutUnfinished` or `SameContent` when the deployment takes no such release now."""
    await refuse_second_rollout(tx, deployment)
    latest = await repository.latest_for(tx, deployment.id, after.app_version)
    if latest is not None and latest.package_hash == package_hash:
        waits = " and waits for approval" if latest.state is State.WAITING else ""
        raise SameContent(
            f"The uploaded package is identical to {latest.label} of {deployment.name} for {latest.app_version}{waits}."
        )


async def _propose_new(
    core: Core,
    tx: Transaction,
    actor: Actor,
    app: str,
    deployment: Deployment,
    stored: Stored,
    after: Served,
    method: Method,
    original: tuple[str, str] = ("", ""),
) -> Done:
    await _refuse_new(tx, deployment, stored.package_hash, after)
    new = Release(
        deployment_id=deployment.id,
        n=await repository.next_number(tx, deployment.id),
        state=State.WAITING,
        bundle=stored.sha256,
        package_hash=stored.package_hash,
        size_bytes=stored.size_bytes,
        salt=secrets.token_hex(8),
        method=method,
        original_label=original[1],
        original_deployment=original[0],
        change_id="",
        released_by=actor.person_id,
        created_ms=core.now_ms(),
        **after.plain(),
    )
    await repository.add_release(tx, new)
    change = await propose_served(core, tx, actor, app, deployment, new, after)
    await repository.change_release(tx, new, change_id=change.id)
    await enqueue_differences(core, tx, new)
    return Done(replace(new, change_id=change.id), change.id)


def _read(archive: Path, now_ms: int) -> tuple[Bundle, Stored]:
    """Read a bundle and pack it anew, so that a device cannot unpack what was neither hashed nor signed."""
    bundle = read_bundle(archive)
    packed = archive.with_name(f"{archive.name}-packed")
    try:
        repack(archive, bundle.files, packed)
        packed.replace(archive)
    finally:
        packed.unlink(missing_ok=True)
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = archive.stat().st_size
    return bundle, Stored(sha256, bundle.package_hash, size, bundle.files, bundle.token, new_object_id(), now_ms)
