"""kill -9 at every step of a hotfix: afterwards the app opens without it or with it, never half."""

from pathlib import Path

import pytest
from test_device_kill import Scene
from trust_simulator import device

from sampan.offline_packages.control import Stack
from sampan.offline_packages.device import MAX_BOOTS, Device, Hint, StackHint

A = "bank.demo.a"
NEW = b"fixed" * 40_000


class Fixes(Scene):
    """Version 1 runs on the template; a hotfix of it is published, and a second one on the first."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stacks = [
            self.sim.publish_hotfix(A, 1, 1, {"big.txt": NEW, "same.txt": None}),
            self.sim.publish_hotfix(A, 1, 2, {"big.txt": NEW + NEW, "new.txt": b"new"}, on=[1]),
        ]
        self.serial = 10
        self.allow(*self.stacks)

    def allow(self, *stacks: Stack) -> None:
        self.serial += 1
        self.sim.set_control(A, f"1.{self.serial}", offerable=[1], stacks=stacks)
        self.sim.commit()

    def hint(self, n: int) -> StackHint:
        stack = self.stacks[n - 1]
        return StackHint(A, 1, stack.patches, stack.digest)

    def have(self, on: Device, n: int) -> None:
        on.sync(now_ms=self.sim.now_ms)
        on.apply_hotfixes(self.hint(n))

    def shows(self, on: Device) -> int:
        """Open without a network, read every file, and tell how many hotfixes are in it."""
        self.fetch.is_online = False
        with on.open(A, now_ms=self.sim.now_ms) as app:
            files = {entry.path: app.package.read(entry.path) for entry in app.package.index.files}
            applied = len(app.package.installed.patches)
        self.fetch.is_online = True
        assert files["big.txt"] == [b"1" * 200_000, NEW, NEW + NEW][applied]
        assert ("same.txt" in files, "new.txt" in files) == (applied == 0, applied == 2)
        return applied

    def folders(self, n: int) -> int:
        return len(list((self.folder / "work" / str(n)).glob("store/apps/*/versions/*")))


@pytest.fixture
def scene(tmp_path: Path) -> Fixes:
    return Fixes(tmp_path)


@pytest.mark.parametrize("before", [0, 1])
def test_a_hotfix_killed_at_any_step_is_applied_or_not_and_can_be_finished(scene: Fixes, before: int) -> None:
    if before:
        scene.have(scene.template, 1)
        scene.template.booted(A)
    steps = scene.kill_everywhere("hotfix", scene.hint(before + 1))
    assert {
        "document_written", "document_renamed", "content_renamed", "staging_made", "stack_written", "index_renamed",
        "archive_named", "version_placed", "pointer_written", "pointer_renamed", "switched", "staging_cleared",
        "boot_counted", "confirmed",
    } <= set(steps)  # fmt: skip
    opened = []
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        victim.store.recover()
        opened.append(scene.shows(victim))
        scene.have(victim, before + 1)
        assert scene.shows(victim) == before + 1
        victim.booted(A)
        assert scene.folders(n) == 2
    switched = steps.index("pointer_renamed")
    assert opened == [before] * switched + [before + 1] * (len(steps) - switched)


def test_a_withdrawal_killed_at_any_step_ends_at_the_version(scene: Fixes) -> None:
    scene.have(scene.template, 2)
    scene.template.booted(A)
    scene.allow()
    steps = scene.kill_everywhere("withdrawn", Hint(A))
    assert {"control_renamed", "pointer_written", "pointer_renamed", "patches_left", "old_removed"} <= set(steps)
    known = steps.index("control_renamed")
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        victim.store.recover()
        assert scene.shows(victim) == (2 if n < known else 0)
        victim.sync(now_ms=scene.sim.now_ms)
        assert scene.shows(victim) == 0
        assert scene.folders(n) == 1


def test_a_watchdog_killed_at_any_step_leaves_the_hotfix_and_never_takes_it_again(scene: Fixes) -> None:
    scene.have(scene.template, 1)
    scene.template.booted(A)
    scene.have(scene.template, 2)
    for _ in range(MAX_BOOTS):
        scene.template.open(A, now_ms=scene.sim.now_ms).package.close()
    steps = scene.kill_everywhere("watchdog", Hint(A))
    assert {"pointer_written", "pointer_renamed", "reverted", "old_removed"} <= set(steps)
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        assert scene.shows(victim) == 1
        assert victim.store.state(A).failed == (scene.stacks[1].digest,)
        with pytest.raises(Exception, match="failed to start"):
            scene.have(victim, 2)


def test_a_device_without_the_step_before_goes_to_the_same_bytes(scene: Fixes) -> None:
    scene.have(scene.template, 1)
    scene.have(scene.template, 2)
    other = device(scene.folder / "other", scene.sim, scene.fetch)
    scene.sim.set_control(A, "1.99", offerable=[1], stacks=scene.stacks)
    scene.sim.commit()
    scene.take(other, 1)
    scene.have(other, 2)
    packages = [
        next((folder / "store").glob(f"apps/*/versions/*{scene.stacks[1].digest[7:23]}/package.ma")).read_bytes()
        for folder in (scene.folder / "template", scene.folder / "other")
    ]
    assert packages[0] == packages[1] == scene.sim.package(A, 1, 1, 2)[1]
