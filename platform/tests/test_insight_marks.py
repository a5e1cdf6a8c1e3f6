"""Every event number of a device is taken exactly once, in whatever order and however often it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sampan.platform.insight.marks import MAX_GAPS, Mark, take
from sampan.platform.insight.tickets import Offered, Tickets

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("mark", "numbers", "fresh", "after"),
    [
        (Mark(), [1, 2, 3], [1, 2, 3], Mark(3)),
        (Mark(3), [2, 3, 4], [4], Mark(4)),
        (Mark(), [5], [5], Mark(5, ((1, 4),))),
        (Mark(5, ((1, 4),)), [2], [2], Mark(5, ((1, 1), (3, 4)))),
        (Mark(5, ((1, 1), (3, 4))), [1, 3, 4], [1, 3, 4], Mark(5)),
        (Mark(3), [3, 3, 1], [], Mark(3)),
    ],
)
def test_numbers_are_taken_once(mark: Mark, numbers: list[int], fresh: list[int], after: Mark) -> None:
    assert take(mark, numbers) == (fresh, after)


@given(st.lists(st.lists(st.integers(1, 60), max_size=20), max_size=20))
def test_any_batches_take_each_number_once_and_name_what_is_missing(batches: list[list[int]]) -> None:
    mark, taken = Mark(), []
    for batch in batches:
        fresh, mark = take(mark, batch)
        taken.extend(fresh)
    seen = {number for batch in batches for number in batch}
    missing = {number for first, last in mark.gaps for number in range(first, last + 1)}
    assert sorted(taken) == sorted(seen)
    assert missing == set(range(1, mark.high + 1)) - seen
    assert all(number in seen for number in range(1, mark.accepted_through + 1))


def test_a_damaged_device_cannot_grow_its_mark() -> None:
    _fresh, mark = take(Mark(), range(2, 100_000, 2))
    assert len(mark.gaps) == MAX_GAPS


def test_a_ticket_holds_for_one_device_and_one_offer() -> None:
    tickets = Tickets(KEY)
    mine = Offered("rel_1", "bank.demo.a", 1, "sha256:aa")
    ticket = tickets.one("dev_1", mine)
    assert tickets.is_good(ticket, "dev_1", mine)
    assert not tickets.is_good(ticket, "dev_2", mine)
    others = ({"release_id": "rel_2"}, {"app": "bank.demo.b"}, {"sequence": 11}, {"digest": "sha256:ab"})
    for other in others:
        assert not tickets.is_good(ticket, "dev_1", structs.replace(mine, **other))
    assert not Tickets(KEY[::-1]).is_good(ticket, "dev_1", mine)
    assert not tickets.is_good("é" + ticket, "dev_1", mine)
    assert not tickets.is_good("", "dev_1", mine)


@given(st.lists(st.text(), min_size=1, max_size=8, unique=True), st.text())
def test_tickets_made_together_are_those_made_alone(releases: list[str], device: str) -> None:
    tickets = Tickets(KEY)
    offers = [Offered(release, "bank.demo.a", 1, "sha256:aa") for release in releases]
    tags = b"".join(tickets.tag(offered.text()) for offered in offers)
    together = tickets.many(device, int.from_bytes(tags), len(offers))
    assert together == "".join(tickets.one(device, offered) for offered in offers)
