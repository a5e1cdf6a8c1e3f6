"""Promoting a version: the very package that the source published, signed by its publisher for the target's tree.

What the source published comes through its trust tree by the root that is pinned here, and the bytes are held against
it; the source's word alone decides nothing. The target checks, reviews and publishes as it does with any version.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sampan.offline_packages import PackageIndex, parse_index
from sampan.offline_packages.roles import SignedVersion, read_app_role
from sampan.platform.cli.api import ServerRefused
from sampan.platform.cli.output import Output, moment
from sampan.platform.cli.packages import SUFFIX
from sampan.platform.cli.pinned_roots import Place, published_body
from sampan.platform.cli.promotion_places import (
    PromotionDiverged,
    PromotionNotInForce,
    PromotionUnknown,
    Side,
    found_or_none,
    name_of,
    require_right,
)
from sampan.platform.cli.publisher_commands_versions import Job, Unlock
from sampan.platform.crypto.digest import digest as digest_of
from sampan.platform.errors import Conflict, NotFound

PROFILE, SUBMIT = "intl", "version:submit"
SHOWN_FILES = 20
GIVEN_UP = ("rejected", "sequence_superseded", "archived", "killed", "checks_failed")


class PromotionAppMissing(NotFound):
    """The target has no app of this id, or one of another kind."""

    code = "promotion_app_missing"


class PromotionOtherKey(Conflict):
    """The key is not the one with which the app's publisher signs in the target."""

    code = "promotion_other_key"


class PromotionSequenceLower(Conflict):
    """The target has published a higher sequence of the app."""

    code = "promotion_sequence_lower"


class PromotionOtherBytes(Conflict):
    """The target knows other bytes under this sequence."""

    code = "promotion_other_bytes"


class PromotionPackageMissing(Conflict):
    """The source does not give out the package, or the trust tree of the source does not list it."""

    code = "promotion_package_missing"


class PromotionDigestDiffers(Conflict):
    """What a side gives out, or says of it, is not what was signed there."""

    code = "promotion_digest_differs"


class PromotionDependencyMissing(Conflict):
    """The version mounts a shared package that the target does not have; promote that one before it."""

    code = "promotion_dependency_missing"


@dataclass
class AppPlan:
    """A version on its way: as its source signed it, what both sides say of it, and what people read."""

    signed: SignedVersion
    found: dict[str, Any]
    present: dict[str, Any] | None
    known: dict[str, Any] | None
    lines: list[str] = field(default_factory=list)

    @property
    def app(self) -> str:
        """The app."""
        return self.signed.app

    @property
    def path(self) -> str:
        """The version's address below either console API."""
        return f"/apps/{self.app}/versions/{self.signed.sequence}"

    @property
    def is_done(self) -> bool:
        """Whether the target has exactly this and nothing is left for its publisher to do."""
        return self.known is not None and self.known["state"] not in ("withdrawn", "needs_signature")


def plan_app(source: Side, target: Side, item: str, unlock: Unlock, *, is_over: bool, along: Sequence[str]) -> AppPlan:
    """Find the version on both sides and raise whatever stands against it; nothing is changed.

    `along` are the digests that come before it in the same promotion.
    """
    app, _, name = item.partition("@")
    found = _published(source, app, name)
    in_target = _app_in(target, app, found["kind"])
    require_right(target, SUBMIT, publisher=in_target["publisher"], app=app)
    _check_key(target, in_target, unlock)
    listed = target.api.items(f"/apps/{app}/versions")
    known = next((each for each in listed if each["sequence"] == found["sequence"]), None)
    if known is not None and known["digest"] != found["digest"]:
        raise PromotionOtherBytes(
            f"{target} knows other bytes as sequence {found['sequence']} of {app}. Pack a higher one in the source."
        )
    if known is not None and known["state"] in GIVEN_UP:
        raise PromotionNotInForce(
            f"{app} {name} is {known['state']} in {target}: its sequence is spent there. Pack with a higher one.",
            state=known["state"],
        )
    present = next((each for each in listed if each["state"] in ("published", "killed")), None)
    if known is None and present is not None and present["sequence"] > found["sequence"]:
        raise PromotionSequenceLower(
            f"{target} has published sequence {present['sequence']} of {app}, above {found['sequence']}. Pack with a "
            "higher one in the source, or roll the target back with `sampan release rollback`.",
            highest=present["sequence"],
        )
    if known is None and present is not None and not is_over:
        _refuse_diverged(source, target, app, present)
    _check_mounted(target, found, along)
    plan = AppPlan(_signed(source, app, found), found, present, known)
    plan.lines += _lines(source, target, plan)
    return plan


