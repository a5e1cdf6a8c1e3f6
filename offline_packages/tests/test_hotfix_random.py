"""Random files, random stacks, withdrawn ones in the middle: the result is the package that packing its files gives."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest
from hotfix_vectors import Base, Signed
from hypothesis import given
from hypothesis import strategies as st

from sampan.offline_packages import pack, parse_index
from sampan.offline_packages.hotfix import (
    Hotfix,
    HotfixMalformed,
    HotfixRefused,
    dependents,
    live_stack,
    make_hotfix,
    parse_hotfix,
)

PATHS = ["index.html", "a", "a/b", "a/c/d.txt", "A", "é.txt", "e\u0301.txt", "\ufb01", "\U0001f600", "z/ÿ", "app.js"]
KEPT = ["index.html", "app.js"]
CONTENTS = [b"", b"1", b"2", b"three" * 100]
FILES = {"index.html": b"<!doctype html>", "a/b": b"1", "\U0001f600": b"", "\ufb01": b"2", "z/ÿ": b"3"}
Changes = dict[str, bytes | None]
Steps = list[tuple[int, Changes, set[int]]]


@pytest.fixture(scope="module")
def base() -> Iterator[Base]:
    with tempfile.TemporaryDirectory() as folder:
        yield Base(Path(folder), FILES)


class History:
    """Hotfixes that were published one after the other, each on some stack, some withdrawn between."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.made: dict[int, Signed] = {}
        self.withdrawn: set[int] = set()

    @property
    def hotfixes(self) -> dict[int, Hotfix]:
        return {n: hotfix for n, (hotfix, _) in self.made.items()}

    def live(self, n: int) -> list[Signed]:
        return [self.made[k] for k in live_stack(n, self.hotfixes, self.withdrawn)] if n in self.made else []

    def publish(self, n: int, on: int, changes: Mapping[str, bytes | None]) -> None:
        """Publish hotfix `n` on the live stack of `on`, unless it changes nothing or its files do not go together."""
        stack = self.live(on)
        try:
            hotfix = self.base.hotfix(n, changes, stack)
            self.base.derive(*stack, hotfix)
        except HotfixMalformed:
            return
        self.made[n] = hotfix


def _changes() -> st.SearchStrategy[Changes]:
    contents = st.sampled_from(CONTENTS)
    removable = st.sampled_from([path for path in PATHS if path not in KEPT])
    put = st.dictionaries(st.sampled_from(PATHS), contents, min_size=1, max_size=3)
    gone = st.dictionaries(removable, st.none(), max_size=2)
    return st.builds(lambda one, other: {**one, **other}, put, gone)


STEPS = st.lists(
    st.tuples(st.integers(0, 6), _changes(), st.sets(st.integers(1, 7), max_size=1)), min_size=1, max_size=7
)


def history(base: Base, steps: Steps) -> History:
    done = History(base)
    for n, (on, changes, withdrawn) in enumerate(steps, 1):
        done.publish(n, min(on, n - 1), changes)
        done.withdrawn |= withdrawn & done.made.keys()
    return done


