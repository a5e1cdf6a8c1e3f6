"""The tests of hotfixes on a device again, word for word, against the browser's SDK."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import test_device_hotfix
from sdk_device import SdkDevice
from sdk_runner import Sdk
from test_device_hotfix import A, Scene
from trust_simulator import Simulator, served

from sampan.offline_packages.device import StackHint
from sampan.offline_packages.device_store import AppState
from sampan.offline_packages.opened_package import Installed

pytestmark = pytest.mark.node

OTHERWISE = {
    "test_a_hotfix_changes_files_and_no_version",
    "test_nothing_of_the_version_is_fetched_again",
    "test_a_withdrawn_hotfix_leaves_at_an_open_without_a_network",
    "test_a_line_that_breaks_changes_nothing_and_goes_on_where_it_stopped",
    "test_damage_heals_from_the_network",
    "test_the_delta_of_an_update_is_the_one_from_the_version_without_hotfixes",
    "test_damaged_hotfixes_make_room_for_the_version_when_it_is_offered_again",
    "test_a_hotfix_before_the_very_first_boot_leaves_the_version_when_it_crashes",
}
"""Those that look inside the other device; miniapps/sdk/tests/hotfix_device.test.ts has the same of this one."""

globals().update(
    {
        name: test
        for name, test in vars(test_device_hotfix).items()
        if name.startswith("test_") and name not in OTHERWISE
    }
)


def _installed(found: dict[str, Any] | None) -> Installed | None:
    if found is None:
        return None
    patches = tuple(found.get("patches", ()))
    return Installed(found["sequence"], found["version"], found["digest"], found["isConfirmed"], patches)


class HotfixDevice(SdkDevice):
    """The SDK's device with what these tests call beside the rest."""

    def apply_hotfixes(self, hint: StackHint) -> None:
        named = {"id": hint.app, "sequence": hint.sequence, "digest": hint.digest, "patches": list(hint.patches)}
        self.ask("apply", {"action": "install", **named})

    def _state(self, app: str) -> Any:
        found = self.ask("state", app)
        return AppState(
            current=_installed(found["current"]),
            kept=_installed(found["kept"]),
            highest=found["highest"],
            highest_started=found["highestStarted"],
            failed=tuple(found["failed"]),
            boots=found["boots"],
            base=_installed(found["base"]),
        )


class SdkScene(Scene):
    """The same scene with another device in it."""

    def __init__(self, folder: Path, sdk: Sdk, base_url: str, sim: Simulator) -> None:
        self.folder = folder / "device"
        self.sim = sim
        self.fetch = SimpleNamespace(is_online=True)  # type: ignore[assignment] # over HTTP here
        self.device = HotfixDevice(sdk, self.folder, self.sim, base_url)  # type: ignore[assignment] # the same calls
        self.versions: dict[int, str] = {}
        self.serial = 0
        self.publish(1)
        self.take(1)
        self.boot()

    def page(self) -> str:
        with self.device.open(A, now_ms=self.sim.now_ms) as app:
            return app.package.read("index.html").decode().removeprefix("<!doctype html>")

    def folders(self) -> int:
        return len([path for path in self.folder.glob("package*") if path.name.endswith("%2Findex")])


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


@pytest.fixture
def scene(tmp_path: Path, sdk: Sdk) -> Iterator[SdkScene]:
    sim = Simulator(tmp_path / "tree")
    sim.add_app(A)
    with contextlib.ExitStack() as stack:
        yield SdkScene(tmp_path, sdk, stack.enter_context(served(sim.files)), sim)


def test_there_are_tests_of_hotfixes_to_repeat() -> None:
    assert len([name for name in globals() if name.startswith("test_")]) >= 15
    assert set(vars(test_device_hotfix)) >= OTHERWISE


def test_what_runs_with_hotfixes_is_proved_from_the_root(scene: SdkScene) -> None:
    stack = scene.fix(1, b"<!doctype html>fixed")
    scene.control(stack)
    scene.have(stack)
    assert scene.device.ask("prove", A) == 1  # type: ignore[attr-defined] # the SDK's own