def promote_app(
    output: Output, source: Side, target: Side, plan: AppPlan, unlock: Unlock, *, wait: bool
) -> dict[str, Any]:
    """Carry a plan out and return the version as the target has it; what was done before is not done again."""
    if plan.is_done and not wait:
        return {**(plan.known or {}), "already": True}
    with tempfile.TemporaryDirectory(prefix="sampan-") as folder:
        package = Path(folder) / f"package{SUFFIX}"
        _download(source, plan, package)
        job = Job(output, target.api, target.sign_in, unlock, package, plan.signed.floor)
        if plan.known is not None and plan.known["state"] == "needs_signature":
            candidate, found = job.sign_anew()
        else:
            candidate, found = job.upload(is_urgent=False, origin=_origin(source, plan.found))
        if not wait:
            return found
        return {**found, **job.follow(candidate)}


def _published(source: Side, app: str, name: str) -> dict[str, Any]:
    if found_or_none(source, f"/apps/{app}") is None:
        raise PromotionUnknown(f"{source} has no app {app}, or you may not see it there.")
    named = [each for each in source.api.items(f"/apps/{app}/versions") if each["version"] == name]
    if not named:
        raise PromotionUnknown(f"{app} has no version {name} in {source}; `sampan status {app}` lists them.")
    published: list[dict[str, Any]] = [each for each in named if each["state"] == "published"]
    if not published:
        state = named[0]["state"]
        raise PromotionNotInForce(
            f"{app} {name} is {state} in {source}. Only what was approved and published there is promoted.", state=state
        )
    return published[0]


def _app_in(target: Side, app: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] | None = found_or_none(target, f"/apps/{app}")
    if found is None:
        raise PromotionAppMissing(
            f"{target} has no app {app} that you may see. An administrator registers it there (`sampan app create`), "
            "and two officers sign its role."
        )
    if found["kind"] != kind:
        raise PromotionAppMissing(f"{app} is {found['kind']} in {target}, and {kind} in the source.")
    return found


def _check_key(target: Side, app: dict[str, Any], unlock: Unlock) -> None:
    publisher = target.api.get(f"/publishers/{app['publisher']}")
    keys = [each["key_id"] for each in publisher["keys"] if each["profile"] == PROFILE and each["state"] == "active"]
    if unlock.public_id not in keys:
        raise PromotionOtherKey(
            f"The key {unlock.path} is not the one with which {publisher['name']} signs in {target}. Name that one "
            "with --key: every workspace has keys of its own.",
            key_id=unlock.public_id,
        )


def _refuse_diverged(source: Side, target: Side, app: str, present: dict[str, Any]) -> None:
    digests = {each["digest"] for each in source.api.items(f"/apps/{app}/versions")}
    if present["digest"] not in digests:
        raise PromotionDiverged(
            f"{target} has published {app} {present['version']} (sequence {present['sequence']}), which the source "
            "never had: a version from elsewhere would be replaced. Look at it; --over promotes all the same.",
            digest=present["digest"],
        )


def _check_mounted(target: Side, found: dict[str, Any], along: Sequence[str]) -> None:
    for each in found["dependencies"]:
        if each["digest"] in along:
            continue
        is_known = found_or_none(target, f"/apps/{each['id']}") is not None
        listed = target.api.items(f"/apps/{each['id']}/versions") if is_known else []
        if not any(_fits(each, version) for version in listed):
            raise PromotionDependencyMissing(
                f"It mounts the shared package {each['id']}, which {target} does not have so. Promote that one first.",
                id=each["id"],
            )


def _fits(wanted: dict[str, Any], version: dict[str, Any]) -> bool:
    if version["state"] in (*GIVEN_UP, "withdrawn"):
        return False
    if wanted["digest"] is not None:
        return bool(version["digest"] == wanted["digest"])
    return bool(wanted["min_sequence"] <= version["sequence"] <= wanted["max_sequence"])


