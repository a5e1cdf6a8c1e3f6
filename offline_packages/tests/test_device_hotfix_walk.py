"""Random lives of a device: whatever comes in whatever order, what opens is whole, listed, and did not crash before."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_simulator import MemoryFetch, Simulator, device

from sampan.offline_packages.control import Rollback
from sampan.offline_packages.device import MAX_BOOTS, Hint, StackHint
from sampan.offline_packages.device_store import AppState
from sampan.offline_packages.hotfix import HotfixBaseDiffers
from sampan.offline_packages.install_rule import InstallRefused
from sampan.offline_packages.opened_package import Installed
from sampan.offline_packages.trust_errors import Unreachable

A = "bank.demo.a"
STACKS = [(1, 1), (1, 1, 2), (1, 1, 2, 3), (2, 1), (2, 1, 2), (3, 1)]
"""Sequence, then numbers."""


class Tree:
    """Versions 1 to 3 and hotfixes of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.versions = {sequence: self.sim.publish(A, sequence).index_digest for sequence in (1, 2, 3)}
        for sequence, *numbers in STACKS:
            text = f"{sequence}: {numbers}".encode()
            self.sim.publish_hotfix(A, sequence, numbers[-1], {"index.html": text}, on=numbers[:-1])
        self.stacks = [self.sim.stack(A, *numbers) for numbers in STACKS]


class Life:
    """One device on the tree; any step may be refused."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.sim, self.serial = tree, tree.sim.fork(), 0
        self.fetch = MemoryFetch(self.sim.files)
        self.folder = Path(tempfile.mkdtemp(dir=tree.folder))
        self.device = device(self.folder, self.sim, self.fetch)
        self.crashed: set[str] = set()
        self.control({0, 1, 2, 3, 4, 5}, {1, 2, 3})
        self.take(1)

    @property
    def state(self) -> AppState:
        return self.device.store.state(A)

    @property
    def current(self) -> Installed:
        found = self.state.current
        assert found is not None
        return found

    def control(self, listed: set[int], offerable: set[int]) -> None:
        self.serial += 1
        back = ((3, 2), (3, 1), (2, 1)) if self.serial % 2 else ()
        self.sim.set_control(
            A,
            f"1.{self.serial}",
            offerable=sorted(offerable),
            stacks=[self.tree.stacks[each] for each in sorted(listed)],
            rollback=[Rollback(high, to, self.tree.versions[to], f"1.{self.serial}") for high, to in back],
        )
        self.sim.commit()
        self.sync()

    def sync(self) -> None:
        assert self.device.sync(now_ms=self.sim.now_ms) == {}

    def take(self, sequence: int) -> None:
        self.device.apply(Hint(A, sequence=sequence, digest=self.tree.versions[sequence]))

    def have(self, which: int) -> None:
        stack = self.tree.stacks[which]
        self.device.apply_hotfixes(StackHint(A, stack.sequence, stack.patches, stack.digest))
        assert self.current.digest == stack.digest

    def boot(self) -> None:
        self.device.open(A, now_ms=self.sim.now_ms).package.close()
        self.device.booted(A)

    def crash(self) -> None:
        before = self.current
        for _ in range(MAX_BOOTS + 1):
            self.device.open(A, now_ms=self.sim.now_ms).package.close()
        assert not before.patches or before.is_confirmed or self.current.digest != before.digest
        if self.current.digest != before.digest:
            self.crashed.add(before.digest)

    def online(self, is_online: bool) -> None:
        self.fetch.is_online = is_online

    def check(self) -> None:
        with self.device.store.open(A) as package:
            for entry in package.index.files:
                package.read(entry.path)
        state, seen = self.state, self.device.tree.obeyed_control(A)
        assert seen is not None
        if self.current.patches:
            assert seen.has_stack(self.current.sequence, self.current.patches, self.current.digest)
        assert self.current.digest not in self.crashed
        assert self.crashed <= set(state.failed)
        packages = [each for each in (state.current, state.kept, state.base) if each is not None]
        assert {path.name for path in self.folder.glob("store/apps/*/versions/*")} == {each.name for each in packages}
        based = {each.sequence for each in (state.current, state.kept) if each is not None and each.patches}
        assert based == ({state.base.sequence} if state.base is not None else set())
        assert state.base is None or not state.base.patches


SOME = st.sets(st.integers(0, 5), min_size=3)
STEP = st.one_of(
    st.tuples(st.just("have"), st.integers(0, 5)),
    st.tuples(st.just("have"), st.integers(0, 5)),
    st.tuples(st.just("take"), st.integers(1, 3)),
    st.tuples(st.just("control"), SOME, st.sets(st.integers(1, 3), min_size=1)),
    st.tuples(st.sampled_from(["boot", "boot", "crash", "sync"])),
    st.tuples(st.just("online"), st.booleans()),
)
_YOUTH = [("have", 0), ("boot",)]
YOUTHS: list[list[tuple[Any, ...]]] = [[], _YOUTH, [*_YOUTH, ("take", 2)], [*_YOUTH, ("have", 1)]]
"""How a life may begin, so that short ones come far."""


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    with tempfile.TemporaryDirectory() as folder:
        yield Tree(Path(folder))


@settings(max_examples=80)
@given(st.sampled_from(YOUTHS), st.lists(STEP, max_size=12))
def test_no_life_of_a_device_leads_to_what_may_not_run(
    tree: Tree, youth: list[tuple[Any, ...]], steps: list[tuple[Any, ...]]
) -> None:
    life = Life(tree)
    life.check()
    for name, *told in youth + steps:
        with contextlib.suppress(InstallRefused, HotfixBaseDiffers, Unreachable):
            getattr(life, name)(*told)
        life.check()
