"""Brings a folder to the shell again at each change: packed, checked, signed, reviewed, released, like any version."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

from sampan.offline_packages import parse_manifest
from sampan.offline_packages.required_files import MANIFEST
from sampan.platform.cli import packages
from sampan.platform.cli.demo_apps import Launch, Sample
from sampan.platform.cli.demo_folder import DemoFolder
from sampan.platform.cli.demo_seed import found_bank
from sampan.platform.cli.demo_sessions import Sessions
from sampan.platform.cli.output import Output
from sampan.platform.errors import NotFound, SampanError

LOOK_SECONDS = 0.3
HEADING = {"id": "dev", "name_zh": "开发", "name_en": "In development", "position": 1}
Stamp = tuple[tuple[str, int, int], ...]
Say = Callable[[str], None]


class NoMiniApp(NotFound):
    """The folder has no manifest."""

    code = "no_mini_app_here"


def stamp_of(folder: Path) -> Stamp:
    """Return path, time and size of every file that would be packed; a file that goes meanwhile is left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") or part == "node_modules" for part in name.split("/")):
            continue
        try:
            facts = path.stat()
        except OSError:
            continue
        if path.is_file():
            found.append((name, facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def sample_of(folder: Path) -> Sample:
    """Return the folder as something to launch; raise `NoMiniApp` or `PackageRefused`."""
    if not (folder / MANIFEST).exists():
        raise NoMiniApp(f"{folder} has no manifest.json. Make an app with `sampan new`, or name your build's folder.")
    manifest = parse_manifest((folder / MANIFEST).read_bytes())
    name = str(json.loads((folder / MANIFEST).read_text()).get("name", manifest.app_id))
    texts = {"name_zh": name, "name_en": name, "text_zh": "", "text_en": ""}
    return Sample(folder, {"id": manifest.app_id, "tier": "visitor", "category": "dev", "position": 1, **texts})


class Workbench:
    """One app, published anew at each change of its folder; `customer` is tier, phone and name."""

    def __init__(self, folder: Path, bank: DemoFolder, say: Say, customer: tuple[str, str, str]) -> None:
        self._folder, self._bank, self._say, self._customer = folder, bank, say, customer
        self._sample = sample_of(folder)
        self._sequence = 0

    def run(self, server: str, stopped: Event, opened: Callable[[], None]) -> None:
        """Found the bank, then publish and watch until `stopped`; `opened` is called after the first version."""
        sessions = Sessions(self._bank, server)
        try:
            publisher = found_bank(
                self._bank, sessions, self._say, [self._sample], [dict(HEADING)], customers=[("DEV-1", *self._customer)]
            )
            launch = Launch(sessions, publisher)
            last: Stamp = ()
            while not stopped.is_set():
                now = stamp_of(self._folder)
                if now != last:
                    last = now
                    if self._publish(launch) and self._sequence == 1:
                        opened()
                stopped.wait(LOOK_SECONDS)
        finally:
            sessions.close()

    def _publish(self, launch: Launch) -> bool:
        """Bring the next version; whatever stops it is said, and the next change tries again."""
        began = time.monotonic()
        try:
            if not self._is_good():
                return False
            self._sequence += 1
            launch.bring(replace(self._sample, sequence=self._sequence))
        except (SampanError, OSError, ValueError) as problem:
            self._say(f"not published: {problem}")
            return False
        self._say(f"version {self._sequence} is in the shell after {time.monotonic() - began:.1f} s")
        return True

    def _is_good(self) -> bool:
        rules = packages.default_rules()
        with packages.accepted(self._folder, rules, Output(as_json=True)) as found:
            told = packages.findings(found, rules)
        for line in packages.finding_lines(told):
            self._say(line)
        return not packages.has_errors(told)
