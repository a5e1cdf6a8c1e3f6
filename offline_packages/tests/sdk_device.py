"""A device of the browser's SDK behind the face of the Python one, so that the same tests run against both."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sdk_runner import Sdk, SdkRefused, in_base64
from trust_simulator import Simulator

from sampan.offline_packages.control import Control, parse_control
from sampan.offline_packages.device import Hint
from sampan.offline_packages.opened_package import Installed
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.errors import SampanError


def _classes(base: type[SampanError] = SampanError) -> Iterator[tuple[str, type[SampanError]]]:
    for found in base.__subclasses__():
        yield found.code, found
        yield from _classes(found)


def as_error(code: str, message: str) -> SampanError:
    """Return the Python device's refusal with this code."""
    return dict(_classes())[code](message)


@dataclass
class Opened:
    """An app as it opened: one file of it was read."""

    text: str
    may_move_money: bool
    why: str | None

    @property
    def package(self) -> "Opened":
        return self

    def read(self, path: str) -> bytes:
        assert path == "index.html"
        return self.text.encode()


class SdkDevice:
    """The parts of `sampan.offline_packages.device.Device` that the tests use."""

    def __init__(self, sdk: Sdk, folder: Path, simulator: Simulator, base_url: str) -> None:
        self._sdk = sdk
        self.folder = folder
        self._where: dict[str, Any] = {
            "folder": str(folder),
            "url": base_url,
            "tree": simulator.tree,
            "root": in_base64(simulator.root),
            "nowMs": simulator.now_ms,
        }
        self.store = SimpleNamespace(state=self._state)
        self.tree = SimpleNamespace(obeyed_control=self._obeyed_control)

    def sync(self, *, now_ms: int, listed: Sequence[str] | None = None) -> dict[str, SampanError]:
        found = self.ask("sync", None if listed is None else list(listed), now_ms=now_ms)
        return {app: as_error(code, "") for app, code in found.items()}

    def apply(self, hint: Hint) -> Installed | None:
        if hint.action == "remove":
            found = self.ask("apply", {"action": "remove", "id": hint.id})
        else:
            asked = {"action": "install", "id": hint.id, "sequence": hint.sequence, "digest": hint.digest}
            found = self.ask("apply", asked)
        return Installed(found["sequence"], found["version"], found["digest"]) if found else None

    @contextlib.contextmanager
    def open(self, app: str, *, now_ms: int) -> Iterator[Opened]:
        found = self.ask("show", app, "index.html", now_ms=now_ms)
        yield Opened(found["text"], found["opening"]["mayMoveMoney"], found["opening"]["why"])

    def booted(self, app: str) -> None:
        self.ask("booted", app)

    def restart(self) -> None:
        """Forget what is not in the folder."""
        self.ask("restart")

    def ask(self, verb: str, *given: Any, now_ms: int | None = None) -> Any:
        where = self._where if now_ms is None else {**self._where, "nowMs": now_ms}
        try:
            return self._sdk.ask(f"device.{verb}", where, *given)
        except SdkRefused as problem:
            raise as_error(problem.code, str(problem)) from problem

    def _state(self, app: str) -> SimpleNamespace:
        return SimpleNamespace(**self.ask("state", app))

    def _obeyed_control(self, app: str) -> Control | None:
        found = self.ask("obeyedControl", app)
        return parse_control(canonical_json(found), app) if found else None
