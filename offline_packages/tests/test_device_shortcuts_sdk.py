"""Deltas and files that are here already, taken by the browser's SDK: the same archives, the same refusals."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk_device import SdkDevice
from sdk_runner import Sdk, SdkRefused, in_base64
from test_device_shortcuts import A, Scene
from test_package_delta import BASE, TARGET, corrupted
from trust_simulator import served

from sampan.offline_packages.delta import make_delta
from sampan.offline_packages.device import Hint

pytestmark = pytest.mark.node
CORRUPTED = 500
RANDOM_PAIRS = 60


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


class SdkScene(Scene):
    """The same two versions, on a device of the browser's SDK and over HTTP."""

    def install_both(self, sdk: Sdk, folder: Path) -> list[str]:
        """Take the first version, then the second; return what was asked for meanwhile."""
        asked: list[str] = []
        with served(self.sim.files, asked) as base_url:
            phone = SdkDevice(sdk, folder / "sdk", self.sim, base_url)
            for sequence in (1, 2):
                asked.clear()
                phone.sync(now_ms=self.sim.now_ms)
                phone.apply(Hint(A, sequence=sequence, digest=self.versions[sequence].index_digest))
                with phone.open(A, now_ms=self.sim.now_ms) as app:
                    page = app.read("index.html")
                phone.booted(A)
            assert page == b"<!doctype html>another page"
        return [path for path in asked if "/metadata/" not in path and "control" not in path]


@pytest.fixture
def scene(tmp_path: Path) -> SdkScene:
    return SdkScene(tmp_path)


def ways(asked: list[str]) -> list[str]:
    names = {"deltas": "delta", "files": "file"}
    kinds = [names.get(path.split("/")[1], "whole" if path.endswith("package.ma") else "") for path in asked]
    return [kind for kind in kinds if kind]


def test_a_delta_takes_the_place_of_the_archive(scene: SdkScene, sdk: Sdk, tmp_path: Path) -> None:
    scene.serve_delta(make_delta(scene.base, scene.target))
    assert ways(scene.install_both(sdk, tmp_path)) == ["delta"]


def test_without_a_delta_only_files_that_are_not_here_are_fetched(scene: SdkScene, sdk: Sdk, tmp_path: Path) -> None:
    scene.serve_files()
    assert ways(scene.install_both(sdk, tmp_path)) == ["delta", "file", "file"]


def test_a_wrong_delta_ends_in_the_files(scene: SdkScene, sdk: Sdk, tmp_path: Path) -> None:
    scene.serve_delta(make_delta(scene.base[::-1], scene.target))
    scene.serve_files()
    assert ways(scene.install_both(sdk, tmp_path)) == ["delta", "file", "file"]


def test_wrong_files_end_in_the_whole_archive(scene: SdkScene, sdk: Sdk, tmp_path: Path) -> None:
    scene.serve_delta(b"nothing of the kind")
    scene.serve_files(lambda content: content[:-1] + b"!")
    assert ways(scene.install_both(sdk, tmp_path)) == ["delta", "file", "whole"]


def inflated(sdk: Sdk, base: bytes, delta: bytes, target: bytes) -> str:
    """Return the digest of what the SDK makes of a delta."""
    sha256 = hashlib.sha256(target).hexdigest()
    return str(sdk.ask("delta.apply", in_base64(base), in_base64(delta), len(target), sha256))


def test_it_inflates_what_the_server_makes_of_any_two_archives(sdk: Sdk) -> None:
    chance = random.Random(3)  # noqa: S311 - the same pairs every time
    for _ in range(RANDOM_PAIRS):
        kept = [chance.randbytes(chance.choice((0, 3, 200, 5_000, 140_000))) for _ in range(chance.randint(0, 6))]
        moved = [*kept, chance.randbytes(chance.choice((1, 300, 150_000))), b"ab" * chance.randint(0, 90_000)]
        chance.shuffle(moved)
        base, target = b"".join(kept), b"".join(moved)
        assert inflated(sdk, base, make_delta(base, target), target) == hashlib.sha256(target).hexdigest()


def test_it_refuses_every_corrupted_delta_or_gives_the_archive_all_the_same(sdk: Sdk) -> None:
    delta, chance = make_delta(BASE, TARGET), random.Random(11)  # noqa: S311 - the same corruptions every time
    refused = given = 0
    for _ in range(CORRUPTED):
        try:
            assert inflated(sdk, BASE, corrupted(delta, chance), TARGET) == hashlib.sha256(TARGET).hexdigest()
            given += 1
        except SdkRefused as problem:
            refused += problem.code == "delta_refused"
    assert (refused + given, refused > CORRUPTED * 0.95) == (CORRUPTED, True)


def test_it_refuses_a_bomb_before_it_inflates_it(sdk: Sdk) -> None:
    with pytest.raises(SdkRefused, match="announces another size"):
        inflated(sdk, BASE, make_delta(BASE, bytes(30_000_000)), TARGET)
