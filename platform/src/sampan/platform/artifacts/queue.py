"""Which candidate of an app is under review, and what a moved base does to the others. Pure.

One candidate per app is `in_review` (or `approved`, until it is visible). The others wait; an urgent one waits
first in line, the rest in the order of their arrival. Rules: docs/operations/publishing.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sampan.platform.artifacts.states import HOLDS_SLOT, WAITING, VersionState


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the queue must know of one version; `builds_on` is by profile the role version its body follows."""

    sequence: int
    state: VersionState
    is_urgent: bool
    queued_ms: int
    builds_on: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state that the queue decided, with its cause."""

    sequence: int
    state: VersionState
    cause: str


def settle(candidates: Sequence[Candidate], *, highest_published: int, current: Mapping[str, int]) -> list[Move]:
    """Return the moves after something changed: what is superseded, what must be signed anew, who takes the slot.

    `highest_published` is the app's highest published sequence (0 for none) and `current` the version of its
    role by profile (0 before the first). While a version is `approved` but not visible, nothing moves.
    """
    if any(each.state is VersionState.APPROVED for each in candidates):
        return []
    settled: list[Candidate] = []
    moves: list[Move] = []
    for each in candidates:
        move = _by_base(each, highest_published, current)
        if move is not None:
            moves.append(move)
        settled.append(each if move is None else replace(each, state=move.state))
    following = _next_in_line(settled)
    if following is not None:
        moves.append(Move(following.sequence, VersionState.IN_REVIEW, "slot_free"))
    return moves


def _by_base(candidate: Candidate, highest_published: int, current: Mapping[str, int]) -> Move | None:
    if candidate.state not in WAITING:
        return None
    if candidate.sequence <= highest_published:
        return Move(candidate.sequence, VersionState.SEQUENCE_SUPERSEDED, "higher_sequence_published")
    has_moved = any(current.get(profile, 0) != version for profile, version in candidate.builds_on.items())
    if has_moved and candidate.state is not VersionState.NEEDS_SIGNATURE:
        return Move(candidate.sequence, VersionState.NEEDS_SIGNATURE, "base_moved")
    return None


def _next_in_line(candidates: Sequence[Candidate]) -> Candidate | None:
    if any(each.state in HOLDS_SLOT for each in candidates):
        return None
    waiting = [each for each in candidates if each.state is VersionState.UPLOADED]
    return min(waiting, key=lambda each: (not each.is_urgent, each.queued_ms, each.sequence), default=None)
