"""Deltas and files that are here already: fewer bytes, the same archive; whatever is wrong ends in the whole one."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from trust_simulator import MemoryFetch, Simulator, device

from sampan.offline_packages import PackageReader, parse_index
from sampan.offline_packages.delta import make_delta
from sampan.offline_packages.device import Device, Hint
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.roles import SignedVersion
from sampan.offline_packages.trust_errors import Unreachable
from sampan.offline_packages.verifier import TrustedTree

A = "bank.demo.a"


class Scene:
    """Version 1 is installed, version 2 published: one page of it differs, and one picture moved."""

    def __init__(self, folder: Path) -> None:
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.fetch = MemoryFetch(self.sim.files)
        self.steps: list[str] = []
        self.folder = folder / "device"
        self.versions: dict[int, SignedVersion] = {}
        self.publish(1, "page", "a.png")
        self.device = self.started()
        self.take(1)
        self.device.booted(A)
        self.publish(2, "another page", "b.png")
        self.base, self.target = (self.archive(sequence) for sequence in (1, 2))
        self.steps.clear()
        self.fetch.log.clear()

    def started(self) -> Device:
        root, tree, fetch = self.sim.root, self.sim.tree, self.fetch
        trusted = TrustedTree(self.folder / "trust", base_url="http://mirror", tree=tree, root=root, fetch=fetch)
        return Device(trusted, DeviceStore(self.folder / "store", step=self.steps.append), fetch)

    def publish(self, sequence: int, page: str, picture: str) -> None:
        source = self.sim.folder / f"{A}-{sequence}"
        source.mkdir(parents=True)
        (source / "index.html").write_text(f"<!doctype html>{page}")
        (source / picture).write_bytes(b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(50_000))  # noqa: S311 - the same picture every time
        self.versions[sequence] = self.sim.publish(A, sequence)
        self.sim.set_control(A, f"1.{sequence}", offerable=sorted(self.versions))
        self.sim.commit()

    def archive(self, sequence: int) -> bytes:
        digest = self.versions[sequence].package_digest.partition(":")[2]
        return next(data for path, data in self.sim.files.items() if digest in path)

    def serve_delta(self, delta: bytes) -> None:
        base, target = (self.versions[sequence].package_digest.partition(":")[2] for sequence in (1, 2))
        self.sim.files[f"deltas/{base}-{target}"] = delta

    def serve_files(self, spoil: Callable[[bytes], bytes] = lambda content: content) -> None:
        out = self.sim.folder / f"{A}-2-out"
        index = parse_index(next(out.glob("*.index.json")).read_bytes())
        with PackageReader(index, next(out.glob("*.ma"))) as reader:
            for entry in index.files:
                self.sim.files[f"files/{entry.sha256}"] = spoil(reader.read(entry.path))

    def take(self, sequence: int) -> None:
        self.device.sync(now_ms=self.sim.now_ms)
        self.device.apply(Hint(A, sequence=sequence, digest=self.versions[sequence].index_digest))

    def check_takes_the_second(self) -> None:
        self.take(2)
        with self.device.open(A, now_ms=self.sim.now_ms) as app:
            assert app.package.read("index.html") == b"<!doctype html>another page"
            assert len(app.package.read("b.png")) == 50_008

    @property
    def has_fetched_the_archive(self) -> bool:
        return any(url.endswith("package.ma") for url, _ in self.fetch.log)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_delta_takes_the_place_of_the_archive(scene: Scene) -> None:
    scene.serve_delta(make_delta(scene.base, scene.target))
    scene.check_takes_the_second()
    assert "delta_applied" in scene.steps
    assert not scene.has_fetched_the_archive


def test_without_a_delta_only_files_that_are_not_here_are_fetched(scene: Scene) -> None:
    scene.serve_files()
    scene.check_takes_the_second()
    assert "files_reused" in scene.steps
    assert not scene.has_fetched_the_archive
    assert sum("/files/" in url for url, _ in scene.fetch.log) == 2  # the page and the manifest, not the picture


@pytest.mark.parametrize("kind", ["noise", "cut", "of another base", "a bomb", "too long"])
def test_a_wrong_delta_ends_in_the_files(scene: Scene, kind: str) -> None:
    right = make_delta(scene.base, scene.target)
    wrong = {
        "noise": b"\x28\xb5\x2f\xfd" + right[::-1],
        "cut": right[:-3],
        "of another base": make_delta(scene.base[::-1], scene.target),
        "a bomb": make_delta(scene.base, bytes(20_000_000)),
        "too long": right + bytes(len(scene.target)),
    }
    scene.serve_delta(wrong[kind])
    scene.serve_files()
    scene.check_takes_the_second()
    assert [step for step in scene.steps if step.endswith(("_refused", "_reused"))] == ["delta_refused", "files_reused"]


def test_wrong_files_end_in_the_whole_archive(scene: Scene) -> None:
    scene.serve_delta(b"nothing of the kind")
    scene.serve_files(lambda content: content + b"!")
    scene.check_takes_the_second()
    assert [step for step in scene.steps if step.endswith("_refused")] == ["delta_refused", "files_refused"]
    assert scene.has_fetched_the_archive


def test_an_installed_archive_that_was_altered_ends_in_the_whole_one(scene: Scene) -> None:
    archive = next(scene.folder.glob("store/apps/*/versions/*/package.ma"))
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(bytes(data))
    scene.serve_delta(make_delta(scene.base, scene.target))
    scene.serve_files()
    scene.check_takes_the_second()
    assert [step for step in scene.steps if step.endswith("_refused")] == ["delta_refused", "files_refused"]
    assert scene.has_fetched_the_archive


def test_when_the_line_breaks_within_a_delta_the_next_sync_tries_it_again(scene: Scene) -> None:
    scene.publish(3, "x" * 9_000 + str(random.Random(2).randbytes(9_000)), "c.png")  # noqa: S311 - the same every time
    base, target = scene.archive(1), scene.archive(3)
    names = [scene.versions[sequence].package_digest.partition(":")[2] for sequence in (1, 3)]
    scene.sim.files[f"deltas/{names[0]}-{names[1]}"] = make_delta(base, target)
    scene.device.sync(now_ms=scene.sim.now_ms)
    hint = Hint(A, sequence=3, digest=scene.versions[3].index_digest)
    scene.fetch.breaks_after = 4_096
    scene.sim.files = scene.fetch.files = {
        path: data for path, data in scene.sim.files.items() if "package.ma" not in path
    }
    with pytest.raises(Unreachable):
        scene.device.apply(hint)
    scene.fetch.breaks_after = None
    taken = scene.device.apply(hint)
    assert taken is not None
    assert taken.sequence == 3
    assert "delta_applied" in scene.steps


def test_a_device_without_a_version_fetches_the_whole_archive(scene: Scene, tmp_path: Path) -> None:
    scene.serve_files()
    fresh = device(tmp_path / "fresh", scene.sim, scene.fetch)
    fresh.sync(now_ms=scene.sim.now_ms)
    fresh.apply(Hint(A, sequence=2, digest=scene.versions[2].index_digest))
    assert scene.has_fetched_the_archive
    assert not any("/files/" in url or "/deltas/" in url for url, _ in scene.fetch.log)