def packed(base: Base, files: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """Return what packing these files in a folder gives."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "source"
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        done = pack(folder, Path(name) / "out")
        return done.index_bytes, done.archive_path.read_bytes()


@given(STEPS)
def test_every_live_stack_gives_what_packing_its_files_gives(base: Base, steps: Steps) -> None:
    done = history(base, steps)
    for n in done.made:
        stack = done.live(n)
        index, archive = base.derive(*stack)
        assert (index, archive) == packed(base, base.after(stack))
        assert parse_index(index).to_bytes() == index


@given(STEPS)
def test_one_hotfix_of_the_same_files_gives_the_same_package(base: Base, steps: Steps) -> None:
    done = history(base, steps)
    for n in done.made:
        stack = done.live(n)
        wanted = base.after(stack)
        changes: Changes = {path: wanted.get(path) for path in {*wanted, *base.files}}
        if any(base.files.get(path) != data for path, data in changes.items()):
            assert base.derive(base.hotfix(99, changes)) == base.derive(*stack)


@given(STEPS, st.integers(1, 7))
def test_what_is_left_after_a_withdrawal_stands_on_nothing_withdrawn(base: Base, steps: Steps, k: int) -> None:
    done = history(base, steps)
    fallen = {k, *dependents(k, done.hotfixes)}
    for n in done.made:
        left = live_stack(n, done.hotfixes, {k})
        assert not fallen & set(left)
        assert (left == ()) == (n in fallen)
        assert left == live_stack(n, done.hotfixes, fallen)
        base.derive(*(done.made[each] for each in left))


@given(STEPS, st.randoms(use_true_random=False))
def test_a_stack_in_another_order_is_refused(base: Base, steps: Steps, random: Random) -> None:
    done = history(base, steps)
    for n in done.made:
        stack = done.live(n)
        mixed = random.sample(stack, len(stack))
        if mixed != stack:
            with pytest.raises(HotfixRefused):
                base.derive(*mixed)


@given(STEPS, st.data())
def test_a_corrupted_document_is_refused_or_is_another_one(base: Base, steps: Steps, data: st.DataObject) -> None:
    done = history(base, steps)
    if not done.made:
        return
    hotfix, content = done.made[data.draw(st.sampled_from(sorted(done.made)))]
    good = hotfix.to_bytes()
    place, flip = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(1, 255))
    spoilt = good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :]
    try:
        read = parse_hotfix(spoilt)
    except HotfixRefused:
        return
    assert read.to_bytes() == spoilt
    assert read != hotfix
    if content:
        place %= len(content)
        damaged = content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]
        with pytest.raises(HotfixRefused):
            base.derive((hotfix, damaged))


def test_a_hotfix_of_other_files_stays_when_one_below_it_is_withdrawn(base: Base) -> None:
    one = base.hotfix(1, {"index.html": b"1"})
    two = base.hotfix(2, {"z/ÿ": b"2"}, [one])
    three = base.hotfix(3, {"z/ÿ": b"3", "new": b""}, [one, two])
    hotfixes = {1: one[0], 2: two[0], 3: three[0]}
    assert dependents(1, hotfixes) == ()
    assert dependents(2, hotfixes) == (3,)
    assert live_stack(3, hotfixes, {1}) == (2, 3)
    assert live_stack(3, hotfixes, {2}) == ()
    assert live_stack(1, hotfixes, {2}) == (1,)
    assert live_stack(3, hotfixes, ()) == (1, 2, 3)


def test_a_file_in_a_place_that_was_made_free_falls_with_what_made_it_free(base: Base) -> None:
    one = base.hotfix(1, {"a/b": None})
    two = base.hotfix(2, {"a": b"a file now"}, [one])
    hotfixes = {1: one[0], 2: two[0]}
    assert dependents(1, hotfixes) == (2,)
    with pytest.raises(HotfixMalformed):
        base.derive(base.hotfix(2, {"a": b"a file now"}))


def test_what_changes_nothing_is_left_out_and_nothing_at_all_is_refused(base: Base) -> None:
    hotfix, content = base.hotfix(1, {"index.html": base.files["index.html"], "a/b": b"!", "not/there": None})
    assert ([change.path for change in hotfix.changes], content) == (["a/b"], b"!")
    with pytest.raises(HotfixMalformed):
        base.hotfix(1, {"a/b": base.files["a/b"]})


def test_the_manifest_and_too_much_are_refused_where_they_are_made(base: Base) -> None:
    for changes, code in (
        ({"manifest.json": b"{}"}, "hotfix_manifest"),
        ({"manifest.json": None}, "hotfix_manifest"),
        ({f"{n}.txt": b"" for n in range(65)}, "hotfix_malformed"),
        ({"../x": b""}, "hotfix_malformed"),
        ({"\ud800": b""}, "hotfix_malformed"),
        ({"big": bytes(16 * 1024 * 1024 + 1)}, "hotfix_malformed"),
    ):
        with pytest.raises(HotfixRefused) as refused:
            make_hotfix(base.index, base.digest, base.files, changes, n=1)
        assert refused.value.code == code


def test_a_signed_false_sm3_is_refused_since_it_would_stand_in_the_index(base: Base) -> None:
    hotfix, content = base.hotfix(1, {"a/b": b"!"})
    right = hashlib.new("sha256", b"?").hexdigest()
    after = hotfix.changes[0].after
    assert after is not None
    spoilt = parse_hotfix(hotfix.to_bytes().replace(after.sm3.encode(), right.encode()))
    with pytest.raises(HotfixMalformed):
        base.derive((spoilt, content))
