"""Deltas: what one gives is exactly the signed archive, or nothing."""

import hashlib
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sampan.offline_packages.delta import MAX_ARCHIVE_BYTES, DeltaRefused, apply_delta, make_delta
from sampan.offline_packages.index import ArchiveEntry

CORRUPTED = 5_000
BASE = b"".join(b"line %d of the earlier version\n" % number for number in range(400))
TARGET = BASE.replace(b"line 200 ", b"line two hundred ") + b"and a new end\n"


def entry(content: bytes) -> ArchiveEntry:
    return ArchiveEntry(len(content), hashlib.sha256(content).hexdigest())


def pieces() -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.binary(max_size=300), max_size=12)


@given(pieces(), pieces(), st.randoms(use_true_random=False))
def test_the_delta_of_any_two_archives_gives_the_second(
    kept: list[bytes], new: list[bytes], chance: random.Random
) -> None:
    base = b"".join(kept)
    moved = [*kept, *new]
    chance.shuffle(moved)
    target = b"".join(moved)
    assert apply_delta(base, make_delta(base, target), entry(target)) == target


def test_a_small_change_makes_a_small_delta() -> None:
    assert len(make_delta(BASE, TARGET)) < len(TARGET) / 50


def test_every_corrupted_delta_is_refused_or_gives_the_archive_all_the_same() -> None:
    delta, wanted = make_delta(BASE, TARGET), entry(TARGET)
    chance = random.Random(7)  # noqa: S311 - the same corruptions every time
    refused = 0
    for _ in range(CORRUPTED):
        try:
            made = apply_delta(BASE, corrupted(delta, chance), wanted)
        except DeltaRefused:
            refused += 1
        else:
            assert made == TARGET
    assert refused > CORRUPTED * 0.95  # bits that no decoder reads may be anything


def corrupted(delta: bytes, chance: random.Random) -> bytes:
    data = bytearray(delta)
    match chance.randrange(4):
        case 0:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            del data[chance.randrange(len(data)) :]
        case 2:
            at = chance.randrange(len(data))
            data[at:at] = chance.randbytes(chance.randint(1, 9))
        case _:
            at = chance.randrange(len(data))
            data[at : at + 20] = chance.randbytes(20)
    return bytes(data)


@pytest.mark.parametrize("base", [b"", BASE[:-1], BASE[::-1], TARGET])
def test_another_archive_as_its_base_is_refused(base: bytes) -> None:
    with pytest.raises(DeltaRefused):
        apply_delta(base, make_delta(BASE, TARGET), entry(TARGET))


def test_another_archive_as_its_result_is_refused() -> None:
    other = TARGET[:-1] + b"!"
    with pytest.raises(DeltaRefused, match="not the signed archive"):
        apply_delta(BASE, make_delta(BASE, TARGET), entry(other))


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    bomb = make_delta(BASE, bytes(MAX_ARCHIVE_BYTES))
    with pytest.raises(DeltaRefused, match="announces 67108864 bytes"):
        apply_delta(BASE, bomb, entry(TARGET))


def test_a_frame_that_does_not_say_how_much_it_gives_is_refused() -> None:
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(TARGET)
    with pytest.raises(DeltaRefused, match="announces"):
        apply_delta(BASE, silent, entry(TARGET))


def test_what_follows_the_frame_is_refused() -> None:
    with pytest.raises(DeltaRefused):
        apply_delta(BASE, make_delta(BASE, TARGET) + b"x", entry(TARGET))


def test_archives_too_large_for_a_browser_have_no_deltas() -> None:
    with pytest.raises(DeltaRefused, match="have no deltas"):
        make_delta(BASE, bytes(MAX_ARCHIVE_BYTES + 1))
    with pytest.raises(DeltaRefused, match="have no deltas"):
        apply_delta(BASE, b"", ArchiveEntry(MAX_ARCHIVE_BYTES + 1, "0" * 64))
