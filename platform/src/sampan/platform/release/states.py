"""The states of a release and the moves between them. Pure."""

from enum import StrEnum

from sampan.platform.errors import Conflict


class ReleaseState(StrEnum):
    """Where a release stands. `rolled_back` is final; what was stopped can still be rolled back."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    ROLLED_BACK = "rolled_back"


S = ReleaseState
MOVES: dict[str, tuple[frozenset[ReleaseState], ReleaseState]] = {
    "submit": (frozenset({S.DRAFT}), S.SUBMITTED),
    "send_back": (frozenset({S.SUBMITTED}), S.DRAFT),
    "approve": (frozenset({S.SUBMITTED}), S.APPROVED),
    "start": (frozenset({S.APPROVED}), S.RUNNING),
    "pause": (frozenset({S.RUNNING}), S.PAUSED),
    "resume": (frozenset({S.PAUSED}), S.RUNNING),
    "move_on": (frozenset({S.RUNNING}), S.RUNNING),
    "narrow": (frozenset({S.RUNNING}), S.RUNNING),
    "complete": (frozenset({S.RUNNING}), S.COMPLETED),
    "stop": (frozenset({S.APPROVED, S.RUNNING, S.PAUSED, S.COMPLETED}), S.STOPPED),
    "roll_back": (frozenset({S.RUNNING, S.PAUSED, S.COMPLETED, S.STOPPED}), S.ROLLED_BACK),
}
OFFERING = frozenset({S.RUNNING, S.COMPLETED})


class WrongReleaseState(Conflict):
    """The release is in a state from which this move does not exist."""

    code = "wrong_release_state"


def move(state: ReleaseState, verb: str) -> ReleaseState:
    """Return the state after `verb`; raise `WrongReleaseState` when the move does not exist from `state`."""
    sources, target = MOVES[verb]
    if state not in sources:
        allowed = ", ".join(sorted(verb for verb, (froms, _to) in MOVES.items() if state in froms)) or "nothing"
        raise WrongReleaseState(
            f"A release that is {state} cannot {verb.replace('_', ' ')}; from here it can: {allowed}.", state=state
        )
    return target
