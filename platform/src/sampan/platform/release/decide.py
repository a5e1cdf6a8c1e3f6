"""`decide`: who gets which version of a deliverable. One pure function for every surface that offers something.

The answer is a hint to the device; whether it may install is decided there, by signed metadata and control.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from sampan.platform.audience.rules import CompiledRule, Facts
from sampan.platform.release.caps import Cap
from sampan.platform.release.client_rules import NO_RULES, ClientRules


class Context(Struct, frozen=True):
    """What the client says of its host; may narrow what it gets, never widen it."""

    host_version: int


class Reason(StrEnum):
    """Why a version is or is not offered."""

    MATCHED = "matched"
    NO_RELEASE = "no_release"
    NOT_IN_AUDIENCE = "not_in_audience"
    OTHER_CLIENT_APP = "other_client_app"
    HOST_TOO_OLD = "host_too_old"
    NO_PLACE = "no_place"


class Candidate(Struct, frozen=True):
    """A release that offers now, compiled."""

    release_id: str
    sequence: int
    version: str
    digest: str
    size_bytes: int
    url: str
    update: str
    min_host: int
    client_app: str | None
    audience: CompiledRule
    cap: Cap | None = None
    client_rules: ClientRules = NO_RULES


class DeliverableSnapshot(Struct, frozen=True):
    """All releases of one deliverable that offer now, the highest sequence first."""

    kind: str
    id: str
    candidates: Sequence[Candidate]


class Offer(Struct, frozen=True):
    """What a subject should have; `candidate` is None when nothing is meant for it, and `reason` says why."""

    candidate: Candidate | None
    reason: Reason


def decide(subject: Facts, context: Context, snapshot: DeliverableSnapshot) -> Offer:
    """Return the highest version whose release means this subject on this client.

    When none does, the reason is that of the highest candidate: the answer to "why not the newest?".
    """
    first: Reason | None = None
    for candidate in snapshot.candidates:
        reason = _judge(candidate, subject, context)
        if reason is Reason.MATCHED:
            return Offer(candidate, reason)
        first = first or reason
    return Offer(None, first or Reason.NO_RELEASE)


def _judge(candidate: Candidate, facts: Facts, context: Context) -> Reason:
    if (unfit := unfit_client(candidate, facts, context)) is not None:
        return unfit
    if not candidate.audience.matches(facts):
        return Reason.NOT_IN_AUDIENCE
    if candidate.cap is not None and candidate.release_id not in facts.places:
        return Reason.NO_PLACE
    return Reason.MATCHED


def unfit_client(candidate: Candidate, facts: Facts, context: Context) -> Reason | None:
    """Return why the candidate is not for this client, whoever uses it; None when it is."""
    if candidate.client_app is not None and candidate.client_app != facts.client_app:
        return Reason.OTHER_CLIENT_APP
    if candidate.min_host > context.host_version:
        return Reason.HOST_TOO_OLD
    return None
