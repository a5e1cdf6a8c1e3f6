"""The state machine of versions and the review queue, as tables."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.artifacts.queue import Candidate, Move, settle
from sampan.platform.artifacts.states import (
    ALLOWED,
    HOLDS_SLOT,
    WAITING,
    StateForbids,
    VersionState,
    check_move,
    may_move,
)

S = VersionState
EXPECTED = {
    S.UPLOADED: "checks_failed in_review needs_signature withdrawn sequence_superseded",
    S.CHECKS_FAILED: "uploaded withdrawn",
    S.NEEDS_SIGNATURE: "uploaded withdrawn sequence_superseded",
    S.IN_REVIEW: "uploaded needs_signature approved rejected withdrawn sequence_superseded",
    S.APPROVED: "published",
    S.PUBLISHED: "killed archived",
    S.KILLED: "published archived",
    S.REJECTED: "",
    S.WITHDRAWN: "uploaded sequence_superseded",
    S.SEQUENCE_SUPERSEDED: "",
    S.ARCHIVED: "",
}
PAIRS = list(itertools.product(S, S))


@pytest.mark.parametrize(("present", "wanted"), PAIRS, ids=[f"{one}-{two}" for one, two in PAIRS])
def test_every_move_is_allowed_or_refused_as_the_table_says(present: S, wanted: S) -> None:
    if wanted.value in EXPECTED[present].split():
        check_move(present, wanted)
        return
    with pytest.raises(StateForbids) as refusal:
        check_move(present, wanted)
    assert refusal.value.facts == {"state": present.value, "wanted": wanted.value}


def test_only_an_approved_version_can_become_published_for_the_first_time() -> None:
    assert {state for state in S if may_move(state, S.PUBLISHED)} == {S.APPROVED, S.KILLED}
    assert ALLOWED[S.APPROVED] == {S.PUBLISHED}


def _candidate(
    sequence: int, state: S = S.UPLOADED, *, urgent: bool = False, queued: int | None = None, base: int = 5
) -> Candidate:
    return Candidate(sequence, state, urgent, sequence if queued is None else queued, {"intl": base})


def _settled(*candidates: Candidate, highest: int = 0, base: int = 5) -> dict[int, S]:
    states = {each.sequence: each.state for each in candidates}
    for move in settle(candidates, highest_published=highest, current={"intl": base}):
        states[move.sequence] = move.state
    return states


def test_the_first_to_arrive_takes_the_free_slot() -> None:
    assert _settled(_candidate(3, queued=10), _candidate(2, queued=20)) == {3: S.IN_REVIEW, 2: S.UPLOADED}


def test_an_urgent_candidate_is_first_in_line_but_displaces_nobody() -> None:
    waiting = (_candidate(2, queued=10), _candidate(3, queued=20, urgent=True))
    assert _settled(*waiting) == {2: S.UPLOADED, 3: S.IN_REVIEW}
    assert _settled(_candidate(1, S.IN_REVIEW), *waiting)[3] is S.UPLOADED


@pytest.mark.parametrize("holder", [S.IN_REVIEW, S.APPROVED])
def test_a_held_slot_stays_held(holder: S) -> None:
    assert _settled(_candidate(1, holder), _candidate(2)) == {1: holder, 2: S.UPLOADED}


def test_a_publication_supersedes_lower_ones_and_asks_higher_ones_to_sign() -> None:
    candidates = (_candidate(1, S.IN_REVIEW), _candidate(3), _candidate(4, S.NEEDS_SIGNATURE))
    assert _settled(*candidates, highest=2, base=6) == {
        1: S.SEQUENCE_SUPERSEDED,
        3: S.NEEDS_SIGNATURE,
        4: S.NEEDS_SIGNATURE,
    }


def test_one_that_was_signed_anew_takes_the_slot_when_the_one_in_review_must_sign() -> None:
    moves = settle(
        [_candidate(3, S.IN_REVIEW, base=5), _candidate(4, base=6)], highest_published=2, current={"intl": 6}
    )
    assert moves == [Move(3, S.NEEDS_SIGNATURE, "base_moved"), Move(4, S.IN_REVIEW, "slot_free")]


def test_nothing_moves_while_an_approved_version_is_on_its_way() -> None:
    assert settle([_candidate(2, S.APPROVED), _candidate(1)], highest_published=0, current={"intl": 6}) == []


@given(
    st.lists(
        st.tuples(
            st.integers(1, 8),
            st.sampled_from([S.UPLOADED, S.IN_REVIEW, S.NEEDS_SIGNATURE]),
            st.booleans(),
            st.integers(0, 9),
            st.integers(4, 6),
        ),
        unique_by=lambda item: item[0],
        max_size=6,
    ).filter(lambda items: sum(item[1] in HOLDS_SLOT for item in items) <= 1),
    st.integers(0, 6),
    st.integers(4, 6),
)
def test_settling_is_final_legal_and_fills_the_slot(
    items: list[tuple[int, S, bool, int, int]], highest: int, base: int
) -> None:
    candidates = [_candidate(n, state, urgent=u, queued=q, base=b) for n, state, u, q, b in items]
    states = _settled(*candidates, highest=highest, base=base)
    again = [
        Candidate(each.sequence, states[each.sequence], each.is_urgent, each.queued_ms, each.builds_on)
        for each in candidates
    ]
    assert settle(again, highest_published=highest, current={"intl": base}) == []
    for each in candidates:
        present, wanted = each.state, states[each.sequence]
        assert wanted is present or may_move(present, wanted) or (may_move(present, S.IN_REVIEW))
        if wanted in WAITING - {S.NEEDS_SIGNATURE}:
            assert each.sequence > highest
            assert each.builds_on["intl"] == base
    held = sum(state is S.IN_REVIEW for state in states.values())
    assert held <= 1
    assert held == 1 or S.UPLOADED not in states.values()
