"""Why a device or a customer is or is not offered each version: `decide` with its reasons laid open. Pure.

What is said to be offered is what sync answers, because the same `decide` runs on the same compiled candidates. Around
it stand the releases that do not offer (paused, stopped, rolled back, waiting), so that "why did it go away" and "why
not yet" have an answer too. A rule's outcome is True, False, or None where a fact is not known.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.audience.attributes import Privacy
from sampan.platform.audience.explain import EVERYTHING, Explanation, explain
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.versions import version_key
from sampan.platform.audience.words import TIERS
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.change_rows import Words
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, Reason, decide
from sampan.platform.release.plan_words import HOTFIX
from sampan.platform.release.repository import Release
from sampan.platform.release.snapshot import candidate_of
from sampan.platform.release.states import OFFERING, ReleaseState
from sampan.platform.release.sync import ControlState

MOST_SHOWN = 20
BELOW_ALL = -1
UPGRADE = "app_upgrade"  # of a client app, whose id it bears; that one alone is told of it
NEWEST_HOST = 2**53 - 1
NO_CONTROL = ControlState("", frozenset(), frozenset())


class Why(StrEnum):
    """Why a release gives its version to the subject or not: the reasons of `decide`, and those beside it."""

    MATCHED = "matched"
    NOT_IN_AUDIENCE = "not_in_audience"
    OTHER_CLIENT_APP = "other_client_app"
    HOST_TOO_OLD = "host_too_old"
    NO_PLACE = "no_place"  # it is capped, and keeps no place for the subject
    NO_RELEASE = "no_release"
    STANDING = "standing"  # of a switch: everybody has this edition or a newer one, or the switch is not served
    SUPERSEDED = "superseded"  # it means the subject, and so does a release of a higher version
    DEPENDS_ON_DEVICE = "depends_on_device"  # of a customer: only a device decides it
    NOT_EXPOSED = "not_exposed"  # its control file is not in the trust tree yet
    VERSION_KILLED = "version_killed"
    RELEASE_SUBMITTED = "release_submitted"
    RELEASE_APPROVED = "release_approved"
    RELEASE_PAUSED = "release_paused"
    RELEASE_STOPPED = "release_stopped"
    RELEASE_ROLLED_BACK = "release_rolled_back"
    DEVICE_REVOKED = "device_revoked"  # the server does not answer it at all


class Action(StrEnum):
    """What the next sync tells the device to do with what it holds."""

    INSTALL = "install"
    KEEP = "keep"
    ROLLBACK = "rollback"
    REMOVE = "remove"
    NONE = "none"


class Patched(Struct, frozen=True):
    """What a device runs of a version's hotfixes: the number `n`, 0 for none, and whether control still lists it."""

    n: int
    is_listed: bool


class Whom(Struct, frozen=True):
    """Who is asked about. Of a customer on no device in particular `is_device` is False, and the host is unknown."""

    facts: Facts
    is_device: bool
    host_version: int = NEWEST_HOST
    is_revoked: bool = False
    standing: int = BELOW_ALL


def carried_words(customer: Tier, carried: Tier) -> Words:
    """Return why a device has a lower tier than the customer who is signed in there."""
    has, may = TIERS[customer.label].zh, TIERS[carried.label].zh
    return Words(
        f"客户等级为“{has}”，但这台设备最多只能作为“{may}”使用，规则按后者判断。",
        f"The customer's tier is {customer.label}, but this device may carry {carried.label} at most,"
        " and that is what counts.",
    )


class Judged(Struct, frozen=True):
    """A release with its answer; `rule` is the tree of everybody whom it means at its present stage."""

    release: Release
    outcome: bool | None
    why: Why
    rule: Explanation


class Explained(Struct, frozen=True):
    """A deliverable: what is offered, and every release that may have a say, the highest version first.

    `more` counts releases beyond the shown ones. `action` is None where nobody knows what is installed.
    """

    kind: str
    id: str
    offered: Release | None
    why: Why
    action: Action | None
    releases: Sequence[Judged]
    more: int


def explain_deliverable(
    whom: Whom,
    kind: str,
    deliverable_id: str,
    releases: Sequence[Release],
    *,
    control: ControlState = NO_CONTROL,
    installed: int | None = None,
    patched: Patched | None = None,
    standing: int = BELOW_ALL,
    may_see: Collection[Privacy] = EVERYTHING,
) -> Explained:
    """Return why the subject is offered what it is offered of one deliverable; `installed` is the sequence it holds.

    Of the hotfixes of a version `patched` is what it runs, None where it does not hold that version. Releases up to
    `standing` give nothing; see `DeliverableKind`.
    """
    whom = replace(whom, standing=standing)
    ordered = sorted(releases, key=lambda each: (each.sequence, _offers(whom, each), each.id), reverse=True)
    compiled = {each.id: _compiled(each) for each in ordered}
    offering = [compiled[each.id] for each in ordered if _offers(whom, each)]
    chosen = _chosen(whom, kind, deliverable_id, offering)
    judged = [_judged(whom, each, compiled[each.id], chosen, control, may_see) for each in ordered]
    offered = next((each.release for each in judged if chosen is not None and each.release.id == chosen), None)
    shown = [each for n, each in enumerate(judged) if n < MOST_SHOWN or each.release is offered]
    return Explained(
        kind,
        deliverable_id,
        offered,
        _why(whom, offered, judged),
        _of_hotfix(whom, offered, patched) if kind == HOTFIX else _action(whom, offered, ordered, installed, control),
        shown,
        len(judged) - len(shown),
    )


