"""kill -9 at every step of what a device does: afterwards it opens the old version or the new one, never half."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from trust_simulator import MemoryFetch, Simulator, device, served

from sampan.offline_packages import parse_index
from sampan.offline_packages.delta import make_delta
from sampan.offline_packages.device import MAX_BOOTS, Device, Hint, StackHint
from sampan.offline_packages.install_rule import NothingInstalled

A = "bank.demo.a"
CHILD = Path(__file__).with_name("device_kill_child.py")


class Scene:
    """Version 1 runs on a device (the template); version 2 is published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.fetch = MemoryFetch(self.sim.files)
        self.hints = {1: self.publish(1)}
        self.template = device(folder / "template", self.sim, self.fetch)
        self.take(self.template, 1)
        self.template.booted(A)
        self.hints[2] = self.publish(2)

    def publish(self, sequence: int) -> Hint:
        source = self.sim.folder / f"{A}-{sequence}"
        source.mkdir(parents=True)
        (source / "big.txt").write_text(f"{sequence}" * 200_000)
        (source / "same.txt").write_text("always the same" * 50_000)
        version = self.sim.publish(A, sequence)
        self.sim.set_control(A, f"1.{sequence}", offerable=list(range(1, sequence + 1)))
        self.sim.commit()
        return Hint(A, sequence=sequence, digest=version.index_digest)

    def serve_shortcut(self, way: str) -> None:
        archives = {path: data for path, data in self.sim.files.items() if path.endswith("package.ma")}
        base, target = archives.values()
        if way == "delta":
            names = [path.rpartition("/")[2].partition(".")[0] for path in archives]
            self.sim.files[f"deltas/{names[0]}-{names[1]}"] = make_delta(base, target)
            return
        index = parse_index(next((self.sim.folder / f"{A}-2-out").glob("*.index.json")).read_bytes())
        for entry in index.files:
            self.sim.files[f"files/{entry.sha256}"] = target[entry.offset : entry.offset + entry.size]

    def take(self, on: Device, sequence: int) -> None:
        on.sync(now_ms=self.sim.now_ms)
        on.apply(self.hints[sequence])

    def kill_everywhere(self, scenario: str, hint: Hint | StackHint | None = None) -> list[str]:
        """Run the scenario once per step, killed there; return the steps in order."""
        (self.folder / "root.json").write_bytes(self.sim.root)
        with served(self.sim.files) as base_url:
            done = subprocess.run(
                [
                    sys.executable,
                    str(CHILD),
                    scenario,
                    str(self.folder / "template"),
                    str(self.folder / "work"),
                    base_url,
                    self.sim.tree,
                    str(self.folder / "root.json"),
                    msgspec.json.encode(hint or self.hints[2]).decode(),
                    str(self.sim.now_ms),
                ],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        steps: list[str] = json.loads(done.stdout)
        return steps

    def after(self, n: int) -> Device:
        return device(self.folder / "work" / str(n), self.sim, self.fetch)

    def opens_whole(self, on: Device) -> int:
        """Open without a network, read every file, and tell which version it is."""
        self.fetch.is_online = False
        with on.open(A, now_ms=self.sim.now_ms) as app:
            for entry in app.package.index.files:
                app.package.read(entry.path)
            sequence = app.package.installed.sequence
            assert app.package.read("big.txt") == f"{sequence}".encode() * 200_000
        self.fetch.is_online = True
        return sequence


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_an_update_killed_at_any_step_leaves_the_old_or_the_new_version_and_can_be_finished(scene: Scene) -> None:
    steps = scene.kill_everywhere("update")
    assert {
        "role_written", "role_renamed", "control_renamed", "staging_made", "index_renamed", "archive_chunk",
        "archive_downloaded", "files_verified", "archive_named", "version_placed", "pointer_written",
        "pointer_renamed", "switched", "staging_cleared", "boot_counted", "confirmed", "old_removed",
    } <= set(steps)  # fmt: skip
    opened = []
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        victim.store.recover()
        opened.append(scene.opens_whole(victim))
        scene.take(victim, 2)
        assert scene.opens_whole(victim) == 2
        victim.booted(A)
        assert len(list((scene.folder / "work" / str(n)).glob("store/apps/*/versions/*"))) == 1
    switched = steps.index("pointer_renamed")
    assert opened == [1] * switched + [2] * (len(steps) - switched)


@pytest.mark.parametrize("way", ["delta", "files"])
def test_an_update_by_a_shortcut_killed_at_any_step_leaves_the_old_or_the_new_version(scene: Scene, way: str) -> None:
    scene.serve_shortcut(way)
    steps = scene.kill_everywhere("update")
    assert {"shortcut_written", "shortcut_renamed", "delta_applied" if way == "delta" else "files_reused"} <= set(steps)
    assert "archive_chunk" not in steps
    switched = steps.index("pointer_renamed")
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        victim.store.recover()
        assert scene.opens_whole(victim) == (1 if n < switched else 2)
        scene.take(victim, 2)
        assert scene.opens_whole(victim) == 2


def test_a_boot_watchdog_killed_at_any_step_still_ends_at_the_old_version(scene: Scene) -> None:
    scene.take(scene.template, 2)
    for _ in range(MAX_BOOTS):
        scene.template.open(A, now_ms=scene.sim.now_ms).package.close()
    steps = scene.kill_everywhere("watchdog")
    assert {"pointer_written", "pointer_renamed", "reverted", "old_removed"} <= set(steps)
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        assert scene.opens_whole(victim) == 1
        assert victim.store.state(A).highest == 2
        assert victim.store.state(A).failed == (scene.hints[2].digest,)


def test_a_removal_killed_at_any_step_leaves_the_app_whole_or_gone(scene: Scene) -> None:
    steps = scene.kill_everywhere("remove")
    gone = steps.index("pointer_renamed")
    for n, _ in enumerate(steps):
        victim = scene.after(n)
        victim.store.recover()
        if n < gone:
            assert scene.opens_whole(victim) == 1
        else:
            with pytest.raises(NothingInstalled):
                victim.open(A, now_ms=scene.sim.now_ms)
            assert victim.store.state(A).highest == 1
