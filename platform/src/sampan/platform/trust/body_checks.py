"""What the server refuses in bodies that others made and signed.

Each check derives the one body that may come and compares; the named refusals before that only say *what*
differs. A countersignature is given to nothing that has not passed here.
"""

from collections.abc import Collection
from datetime import timedelta

from tuf.api.metadata import Targets

from sampan.offline_packages.publishing import archived_app_body, next_app_body, next_hotfix_body, renewed_app_body
from sampan.offline_packages.roles import (
    APP_LIFE,
    ARCHIVED_LIFE,
    SignedHotfix,
    SignedVersion,
    app_role,
    check_fields,
    expiry,
)
from sampan.offline_packages.signed_bytes import check_delegated, check_signed_by, read_body, signers
from sampan.platform.crypto.keys import PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.errors import Conflict, Forbidden, Invalid

MIN_LIFE_LEFT = timedelta(days=30)
CLOCK_SLACK = timedelta(days=1)


class BaseMoved(Conflict):
    """The body builds on a version of the role that is no longer the published one."""

    code = "body_base_moved"
    title = "The published role has moved on"


class BodyDiffers(Invalid):
    """The body is not the published one plus exactly this version or hotfix."""

    code = "body_differs"
    title = "The body changes more than this version"


class BodyExpiryRefused(Invalid):
    """A body that expires too soon or lives too long."""

    code = "body_expiry_refused"
    title = "The expiry of the body is out of range"


class SignatureUnexpected(Invalid):
    """Signatures of keys other than the publisher's."""

    code = "signature_unexpected"
    title = "The body carries signatures it should not"


class PublisherKeySuspended(Forbidden):
    """The publisher's key is reported stolen or lost."""

    code = "publisher_key_suspended"
    title = "The publisher's key is suspended"


def check_next_body(
    current: Targets | None,
    proposed: bytes,
    *,
    version: SignedVersion,
    tree: str,
    publisher: PublicKey,
    now_ms: int,
    suspended: Collection[str] = (),
) -> Targets:
    """Return the body when it is `current` plus exactly `version`, signed by this publisher alone.

    `version` is what intake computed from the bytes it holds; `suspended` are key ids. Raises
    `BodyMalformed`, `RoleMismatch`, `PublisherKeySuspended`, `NotSigned`, `SignatureUnexpected`, `BaseMoved`,
    `SequenceSuperseded`, `FloorRefused`, `BodyExpiryRefused` or `BodyDiffers`.
    """
    body = _checked(proposed, version.app, tree, publisher, suspended)
    expected = next_app_body(current, version, tree=tree, now_ms=now_ms)
    return _same(body, expected, now_ms, APP_LIFE)


def check_hotfix_body(
    current: Targets,
    proposed: bytes,
    *,
    hotfix: SignedHotfix,
    tree: str,
    publisher: PublicKey,
    now_ms: int,
    suspended: Collection[str] = (),
) -> Targets:
    """Return the body when it is `current` plus exactly `hotfix`; raises what `check_next_body` does, and `NotListed`.

    A hotfix of a version that the role does not list is none.
    """
    body = _checked(proposed, hotfix.app, tree, publisher, suspended)
    return _same(body, next_hotfix_body(current, hotfix, tree=tree, now_ms=now_ms), now_ms, APP_LIFE)


def check_renewal(
    current: Targets,
    proposed: bytes,
    *,
    app_id: str,
    tree: str,
    publisher: PublicKey,
    now_ms: int,
    suspended: Collection[str] = (),
) -> Targets:
    """Return the body when it is `current` with a later expiry and nothing else."""
    body = _checked(proposed, app_id, tree, publisher, suspended)
    return _same(body, renewed_app_body(current, now_ms=now_ms), now_ms, APP_LIFE)


def check_archive(
    current: Targets,
    proposed: bytes,
    *,
    app_id: str,
    tree: str,
    publisher: PublicKey,
    now_ms: int,
    suspended: Collection[str] = (),
) -> Targets:
    """Return the body when it is the empty one of an archived app."""
    body = _checked(proposed, app_id, tree, publisher, suspended)
    return _same(body, archived_app_body(current, now_ms=now_ms), now_ms, ARCHIVED_LIFE)


def check_rotation(
    new_targets: Targets, current: Targets, new_body: bytes, *, app_id: str, tree: str, now_ms: int
) -> Targets:
    """Return the app's body when it may appear in one snapshot with `new_targets`, which changes its keys.

    It must list what `current` lists, one version on, and carry both signatures of the *new* pair.
    """
    check_delegated(new_targets, app_role(app_id), new_body)
    body = read_body(new_body, Targets)
    check_fields(body, app_role(app_id), tree)
    return _same(body, renewed_app_body(current, now_ms=now_ms), now_ms, APP_LIFE)


def check_signed_as_made(made: bytes, returned: bytes) -> None:
    """Raise `BodyDiffers` unless an officer's returned file has the very signed part that was handed out."""
    if read_body(made, Targets).to_dict() != read_body(returned, Targets).to_dict():
        raise BodyDiffers("The returned targets are not the ones that were handed out for signing.")


def _checked(proposed: bytes, app_id: str, tree: str, publisher: PublicKey, suspended: Collection[str]) -> Targets:
    body = read_body(proposed, Targets)
    check_fields(body, app_role(app_id), tree)
    if key_id(publisher) in suspended:
        raise PublisherKeySuspended(
            f"The key {key_id(publisher)[:12]} of {app_id} is suspended; the officers rotate it before "
            "anything is published again.",
            key=key_id(publisher),
        )
    check_signed_by(proposed, publisher)
    if signers(proposed) != [key_id(publisher)]:
        raise SignatureUnexpected("An upload carries the publisher's signature and no other.")
    return body


def _same(body: Targets, expected: Targets, now_ms: int, life: timedelta) -> Targets:
    if body.version != expected.version:
        raise BaseMoved(
            f"The body is version {body.version}, but the next one is {expected.version}. Sign anew with "
            "`sampan publish --resign`; nothing is uploaded again.",
            expected=expected.version,
            found=body.version,
        )
    if not expiry(now_ms, MIN_LIFE_LEFT) <= body.expires <= expiry(now_ms, life + CLOCK_SLACK):
        raise BodyExpiryRefused(
            f"The body expires on {body.expires:%Y-%m-%d}; sign it for {life.days} days from today "
            "(check the clock of the signing machine).",
            expires=f"{body.expires:%Y-%m-%dT%H:%M:%SZ}",
        )
    expected.expires, expected.spec_version = body.expires, body.spec_version
    found, wanted = body.to_dict(), expected.to_dict()
    if found != wanted:
        raise BodyDiffers(
            "The body differs from the published one by more than this version: " + ", ".join(_where(found, wanted)),
            differences=_where(found, wanted),
        )
    return body


def _where(found: dict[str, object], wanted: dict[str, object]) -> list[str]:
    names = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
    one, two = found.get("targets"), wanted.get("targets")
    if "targets" in names and isinstance(one, dict) and isinstance(two, dict):
        names.remove("targets")
        names |= {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)}
    return sorted(names)[:10]