def _offers(whom: Whom, release: Release) -> bool:
    return release.state in OFFERING and release.is_exposed and release.sequence > whom.standing


def _chosen(whom: Whom, kind: str, deliverable_id: str, offering: Sequence[Candidate]) -> str | None:
    if whom.is_revoked:
        return None
    offer = decide(whom.facts, Context(whom.host_version), DeliverableSnapshot(kind, deliverable_id, offering))
    return offer.candidate.release_id if offer.candidate is not None else None


def _judged(
    whom: Whom,
    release: Release,
    candidate: Candidate,
    chosen: str | None,
    control: ControlState,
    may_see: Collection[Privacy],
) -> Judged:
    tree = explain(candidate.audience, whom.facts, may_see=may_see)
    outcome, why = _meant(whom, candidate, tree)
    return Judged(release, outcome, _held_back(whom, release, control) or _settled(why, release, chosen), tree)


def _meant(whom: Whom, candidate: Candidate, tree: Explanation) -> tuple[bool | None, Why]:
    """Return whether a release, as it stands, means the subject on this client, by the decision on it alone."""
    alone = DeliverableSnapshot("", "", [candidate])
    reason = decide(whom.facts, Context(whom.host_version), alone).reason
    if not whom.is_device and (reason is Reason.OTHER_CLIENT_APP or tree.outcome is None):
        return (False, Why.NOT_IN_AUDIENCE) if tree.outcome is False else (None, Why.DEPENDS_ON_DEVICE)
    if reason in (Reason.MATCHED, Reason.NOT_IN_AUDIENCE, Reason.NO_PLACE):
        return tree.outcome, Why(reason)
    return False, Why(reason)


_WAITS: Mapping[ReleaseState, Why] = {
    ReleaseState.SUBMITTED: Why.RELEASE_SUBMITTED,
    ReleaseState.APPROVED: Why.RELEASE_APPROVED,
    ReleaseState.PAUSED: Why.RELEASE_PAUSED,
    ReleaseState.STOPPED: Why.RELEASE_STOPPED,
    ReleaseState.ROLLED_BACK: Why.RELEASE_ROLLED_BACK,
}


def _held_back(whom: Whom, release: Release, control: ControlState) -> Why | None:
    """Return what holds a release back whomever it means, or None when it offers."""
    if whom.is_revoked:
        return Why.DEVICE_REVOKED
    if release.sequence in control.killed and release.state not in OFFERING:
        return Why.VERSION_KILLED
    if (why := _WAITS.get(release.state)) is not None:
        return why
    if release.sequence <= whom.standing:
        return Why.STANDING
    return None if release.is_exposed else Why.NOT_EXPOSED


def _settled(why: Why, release: Release, chosen: str | None) -> Why:
    return Why.SUPERSEDED if why is Why.MATCHED and release.id != chosen else why


def _why(whom: Whom, offered: Release | None, judged: Sequence[Judged]) -> Why:
    """Return the reason for the whole: that of the newest version that offers, else of the newest there is."""
    if whom.is_revoked:
        return Why.DEVICE_REVOKED
    if offered is not None:
        return Why.MATCHED
    first = next((each for each in judged if _offers(whom, each.release)), judged[0] if judged else None)
    return first.why if first is not None else Why.NO_RELEASE


def _compiled(release: Release) -> Candidate:
    if release.kind == UPGRADE and release.client_app is None:
        release = replace(release, client_app=release.deliverable_id)
    return candidate_of(release)


def _action(
    whom: Whom, offered: Release | None, releases: Sequence[Release], installed: int | None, control: ControlState
) -> Action | None:
    """Return what the next sync does to what the device has; None where nobody can tell, or nothing is installed."""
    if not whom.is_device or whom.is_revoked:
        return None
    if any(not each.url for each in releases):
        return _of_value(whom, offered)
    return _of_package(offered, installed, control)


def _of_value(whom: Whom, offered: Release | None) -> Action | None:
    """Return whether a client has what an upgrade leads to; other values are not installed."""
    if offered is None or offered.kind != UPGRADE:
        return None
    has, leads_to = version_key(whom.facts.app_version), version_key(offered.version)
    if has is None or leads_to is None:
        return None
    return Action.KEEP if has >= leads_to else Action.INSTALL


def _of_hotfix(whom: Whom, offered: Release | None, patched: Patched | None) -> Action | None:
    """Return what becomes of the hotfixes that a device runs; what control lists no more it leaves by itself."""
    if not whom.is_device or whom.is_revoked or patched is None:
        return None
    if offered is not None and patched.n > offered.sequence:
        return Action.ROLLBACK
    if offered is not None:
        return Action.KEEP if patched.n == offered.sequence and patched.is_listed else Action.INSTALL
    if patched.n == 0:
        return Action.NONE
    return Action.KEEP if patched.is_listed else Action.REMOVE


def _of_package(offered: Release | None, installed: int | None, control: ControlState) -> Action:
    """Return what sync's differences tell a device that holds `installed`."""
    if offered is None:
        if installed is None:
            return Action.NONE
        return Action.REMOVE if installed in control.killed else Action.KEEP
    if installed is None or installed < offered.sequence:
        return Action.INSTALL
    may_go_back = installed > offered.sequence and (installed, offered.sequence) in control.rollbacks
    return Action.ROLLBACK if may_go_back else Action.KEEP
