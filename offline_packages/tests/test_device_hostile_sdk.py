"""The tests of the hostile device again, word for word, against the browser's SDK; and what only the SDK has."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import test_device_hostile
from sdk_device import SdkDevice
from sdk_runner import Sdk
from test_device_hostile import A, World
from trust_simulator import DAY_MS, Simulator, served

from sampan.offline_packages.install_rule import InstallRefused
from sampan.offline_packages.opened_package import StoreDamaged
from sampan.offline_packages.roles import app_role, control_path
from sampan.offline_packages.trust_errors import Expired, Unreachable

pytestmark = pytest.mark.node

OTHERWISE = {
    "test_a_withheld_control_file_stops_the_money_in_time_but_not_the_app",  # python-tuf has a clock of its own
    "test_nothing_is_believed_before_a_refresh",
    "test_a_device_that_lost_its_metadata_still_remembers_the_role_it_saw",
    "test_thieves_of_all_online_keys_only_choose_among_signed_versions_above_the_floor",  # it looks inside the device
}
"""Those that are written anew below, or that say nothing about this device."""

two = test_device_hostile.two
globals().update(
    {
        name: test
        for name, test in vars(test_device_hostile).items()
        if name.startswith("test_") and name not in OTHERWISE
    }
)


class Line:
    """The device's network, which can be cut."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._server = contextlib.ExitStack()
        self.base_url = self._server.enter_context(served(files))

    @property
    def is_online(self) -> bool:
        return True

    @is_online.setter
    def is_online(self, is_online: bool) -> None:
        assert not is_online
        self._server.close()


class SdkWorld(World):
    """The same world with another device in it."""

    def __init__(self, folder: Path, sdk: Sdk) -> None:
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.versions = {1: self.sim.publish(A, 1)}
        self.sim.set_control(A, "1.1", offerable=[1], max_offline_days=7)
        self.sim.commit()
        self.line = Line(self.sim.files)
        self.fetch = self.line  # type: ignore[assignment] # over HTTP here
        self.sdk_device = SdkDevice(sdk, folder / "device", self.sim, self.line.base_url)
        self.device = self.sdk_device  # type: ignore[assignment] # the same calls
        self.n = 1
        self.take(1)
        self.boot()

    def prepare(self, sequence: int) -> None:
        """Place a version without switching to it."""
        assert self.device.sync(now_ms=self.now_ms) == {}
        hint = {"action": "install", "id": A, "sequence": sequence, "digest": self.digest(sequence)}
        self.sdk_device.ask("prepare", hint)


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, sdk: Sdk) -> Iterator[SdkWorld]:
    made = SdkWorld(tmp_path, sdk)
    yield made
    made.line.is_online = False


def test_there_are_tests_of_the_device_to_repeat() -> None:
    assert len([name for name in globals() if name.startswith("test_")]) >= 25
    assert set(vars(test_device_hostile)) >= OTHERWISE


def test_a_withheld_control_file_stops_the_money_in_time_but_not_the_app(two: SdkWorld) -> None:
    two.control(1, 2)
    late = two.now_ms + 8 * DAY_MS
    two.sim.put_control_role(now_ms=late)
    two.sim.commit(now_ms=late)
    for path in [path for path in two.sim.files if path.startswith(f"targets/{control_path(A).partition('/')[0]}")]:
        del two.sim.files[path]
    refused = two.device.sync(now_ms=late)
    assert {app: problem.code for app, problem in refused.items()} == {A: "trust_unreachable"}
    with two.device.open(A, now_ms=late) as app:
        assert (app.may_move_money, app.why) == (False, "offline_too_long")


def test_the_clock_is_the_one_that_is_handed_in(two: SdkWorld) -> None:
    with pytest.raises(Expired):
        two.device.sync(now_ms=two.now_ms + 2 * DAY_MS)
    assert two.device.sync(now_ms=two.now_ms) == {}


def test_nothing_is_believed_before_a_refresh(two: SdkWorld) -> None:
    two.sdk_device.restart()
    with pytest.raises(Unreachable):
        two.sdk_device.ask("apply", {"action": "install", "id": A, "sequence": 2, "digest": two.digest(2)})
    assert two.runs() == 2


def test_a_device_that_lost_its_metadata_still_remembers_the_role_it_saw(two: SdkWorld) -> None:
    two.sim.steal_snapshot({app_role(A): 1})
    for path in two.sdk_device.folder.glob("trust%2Fmetadata%2F*"):
        path.unlink()
    assert {app: problem.code for app, problem in two.device.sync(now_ms=two.now_ms).items()} == {
        A: "trust_rolled_back"
    }
    assert two.runs() == 2


def test_a_version_that_waits_runs_when_it_is_switched_to_and_not_before(world: SdkWorld) -> None:
    world.publish(2)
    world.control(1, 2)
    world.prepare(2)
    assert world.runs() == 1
    world.line.is_online = False
    world.sdk_device.restart()
    assert world.sdk_device.ask("install", A)["sequence"] == 2
    assert world.runs() == 2
    assert world.sdk_device.ask("install", A) is None


def test_a_version_that_was_killed_while_it_waited_is_not_switched_to(world: SdkWorld) -> None:
    world.publish(2)
    world.control(1, 2)
    world.prepare(2)
    world.control(1, killed=(2,))
    world.device.sync(now_ms=world.now_ms)
    with pytest.raises(InstallRefused) as refused:
        world.sdk_device.ask("install", A)
    assert refused.value.code == "install_killed"
    assert world.runs() == 1


@pytest.mark.parametrize(
    ("part", "true", "false"), [("index", b"index.html", b"index.htmm"), ("archive", b" 2<", b" 1<")]
)
def test_a_damaged_package_is_told_and_heals(part: str, true: bytes, false: bytes, two: SdkWorld) -> None:
    path = next(two.sdk_device.folder.glob(f"package*{part}"))
    path.write_bytes(path.read_bytes().replace(true, false))
    with pytest.raises(StoreDamaged):
        two.runs()
    two.take(2)
    assert two.runs() == 2
