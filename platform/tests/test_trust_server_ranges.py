"""Byte ranges and conditions of RFC 9110, as a table and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.trust.ranges import ByteRange, Unsatisfiable, names_etag, range_applies, takes_gzip, wanted_range


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (b"bytes=0-0", ByteRange(0, 1)),
        (b"bytes=2-", ByteRange(2, 10)),
        (b"bytes=-3", ByteRange(7, 10)),
        (b"bytes=-30", ByteRange(0, 10)),
        (b"bytes=9-99", ByteRange(9, 10)),
        (b"Bytes= 1-2 ", ByteRange(1, 3)),
        (b"bytes=5-2", None),
        (b"bytes=0-1,3-4", None),
        (b"bytes=-", None),
        (b"bytes=a-b", None),
        (b"lines=0-1", None),
        (b"bytes=0-1x", None),
        (b"", None),
    ],
)
def test_a_single_good_range_counts_and_everything_else_is_ignored(
    value: bytes | None, expected: ByteRange | None
) -> None:
    assert wanted_range(value, 10) == expected


@pytest.mark.parametrize("value", [b"bytes=10-", b"bytes=10-20", b"bytes=-0", b"bytes=999999999999999999-"])
def test_a_range_outside_the_file_is_refused(value: bytes) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_range(value, 10)


def test_an_empty_file_has_no_ranges() -> None:
    for value in (b"bytes=0-", b"bytes=-1"):
        with pytest.raises(Unsatisfiable):
            wanted_range(value, 0)


@given(st.binary(max_size=40).map(lambda tail: b"bytes=" + tail) | st.binary(max_size=40), st.integers(0, 2**40))
def test_whatever_comes_the_range_lies_in_the_file(value: bytes, size: int) -> None:
    try:
        found = wanted_range(value, size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, False),
        (b'"a"', True),
        (b'W/"a"', True),
        (b'"b", "a"', True),
        (b"*", True),
        (b'"b"', False),
        (b"a", False),
        (b"", False),
    ],
)
def test_if_none_match_compares_weakly(value: bytes | None, names: bool) -> None:
    assert names_etag(value, b'"a"') is names


@pytest.mark.parametrize(
    ("value", "applies"),
    [(None, True), (b'"a"', True), (b'W/"a"', False), (b"Tue, 01 Jan 2030 00:00:00 GMT", False)],
)
def test_if_range_compares_strongly(value: bytes | None, applies: bool) -> None:
    assert range_applies(value, b'"a"') is applies


@pytest.mark.parametrize(
    ("headers", "takes"),
    [
        ([], False),
        ([(b"accept-encoding", b"gzip, deflate, br")], True),
        ([(b"accept-encoding", b"br"), (b"accept-encoding", b" GZIP ; q=0.5")], True),
        ([(b"accept-encoding", b"gzip;q=0")], False),
        ([(b"accept-encoding", b"gzip;q=0.000")], False),
        ([(b"accept-encoding", b"*")], False),
        ([(b"accept-encoding", b"x-gzip")], False),
        ([(b"accept-encoding", b"gzip"), (b"range", b"bytes=0-1")], False),
    ],
)
def test_a_compressed_answer_is_for_whoever_asks_and_never_for_ranges(
    headers: list[tuple[bytes, bytes]], takes: bool
) -> None:
    assert takes_gzip(headers) is takes
