"""Brings a folder to the shell again at each change: packed, checked, signed, reviewed, released, like any version."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

from sampan.miniapps.dev.building import Building
from sampan.offline_packages import Manifest, Severity, parse_manifest
from sampan.offline_packages.checks import CheckPolicy
from sampan.offline_packages.required_files import MANIFEST
from sampan.platform.cli import packages
from sampan.platform.cli.demo_apps import RELEASER, Launch, Sample, samples
from sampan.platform.cli.demo_folder import DemoFolder
from sampan.platform.cli.demo_parties import ADMINS
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
    manifest = manifest_in(folder)
    name = str(json.loads((folder / MANIFEST).read_text()).get("name", manifest.app_id))
    texts = {"name_zh": name, "name_en": name, "text_zh": "", "text_en": ""}
    facts = {
        "id": manifest.app_id,
        "kind": manifest.vendor.kind.value,
        "tier": "visitor",
        "category": "dev",
        "position": 1,
    }
    return Sample(folder, {**facts, **texts})


def manifest_in(folder: Path) -> Manifest:
    """Return the manifest of an app's folder; raise `NoMiniApp` or `PackageRefused`."""
    if not (folder / MANIFEST).exists():
        raise NoMiniApp(f"{folder} has no manifest.json. Make an app with `sampan new`, or name your build's folder.")
    return parse_manifest((folder / MANIFEST).read_bytes())


def shared_of(folder: Path, named: Sequence[Path]) -> list[Sample]:
    """Return the shared packages that the app mounts: of the named folders, else of the samples that are installed."""
    wanted = [each.id for each in manifest_in(folder).vendor.dependencies]
    known = {each.app: each for each in samples()[0] if each.kind == "shared"} if wanted else {}
    known |= {each.app: each for each in map(sample_of, named)}
    if missing := sorted(set(wanted) - set(known)):
        names = ", ".join(missing)
        raise NoMiniApp(f'The app mounts {names}, which is not here. Name its folder under "shared" in the mocks.')
    return [known[each] for each in wanted]


def domains_of(manifest: Manifest) -> list[str]:
    """Return the domains that the bank must allow, without ports."""
    vendor = manifest.vendor
    return sorted({domain.partition(":")[0] for domain in (*vendor.network, *vendor.webview)})


class Workbench:
    """One app, published anew at each change of its folder; `customer` is tier, phone and name.

    `shared` are folders of shared packages. The bank allows every domain that the app declares, and says so.
    """

    def __init__(
        self,
        folder: Path,
        bank: DemoFolder,
        say: Say,
        customer: tuple[str, str, str],
        shared: Sequence[Path] = (),
        *,
        building: Building,
    ) -> None:
        self._folder, self._bank, self._say, self._customer = folder, bank, say, customer
        self._building = building
        self._sample = sample_of(folder)
        self._shared = shared_of(folder, shared)
        self._sequence = 0
        self._domains: list[str] = []

    def run(self, server: str, stopped: Event, opened: Callable[[], None]) -> None:
        """Found the bank, then publish and watch until `stopped`; `opened` is called after the first version."""
        sessions = Sessions(self._bank, server)
        try:
            apps, customers = [*self._shared, self._sample], [("DEV-1", *self._customer)]
            publisher = found_bank(self._bank, sessions, self._say, apps, [dict(HEADING)], customers=customers)
            launch = Launch(sessions, publisher)
            for each in self._shared:
                launch.bring(each)
                self._say_pinned(each, sessions)
            last: Stamp = ()
            while not stopped.is_set():
                now = stamp_of(self._folder)
                if now != last:
                    last = now
                    if self._publish(launch, sessions) and self._sequence == 1:
                        opened()
                stopped.wait(LOOK_SECONDS)
        finally:
            sessions.close()

    def _publish(self, launch: Launch, sessions: Sessions) -> bool:
        """Bring the next version; whatever stops it is said, and the next change tries again."""
        began = time.monotonic()
        try:
            if errors := self._errors():
                self._building.broke(errors)
                return False
            self._allow_domains(sessions)
            self._sequence += 1
            launch.bring(replace(self._sample, sequence=self._sequence))
        except (SampanError, OSError, ValueError) as problem:
            self._say(f"not published: {problem}")
            self._building.broke([str(problem)])
            return False
        self._building.came(self._sequence)
        self._say(f"version {self._sequence} is in the shell after {time.monotonic() - began:.1f} s")
        return True

    def _say_pinned(self, shared: Sample, sessions: Sessions) -> None:
        found = sessions.api(RELEASER).get(f"/apps/{shared.app}/versions/{shared.sequence}")["digest"]
        pinned = next(each.digest for each in manifest_in(self._folder).vendor.dependencies if each.id == shared.app)
        if pinned in (None, found):
            self._say(f"{shared.app} is there for the app to mount")
        else:
            self._say(
                f"manifest.json pins {shared.app} at {pinned}, but {shared.folder} gives {found}: write that there"
            )

    def _allow_domains(self, sessions: Sessions) -> None:
        """Have the bank allow what the app declares, as its people would after looking at it."""
        domains = domains_of(manifest_in(self._folder))
        if domains == self._domains:
            return
        api = sessions.api(RELEASER)
        policy = {**api.get("/miniapps/policy"), "allowed_domains": domains, "note": "dev"}
        proposed = api.put("/miniapps/policy", policy)
        if not proposed["applied"]:
            sessions.approve(ADMINS[0], proposed["change"])
        self._domains = domains
        self._say(
            f"the app declares {', '.join(domains) or 'no hosts'}; ask your bank to allow them before you publish"
        )

    def _errors(self) -> list[str]:
        """Say what the checks find, and return what stops the version."""
        domains = tuple(domains_of(manifest_in(self._folder)))
        rules = replace(packages.default_rules(), checks=CheckPolicy(allowed_domains=domains))
        with packages.accepted(self._folder, rules, Output(as_json=True)) as found:
            told = packages.findings(found, rules)
        for line in packages.finding_lines(told):
            self._say(line)
        return packages.finding_lines([each for each in told if each.severity is Severity.ERROR])