def _signed(source: Side, app: str, found: dict[str, Any]) -> SignedVersion:
    """Return the version as the source's trust tree has it, from the root pinned here; raise unless it is `found`."""
    place = Place.of(source.sign_in, PROFILE)
    body = published_body(place, app)
    versions = read_app_role(body, app, place.tree).versions if body is not None else {}
    listed = versions.get(found["sequence"])
    if listed is None:
        raise PromotionPackageMissing(f"The trust tree of {source} lists no sequence {found['sequence']} of {app}.")
    if (listed.index_digest, listed.version) != (found["digest"], found["version"]):
        raise PromotionDigestDiffers(
            f"{source} says {found['version']}, {found['digest']}; its trust tree lists {listed.version}, "
            f"{listed.index_digest}. Do not go on."
        )
    return listed


def _download(source: Side, plan: AppPlan, out: Path) -> None:
    from sampan.platform.cli import packages

    try:
        source.api.download(f"{plan.path}/package", out)
    except ServerRefused as problem:
        if problem.status not in (404, 409, 410):
            raise
        raise PromotionPackageMissing(f"{source} does not give the package out: {problem.detail}") from problem
    with packages.accepted(out, packages.rules_of(source.api), Output(as_json=True)) as found:
        digest = found.digest
    if digest != plan.signed.index_digest:
        raise PromotionDigestDiffers(
            f"{source} gives out {digest} in place of {plan.signed.index_digest}. Do not go on."
        )


def _origin(source: Side, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "server": source.sign_in.server,
        "workspace": source.sign_in.workspace,
        "approved_by": name_of(source, found["decided_by"] or ""),
        "approved_ms": found["decided_ms"] or found["published_ms"] or 0,
    }


def _lines(source: Side, target: Side, plan: AppPlan) -> list[str]:
    found, present = plan.found, plan.present
    reviewer = name_of(source, found["decided_by"] or "")
    was = f"{present['version']} (sequence {present['sequence']})" if present else "nothing"
    lines = [
        f"{plan.app}: {was} -> {plan.signed.version} (sequence {plan.signed.sequence})",
        f"  package {plan.signed.index_digest}",
        f"  approved in {source.sign_in.workspace} by {reviewer}, {moment(found['decided_ms'] or 0)}",
    ]
    if plan.is_done and plan.known is not None:
        return [*lines, f"  is in {target.sign_in.workspace} already: {plan.known['state']}"]
    new = _index(source, plan.app, plan.signed.sequence, plan.signed.index_digest)
    old = _index(target, plan.app, present["sequence"], present["digest"]) if present else None
    if plan.signed.floor:
        lines.append(f"  devices no longer open what is below sequence {plan.signed.floor}")
    lines += _asked_for(old, new)
    after = {each.path: each.sha256 for each in new.files}
    before = {each.path: each.sha256 for each in old.files} if old else {}
    changed = [f"  + {path}" for path in after if path not in before]
    changed += [f"  ~ {path}" for path, digest in after.items() if before.get(path, digest) != digest]
    changed += [f"  - {path}" for path in before if path not in after]
    more = [f"  and {len(changed) - SHOWN_FILES} more files"] if len(changed) > SHOWN_FILES else []
    return [*lines, *changed[:SHOWN_FILES], *more]


def _asked_for(old: PackageIndex | None, new: PackageIndex) -> list[str]:
    """Return a line for every permission that comes or goes."""
    found = []
    for name in ("bridge", "network", "webview"):
        before = set(getattr(old.permissions, name)) if old else set()
        after = set(getattr(new.permissions, name))
        found += [f"  + permission {name} {each}" for each in sorted(after - before)]
        found += [f"  - permission {name} {each}" for each in sorted(before - after)]
    return found


def _index(side: Side, app: str, sequence: int, digest: str) -> PackageIndex:
    try:
        data = side.api.data(f"/apps/{app}/versions/{sequence}/index")
    except ServerRefused as problem:
        if side.name == "source" and problem.status in (404, 409, 410):
            raise PromotionPackageMissing(f"{side} does not give the package out: {problem.detail}") from problem
        raise
    if digest_of(data) != digest:
        raise PromotionDigestDiffers(f"The index of {app} that {side} gives out is not that of {digest}. Do not go on.")
    return parse_index(data)
