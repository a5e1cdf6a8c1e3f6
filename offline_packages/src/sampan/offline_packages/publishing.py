"""The publisher's side: the next body of an app role, made and signed on the publisher's own machine.

Body n+1 is body n and exactly one version or one hotfix more. The server makes the same body from the same facts and
refuses any other (`sampan.platform.trust.body_checks`), so a reviewer countersigns what both sides derived.
"""

import copy

from tuf.api.metadata import Targets

from sampan.offline_packages.hotfix import parse_hotfix
from sampan.offline_packages.limits import MAX_SEQUENCE
from sampan.offline_packages.roles import (
    APP_LIFE,
    ARCHIVED_LIFE,
    SignedHotfix,
    SignedVersion,
    app_role,
    expiry,
    fields,
    read_app_role,
)
from sampan.offline_packages.trust_errors import BodyMalformed, FloorRefused, NotListed, SequenceSuperseded
from sampan.platform.crypto.digest import digest, is_digest


def signed_version(
    app_id: str,
    sequence: int,
    *,
    version: str,
    index: bytes,
    package_digest: str,
    package_bytes: int,
    floor: int = 0,
) -> SignedVersion:
    """Return what the role will list for a packed version.

    `floor` is the lowest sequence that may still be opened once this version is published; 0 leaves it.
    """
    if not 1 <= sequence <= MAX_SEQUENCE or not is_digest(package_digest):
        raise BodyMalformed(f"{app_id} {version}: the sequence or the package digest is not well formed.")
    return SignedVersion(app_id, sequence, version, floor, digest(index), len(index), package_digest, package_bytes)


def next_app_body(current: Targets | None, version: SignedVersion, *, tree: str, now_ms: int) -> Targets:
    """Return the body that adds this one version; `current` is the published body, None before the first.

    The role's floor is the highest that any version carries, so a version can raise it and none can lower it.
    Raises `SequenceSuperseded`, or `FloorRefused` for a floor above the version itself.
    """
    role = app_role(version.app)
    if current is None:
        current = Targets(version=1, targets={}, unrecognized_fields=dict(fields(role, tree)))
        following = current
    else:
        following = _successor(current)
    published = read_app_role(current, version.app, tree)
    if version.sequence <= published.highest:
        raise SequenceSuperseded(
            f"{version.app} has published sequence {published.highest}; pack this one again with a higher "
            "sequence (`sampan publish --resequence`).",
            highest=published.highest,
        )
    check_floor(version)
    following.targets.update(version.targets())
    following.expires = expiry(now_ms, APP_LIFE)
    return following


def signed_hotfix(document: bytes, content: bytes) -> SignedHotfix:
    """Return what the role will list for a hotfix; raise a `HotfixRefused` for a wrong document."""
    hotfix = parse_hotfix(document)
    return SignedHotfix(
        app=hotfix.app,
        sequence=hotfix.sequence,
        n=hotfix.n,
        doc_digest=digest(document),
        doc_bytes=len(document),
        bin_digest=digest(content),
        bin_bytes=len(content),
    )


def next_hotfix_body(current: Targets, signed_hotfix: SignedHotfix, *, tree: str, now_ms: int) -> Targets:
    """Return the body that adds this one hotfix; `current` is the published body.

    Raises `NotListed` when the version is not published, `SequenceSuperseded` unless the number is above every
    published one of the version: a number is never used again.
    """
    role = read_app_role(current, signed_hotfix.app, tree)
    sequence = signed_hotfix.sequence
    if sequence not in role.versions:
        raise NotListed(f"{signed_hotfix.app} has no published version with sequence {sequence}.", sequence=sequence)
    highest = max((n for of, n in role.hotfixes if of == sequence), default=0)
    if signed_hotfix.n <= highest:
        raise SequenceSuperseded(
            f"{signed_hotfix.app} {sequence} has published hotfix {highest}; make this one again with a higher number.",
            highest=highest,
        )
    following = _successor(current)
    following.targets.update(signed_hotfix.targets())
    following.expires = expiry(now_ms, APP_LIFE)
    return following


def check_floor(version: SignedVersion) -> None:
    """Raise `FloorRefused` for a floor that would lock out the version that carries it."""
    if not 0 <= version.floor <= version.sequence:
        raise FloorRefused(
            f"The floor {version.floor} is above sequence {version.sequence} that carries it.",
            floor=version.floor,
        )


def renewed_app_body(current: Targets, *, now_ms: int) -> Targets:
    """Return the same targets for one more year (`publish --renew`; also half of a key rotation)."""
    following = _successor(current)
    following.expires = expiry(now_ms, APP_LIFE)
    return following


def archived_app_body(current: Targets, *, now_ms: int) -> Targets:
    """Return the empty body of an archived app, kept for ever: removing the role would break every client."""
    following = _successor(current)
    following.targets.clear()
    following.expires = expiry(now_ms, ARCHIVED_LIFE)
    return following


def _successor(current: Targets) -> Targets:
    following = copy.deepcopy(current)
    following.version += 1
    return following
