"""Hotfixes on a device: applied beside, switched by one pointer, taken back, reverted, and never twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from trust_simulator import MemoryFetch, Simulator, device

from sampan.offline_packages.control import Killed, Rollback, Stack
from sampan.offline_packages.delta import make_delta
from sampan.offline_packages.device import MAX_BOOTS, Device, Hint, StackHint
from sampan.offline_packages.trust_errors import Unreachable
from sampan.platform.crypto.digest import digest
from sampan.platform.errors import SampanError

A = "bank.demo.a"
FILES = {"index.html": b"<!doctype html>broken", "data/rates.json": b'{"eur":1}', "big.txt": b"x" * 50_000}


class Scene:
    """A device that runs version 1, which can be fixed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "device"
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.fetch = MemoryFetch(self.sim.files)
        self.device: Device = device(self.folder, self.sim, self.fetch)
        self.versions: dict[int, str] = {}
        self.serial = 0
        self.publish(1)
        self.take(1)
        self.boot()

    def publish(self, sequence: int) -> None:
        source = self.sim.folder / f"{A}-{sequence}"
        for path, data in FILES.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        self.versions[sequence] = self.sim.publish(A, sequence).index_digest
        self.control()

    def control(
        self,
        *stacks: Stack,
        offerable: Sequence[int] | None = None,
        killed: Sequence[Killed] = (),
        rollback: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.serial += 1
        self.sim.set_control(
            A,
            f"1.{self.serial}",
            offerable=sorted(self.versions) if offerable is None else offerable,
            killed=killed,
            rollback=[Rollback(high, to, self.versions[to], f"1.{self.serial}") for high, to in rollback],
            stacks=stacks,
        )
        self.sim.commit()

    def fix(self, n: int, text: bytes, *, on: Sequence[int] = (), sequence: int = 1) -> Stack:
        return self.sim.publish_hotfix(A, sequence, n, {"index.html": text}, on=on)

    def sync(self) -> None:
        assert self.device.sync(now_ms=self.sim.now_ms) == {}

    def take(self, sequence: int) -> None:
        self.sync()
        self.device.apply(Hint(A, sequence=sequence, digest=self.versions[sequence]))

    def have(self, stack: Stack) -> None:
        self.sync()
        self.device.apply_hotfixes(StackHint(A, stack.sequence, stack.patches, stack.digest))

    def refusal(self, stack: Stack) -> str:
        with pytest.raises(SampanError) as refused:
            self.have(stack)
        return refused.value.code

    def page(self) -> str:
        """What shows offline, every file read."""
        self.fetch.is_online = False
        try:
            with self.device.open(A, now_ms=self.sim.now_ms) as app:
                for entry in app.package.index.files:
                    app.package.read(entry.path)
                return app.package.read("index.html").decode().removeprefix("<!doctype html>")
        finally:
            self.fetch.is_online = True

    def boot(self) -> None:
        self.page()
        self.device.booted(A)

    def crash(self) -> str:
        for _ in range(MAX_BOOTS):
            self.page()
        return self.page()

    def folders(self) -> int:
        return len(list(self.folder.glob("store/apps/*/versions/*")))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_hotfix_changes_files_and_no_version(scene: Scene) -> None:
    stack = scene.sim.publish_hotfix(
        A, 1, 1, {"index.html": b"<!doctype html>fixed", "data/rates.json": None, "data/more/rates.json": b"{}"}
    )
    scene.control(stack)
    scene.have(stack)
    assert scene.page() == "fixed"
    with scene.device.open(A, now_ms=scene.sim.now_ms) as app:
        assert [entry.path for entry in app.package.index.files if "rates" in entry.path] == ["data/more/rates.json"]
        assert app.package.read("big.txt") == FILES["big.txt"]
        assert (app.package.index.version, app.package.index.sequence) == ("1.0.1", 1)
    state = scene.device.store.state(A)
    assert state.current is not None
    assert state.base is not None
    assert (state.current.sequence, state.current.patches, state.current.digest) == (1, ("1",), stack.digest)
    assert (state.base.digest, state.highest) == (scene.versions[1], 1)
    assert state.version == state.base
    scene.boot()
    assert scene.folders() == 2


def test_nothing_of_the_version_is_fetched_again(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.sync()
    scene.fetch.log.clear()
    scene.device.apply_hotfixes(StackHint(A, 1, stack.patches, stack.digest))
    fetched = [url.rpartition("/")[2].partition(".")[2] for url, _ in scene.fetch.log]
    assert fetched == ["hotfix-1.json", "hotfix-1.bin"]


def test_a_stack_grows_and_shrinks_to_the_same_bytes(scene: Scene) -> None:
    one, two = scene.fix(1, b"<!doctype html>one"), scene.fix(2, b"<!doctype html>two", on=[1])
    for stacks, shows in (((one,), "one"), ((two,), "two"), ((one, two), "one"), ((), "broken"), ((two,), "two")):
        scene.control(*stacks)
        if stacks:
            scene.have(stacks[0])
        scene.sync()
        assert scene.page() == shows
        scene.boot()


def test_a_withdrawn_hotfix_leaves_at_the_next_sync(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.boot()
    scene.control()
    scene.sync()
    state = scene.device.store.state(A)
    assert state.current is not None
    assert (state.current.digest, state.current.is_confirmed, state.base, state.failed) == (
        scene.versions[1],
        True,
        None,
        (),
    )
    assert scene.page() == "broken"
    assert scene.folders() == 1
    assert scene.refusal(stack) == "hotfix_not_listed"
    scene.control(stack)
    scene.have(stack)
    assert scene.page() == "fixed"


def test_a_withdrawn_hotfix_leaves_at_an_open_without_a_network(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.boot()
    scene.control()
    scene.device.tree.refresh(now_ms=scene.sim.now_ms)
    scene.device.tree.control(A)  # and then the process died
    assert scene.page() == "broken"


def test_another_stack_that_control_lists_is_not_withdrawn(scene: Scene) -> None:
    one, two = scene.fix(1, b"<!doctype html>one"), scene.sim.publish_hotfix(A, 1, 2, {"big.txt": b"small"})
    scene.control(one, two)
    scene.have(one)
    scene.sync()
    assert scene.page() == "one"
    scene.have(two)
    assert scene.page() == "broken"
    scene.have(one)
    assert scene.page() == "one"


def test_a_crash_loop_goes_back_and_is_never_tried_again(scene: Scene) -> None:
    good, bad = scene.fix(1, b"<!doctype html>good"), scene.fix(2, b"<!doctype html>bad", on=[1])
    scene.control(good, bad)
    scene.have(good)
    scene.boot()
    scene.have(bad)
    assert scene.crash() == "good"
    assert scene.device.store.state(A).failed == (bad.digest,)
    assert scene.refusal(bad) == "install_failed_here"
    assert scene.page() == "good"


def test_a_first_hotfix_that_crashes_leaves_the_version(scene: Scene) -> None:
    bad = scene.fix(1, b"<!doctype html>bad")
    scene.control(bad, offerable=[])
    scene.have(bad)
    assert scene.crash() == "broken"
    assert scene.refusal(bad) == "install_failed_here"
    assert scene.folders() == 1


def test_a_crash_loop_back_to_a_stack_that_was_withdrawn_ends_at_the_version(scene: Scene) -> None:
    good, bad = scene.fix(1, b"<!doctype html>good"), scene.fix(2, b"<!doctype html>bad", on=[1])
    scene.control(good, bad)
    scene.have(good)
    scene.boot()
    scene.have(bad)
    scene.control(bad)
    scene.sync()
    assert scene.crash() == "broken"
    assert scene.device.store.state(A).failed == (bad.digest,)


def test_a_hotfix_before_the_first_boot_of_a_version_keeps_the_version_before(scene: Scene) -> None:
    scene.publish(2)
    scene.take(2)
    bad = scene.fix(1, b"<!doctype html>bad", sequence=2)
    scene.control(bad)
    scene.have(bad)
    assert scene.folders() == 3
    scene.crash()
    state = scene.device.store.state(A)
    assert state.current is not None
    assert (state.current.sequence, state.base) == (1, None)


def test_when_the_version_before_may_not_come_back_the_version_without_the_hotfix_does(scene: Scene) -> None:
    scene.publish(2)
    scene.take(2)
    bad = scene.fix(1, b"<!doctype html>bad", sequence=2)
    scene.control(bad, offerable=[2])
    scene.have(bad)
    scene.crash()
    state = scene.device.store.state(A)
    assert state.current is not None
    assert (state.current.digest, state.current.patches, state.failed) == (scene.versions[2], (), (bad.digest,))


def test_a_hotfix_before_the_very_first_boot_leaves_the_version_when_it_crashes(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    bad = scene.fix(1, b"<!doctype html>bad")
    scene.control(bad)
    scene.folder = tmp_path / "another"
    scene.device = device(scene.folder, scene.sim, scene.fetch)
    scene.take(1)
    scene.have(bad)
    assert scene.crash() == "broken"
    assert scene.device.store.state(A).failed == (bad.digest,)


def test_an_update_takes_the_fixed_version_along_until_it_has_booted(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.boot()
    scene.publish(2)
    scene.control(stack)
    scene.take(2)
    assert scene.folders() == 3
    assert scene.crash() == "fixed"
    assert scene.folders() == 2
    scene.publish(3)
    scene.control(stack)
    scene.take(3)
    scene.boot()
    assert scene.folders() == 1
    assert scene.device.store.state(A).base is None


def test_the_delta_of_an_update_is_the_one_from_the_version_without_hotfixes(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.boot()
    scene.publish(2)
    scene.control(stack)
    (_, old), (_, new) = scene.sim.package(A, 1), scene.sim.package(A, 2)
    scene.sim.files[f"deltas/{digest(old)[7:]}-{digest(new)[7:]}"] = make_delta(old, new)
    scene.fetch.log.clear()
    scene.take(2)
    assert scene.page() == "broken"
    assert [url for url, _ in scene.fetch.log if url.endswith("package.ma")] == []


def test_a_hotfix_of_the_next_version_drops_that_of_the_last(scene: Scene) -> None:
    old = scene.fix(1, b"<!doctype html>old")
    scene.control(old)
    scene.have(old)
    scene.boot()
    scene.publish(2)
    new = scene.fix(1, b"<!doctype html>new", sequence=2)
    scene.control(old, new)
    scene.take(2)
    scene.have(new)
    assert scene.page() == "new"
    state = scene.device.store.state(A)
    assert state.kept is not None
    assert state.base is not None
    assert (state.kept.digest, state.kept.patches, state.base.digest) == (scene.versions[1], (), scene.versions[2])
    scene.crash()
    assert scene.page() == "broken"
    assert scene.folders() == 1


def test_an_offer_of_the_version_itself_leaves_its_hotfixes(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.take(1)
    assert scene.page() == "fixed"


def test_a_rollback_leads_to_the_version_and_its_hotfix(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.publish(2)
    scene.control(stack)
    scene.take(2)
    scene.boot()
    assert scene.refusal(stack) == "hotfix_base_differs"
    scene.control(stack, rollback=[(2, 1)])
    scene.take(1)
    scene.have(stack)
    assert scene.page() == "fixed"


def test_a_killed_version_takes_no_hotfix_and_opens_with_none(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.control(stack, killed=[Killed(1, scene.versions[1], "unsafe")])
    assert scene.refusal(stack) == "install_killed"
    with pytest.raises(SampanError) as refused:
        scene.page()
    assert refused.value.code == "open_killed"


def test_a_version_below_the_floor_takes_no_hotfix(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.sim.publish(A, 2, floor=2)
    scene.control(stack)
    assert scene.refusal(stack) == "install_below_floor"


def test_a_line_that_breaks_changes_nothing_and_goes_on_where_it_stopped(scene: Scene) -> None:
    stack = scene.sim.publish_hotfix(A, 1, 1, {"index.html": b"<!doctype html>fixed", "big.txt": b"y" * 50_000})
    scene.control(stack)
    scene.sync()
    scene.fetch.breaks_after = 8_192
    with pytest.raises(Unreachable):
        scene.device.apply_hotfixes(StackHint(A, 1, stack.patches, stack.digest))
    assert scene.page() == "broken"
    scene.fetch.breaks_after = None
    scene.fetch.log.clear()
    scene.device.apply_hotfixes(StackHint(A, 1, stack.patches, stack.digest))
    assert [url for url, _ in scene.fetch.log if url.endswith(".json") and "hotfix" in url] == []
    assert scene.page() == "fixed"


def test_damage_heals_from_the_network(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    for archive in scene.folder.glob("store/apps/*/versions/*/package.ma"):
        data = bytearray(archive.read_bytes())
        data[-200] ^= 1
        archive.write_bytes(data)
    scene.have(stack)
    assert scene.page() == "fixed"


def test_damaged_hotfixes_make_room_for_the_version_when_it_is_offered_again(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    next(scene.folder.glob(f"store/apps/*/versions/1-{stack.digest[7:23]}/index.json")).unlink()
    scene.take(1)
    assert scene.page() == "broken"
    scene.have(stack)
    assert scene.page() == "fixed"


def test_removed_is_removed_with_all_packages(scene: Scene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    scene.control(stack, killed=[Killed(1, scene.versions[1], "unsafe")])
    scene.sync()
    assert scene.device.apply(Hint(A, action="remove")) is None
    assert scene.folders() == 0
