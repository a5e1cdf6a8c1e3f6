"""The packages on a device: resumed downloads, verified bytes, damage noticed, nothing kept that no one needs."""

from pathlib import Path

import pytest
from trust_simulator import MemoryFetch, Simulator, device

from sampan.offline_packages.device import Device, Hint
from sampan.offline_packages.device_store import NothingToRevert
from sampan.offline_packages.opened_package import NoSuchFile, StoreDamaged
from sampan.offline_packages.roles import SignedVersion
from sampan.offline_packages.trust_errors import Unreachable

A = "bank.demo.a"
BIG = "x" * 100_000


class Scene:
    def __init__(self, folder: Path) -> None:
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.folder = folder / "device"
        self.versions: dict[int, SignedVersion] = {}
        self.fetch = MemoryFetch(self.sim.files)
        self.device: Device = device(self.folder, self.sim, self.fetch)
        self.publish(1)

    def publish(self, sequence: int) -> None:
        source = self.sim.folder / f"{A}-{sequence}"
        source.mkdir(parents=True)
        (source / "big.txt").write_text(BIG)
        (source / "index.html").write_text(f"<!doctype html>{sequence}")
        self.versions[sequence] = self.sim.publish(A, sequence)
        self.sim.set_control(A, f"1.{sequence}", offerable=sorted(self.versions))
        self.sim.commit()

    def take(self, sequence: int) -> None:
        self.device.sync(now_ms=self.sim.now_ms)
        self.device.apply(Hint(A, sequence=sequence, digest=self.versions[sequence].index_digest))

    def archive(self) -> Path:
        return next(self.folder.glob("store/apps/*/versions/*/package.ma"))

    def read(self, path: str) -> bytes:
        with self.device.open(A, now_ms=self.sim.now_ms) as app:
            return app.package.read(path)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_broken_download_is_resumed_where_it_stopped(scene: Scene) -> None:
    scene.fetch.breaks_after = 40_960
    with pytest.raises(Unreachable):
        scene.take(1)
    with pytest.raises(Unreachable):
        scene.take(1)
    scene.fetch.breaks_after = None
    scene.fetch.log.clear()
    scene.take(1)
    assert [offset for url, offset in scene.fetch.log if url.endswith("package.ma")] == [81_920]
    assert scene.read("big.txt") == BIG.encode()


def test_what_came_from_a_lying_mirror_is_thrown_away_and_fetched_anew(scene: Scene) -> None:
    path = next(path for path in scene.sim.files if path.endswith("package.ma"))
    honest = scene.sim.files[path]
    scene.sim.files[path] = b"\0" * 40_960
    with pytest.raises(Unreachable):
        scene.take(1)
    scene.sim.files[path] = honest
    with pytest.raises(Exception, match="sha256"):
        scene.take(1)
    scene.take(1)
    assert scene.read("big.txt") == BIG.encode()


def test_a_confirmed_version_leaves_nothing_of_the_earlier_one(scene: Scene) -> None:
    scene.take(1)
    scene.read("index.html")
    scene.device.booted(A)
    scene.publish(2)
    scene.take(2)
    assert len(list(scene.folder.glob("store/apps/*/versions/*"))) == 2
    scene.read("index.html")
    scene.device.booted(A)
    assert [path.name.partition("-")[0] for path in scene.folder.glob("store/apps/*/versions/*")] == ["2"]
    assert list(scene.folder.glob("store/apps/*/staging/*")) == []


def test_a_version_that_runs_on_does_not_speak_for_the_next_one(scene: Scene) -> None:
    scene.take(1)
    scene.read("index.html")
    scene.device.booted(A)
    scene.publish(2)
    with scene.device.open(A, now_ms=scene.sim.now_ms):
        scene.take(2)
        scene.device.booted(A)
    state = scene.device.store.state(A)
    assert state.current is not None
    assert state.kept is not None
    assert (state.current.sequence, state.current.is_confirmed, state.kept.sequence) == (2, False, 1)


def test_taking_the_current_version_again_downloads_nothing(scene: Scene) -> None:
    scene.take(1)
    scene.fetch.log.clear()
    scene.take(1)
    assert not [url for url, _ in scene.fetch.log if "/apps/" in url]


def test_a_changed_byte_on_the_disk_is_noticed_when_its_file_is_read(scene: Scene) -> None:
    scene.take(1)
    data = bytearray(scene.archive().read_bytes())
    data[data.index(b"xxxx") + 50] ^= 1
    scene.archive().write_bytes(data)
    assert scene.read("index.html") == b"<!doctype html>1"
    with pytest.raises(StoreDamaged):
        scene.read("big.txt")
    scene.take(1)
    assert scene.read("big.txt") == BIG.encode()


@pytest.mark.parametrize("damage", ["archive cut", "archive gone", "index changed", "index gone"])
def test_a_damaged_package_does_not_open_and_heals(scene: Scene, damage: str) -> None:
    scene.take(1)
    archive, index = scene.archive(), scene.archive().with_name("index.json")
    victim = archive if "archive" in damage else index
    data = victim.read_bytes()
    victim.unlink()
    if "gone" not in damage:
        victim.write_bytes(data[:-1] if "cut" in damage else data + b" ")
    with pytest.raises(StoreDamaged):
        scene.read("index.html")
    scene.take(1)
    assert scene.read("index.html") == b"<!doctype html>1"


def test_another_packages_files_in_its_folder_are_noticed(scene: Scene) -> None:
    scene.take(1)
    scene.publish(2)
    for path, data in scene.sim.files.items():
        if f"/{A}/2/" in path:
            scene.archive().with_name("package.ma" if path.endswith(".ma") else "index.json").write_bytes(data)
    with pytest.raises(StoreDamaged):
        scene.read("index.html")


def test_a_path_that_is_not_in_the_package_is_not_found(scene: Scene) -> None:
    scene.take(1)
    for path in ("nothing.js", "../index.json", "/etc/passwd", ""):
        with pytest.raises(NoSuchFile):
            scene.read(path)


def test_a_package_unpacks_to_its_files(scene: Scene, tmp_path: Path) -> None:
    scene.take(1)
    with scene.device.open(A, now_ms=scene.sim.now_ms) as app:
        app.package.unpack(tmp_path / "out")
        listed = {entry.path for entry in app.package.index.files}
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == listed >= {"index.html", "big.txt", "manifest.json"}
    assert (tmp_path / "out" / "big.txt").read_text() == BIG


def test_without_a_kept_version_there_is_nothing_to_go_back_to(scene: Scene) -> None:
    scene.take(1)
    with pytest.raises(NothingToRevert):
        scene.device.store.revert(A)


def test_removal_keeps_the_memory(scene: Scene) -> None:
    scene.take(1)
    scene.device.booted(A)
    scene.device.store.remove(A)
    state = scene.device.store.state(A)
    assert (state.current, state.highest, state.highest_started) == (None, 1, 1)
    assert list(scene.folder.glob("store/apps/*/versions/*")) == []
