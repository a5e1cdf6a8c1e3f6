"""The states of a version and the moves between them. Pure: no database, no clock.

`trial` is no state but a flag: a version may be open to testers while it waits for its review.
"""

from collections.abc import Mapping
from enum import StrEnum

from sampan.platform.errors import Conflict


class VersionState(StrEnum):
    """Where a version stands on its way to the published tree."""

    UPLOADED = "uploaded"
    """Taken in and checked; waits until the app's one review slot is free."""
    CHECKS_FAILED = "checks_failed"
    """The automatic checks found errors; the findings say which."""
    NEEDS_SIGNATURE = "needs_signature"
    """The published role moved on; the publisher signs a new body, nothing is uploaded again."""
    IN_REVIEW = "in_review"
    """Holds the app's review slot."""
    APPROVED = "approved"
    """Countersigned; the publisher job is about to make it visible."""
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    SEQUENCE_SUPERSEDED = "sequence_superseded"
    """A higher sequence was published first; the same files may come again under a new one."""
    ARCHIVED = "archived"
    KILLED = "killed"


S = VersionState
WAITING = frozenset({S.UPLOADED, S.IN_REVIEW, S.NEEDS_SIGNATURE})
"""States of a candidate: what a publication of another version may move."""
HOLDS_SLOT = frozenset({S.IN_REVIEW, S.APPROVED})
STORED_IN_TREE = frozenset({S.APPROVED, S.PUBLISHED, S.ARCHIVED, S.KILLED})
"""States whose files lie among the targets; the others' lie among the candidates."""

ALLOWED: Mapping[VersionState, frozenset[VersionState]] = {
    S.UPLOADED: frozenset({S.CHECKS_FAILED, S.IN_REVIEW, S.NEEDS_SIGNATURE, S.WITHDRAWN, S.SEQUENCE_SUPERSEDED}),
    S.CHECKS_FAILED: frozenset({S.UPLOADED, S.WITHDRAWN}),
    S.NEEDS_SIGNATURE: frozenset({S.UPLOADED, S.WITHDRAWN, S.SEQUENCE_SUPERSEDED}),
    S.IN_REVIEW: frozenset({S.UPLOADED, S.NEEDS_SIGNATURE, S.APPROVED, S.REJECTED, S.WITHDRAWN, S.SEQUENCE_SUPERSEDED}),
    S.APPROVED: frozenset({S.PUBLISHED}),
    S.PUBLISHED: frozenset({S.KILLED, S.ARCHIVED}),
    S.KILLED: frozenset({S.PUBLISHED, S.ARCHIVED}),
    S.REJECTED: frozenset(),
    S.WITHDRAWN: frozenset({S.UPLOADED, S.SEQUENCE_SUPERSEDED}),
    S.SEQUENCE_SUPERSEDED: frozenset(),
    S.ARCHIVED: frozenset(),
}
"""From each state, where a version may go. A countersigned body is write-once, so `approved` goes one way only."""


class StateForbids(Conflict):
    """The version's present state does not allow this step."""

    code = "version_state"
    title = "The version's state does not allow this"


def may_move(present: VersionState, wanted: VersionState) -> bool:
    """Whether a version may go from `present` to `wanted`."""
    return wanted in ALLOWED[present]


def check_move(present: VersionState, wanted: VersionState) -> None:
    """Raise `StateForbids` unless a version may go from `present` to `wanted`."""
    if not may_move(present, wanted):
        open_ways = ", ".join(sorted(ALLOWED[present])) or "nothing: the state is final"
        raise StateForbids(
            f"The version is {present}, so it cannot become {wanted}. From here it can become {open_ways}.",
            state=present.value,
            wanted=wanted.value,
        )
