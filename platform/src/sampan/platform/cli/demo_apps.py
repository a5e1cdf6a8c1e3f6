"""The demo's mini-apps on their way: packed, signed, uploaded, reviewed, put into the catalogue, released by tier."""

import json
import time
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sampan.offline_packages import NewApp, Packed, pack
from sampan.platform.cli import publishing
from sampan.platform.cli.demo_parties import Publisher
from sampan.platform.cli.demo_sessions import Sessions
from sampan.platform.errors import Unavailable

Json = dict[str, Any]
RELEASER, REVIEWER = "release@demo.example", "reviewer@demo.example"
TIERS = ("visitor", "registered", "e_account", "full")
ENTRY = ("see_tier", "open_tier", "category", "position", "name_zh", "name_en", "text_zh", "text_en")
SEQUENCE = 1
LOOKS, LOOK_SECONDS = 600, 0.1


class SampleRefused(Unavailable):
    """One of the demo's own mini-apps did not come through."""

    code = "sample_refused"


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: its folder and what `samples.json` says of it."""

    folder: Path
    facts: Json
    sequence: int = SEQUENCE

    @property
    def app(self) -> str:
        """The app id."""
        return str(self.facts["id"])

    @property
    def kind(self) -> str:
        """`miniapp`, or `shared` for what other samples mount."""
        return str(self.facts.get("kind", "miniapp"))

    @property
    def tiers(self) -> list[str]:
        """The tiers that get it: its own and all above."""
        return list(TIERS[TIERS.index(self.facts["tier"]) :])

    def pack(self, out: Path) -> Packed:
        """Pack it; a build made by others stays unchanged and gets a manifest."""
        new_app = None
        if self.facts.get("plain"):
            version = json.loads((self.folder / "package.json").read_text())["version"]
            new_app = NewApp(app_id=self.app, version_name=version, sequence=SEQUENCE, name=self.facts["name_en"])
        if self.sequence != SEQUENCE:
            return pack(self.folder, out, sequence=self.sequence, version_name=f"{self.sequence}.0.0")
        return pack(self.folder, out, new_app=new_app)


def bring_switches(sessions: Sessions, switches: list[Json]) -> None:
    """Have switches served; those that are served so already stay as they are."""
    asked = sessions.api(RELEASER).post("/switch-file", {"switches": switches, "activate": True, "note": "demo"})
    if asked["change"] is not None:
        sessions.approve(REVIEWER, asked["change"])


def sample_switches(folder: Path | None) -> list[Json]:
    """Return the switches that a folder's `samples.json` describes."""
    found: list[Json] = json.loads((folder / "samples.json").read_text()).get("switches", []) if folder else []
    return found


def samples(more: Path | None = None) -> tuple[list[Sample], list[Json]]:
    """Return the samples of all installed components that are there, and the catalogue's headings.

    `more` is another folder of samples, described by its `samples.json` as those of a component are.
    """
    found, headings = [], []
    folders = [point.load()() for point in sorted(entry_points(group="sampan.samples"), key=lambda point: point.name)]
    for folder in [*folders, *([more] if more else [])]:
        described = json.loads((folder / "samples.json").read_text())
        headings += described["categories"]
        found += [Sample(folder / each["folder"], each) for each in described["apps"]]
    return [each for each in found if each.folder.is_dir()], headings


class Launch:
    """Brings samples to customers; every step looks first at what is done already."""

    def __init__(self, sessions: Sessions, publisher: Publisher) -> None:
        self._sessions, self._publisher = sessions, publisher
        self._keys = publisher.keys()
        self._places = publisher.places()

    def bring(self, sample: Sample) -> None:
        """Publish, list and release one sample."""
        self._publish(sample)
        if sample.kind == "miniapp":
            self._list(sample)
        self._release(sample)

    def _publish(self, sample: Sample) -> None:
        api = self._sessions.api(self._publisher.email)
        if not any(each["sequence"] == sample.sequence for each in api.items(f"/apps/{sample.app}/versions")):
            packed = sample.pack(self._publisher.folder.publisher / "dist")
            candidate = publishing.Candidate.of(packed)
            with self._publisher.lock:  # one client of the trust tree at a time in one folder
                bodies = publishing.bodies_with(candidate, self._places, self._keys)
            upload = api.upload("/uploads", packed.archive_path)["upload"]
            publishing.submit(api, candidate, bodies, upload)
        self._wait(sample, {"in_review", "approved", "published"})
        self._review(sample)
        self._wait(sample, {"published"})

    def _review(self, sample: Sample) -> None:
        reviewer = self._sessions.api(REVIEWER)
        path = f"/apps/{sample.app}/versions/{sample.sequence}"
        found = reviewer.get(path)
        if found["state"] == "in_review":
            reviewer.post(f"{path}/approve", {"digest": found["review_digest"]})

    def _wait(self, sample: Sample, wanted: set[str]) -> None:
        api = self._sessions.api(self._publisher.email)
        path = f"/apps/{sample.app}/versions/{sample.sequence}"
        found: Json = {}
        for _ in range(LOOKS):
            found = api.get(path)
            if found["state"] in wanted:
                return
            if found["state"] in publishing.FINAL:
                break
            time.sleep(LOOK_SECONDS)
        raise SampleRefused(f"{sample.app} is {found['state']} {found['cause']}: see `sampan status {sample.app}`.")

    def _list(self, sample: Sample) -> None:
        api = self._sessions.api(RELEASER)
        tier = sample.facts["tier"]
        wanted = {
            "see_tier": sample.facts.get("see_tier", tier),
            "open_tier": tier,
            **{n: sample.facts[n] for n in ENTRY if n in sample.facts},
        }
        present = next((each for each in api.items("/catalogue") if each["app"] == sample.app), None)
        if present is not None and present["listed"] and all(present[name] == wanted[name] for name in ENTRY):
            return
        waiting = api.items("/changes", target=sample.app, state="proposed")
        if waiting:
            self._sessions.approve(REVIEWER, waiting[0]["id"])
            return
        proposed = api.patch(f"/catalogue/apps/{sample.app}", {**wanted, "listed": True, "note": "demo"})
        if not proposed["applied"]:
            self._sessions.approve(REVIEWER, proposed["change"])

    def _release(self, sample: Sample) -> None:
        api = self._sessions.api(RELEASER)
        every = api.items("/releases", deliverable=sample.app)
        releases = [each for each in every if each["sequence"] == sample.sequence]
        if any(each["state"] not in ("draft", "submitted", "stopped") for each in releases):
            return
        submitted = next((each for each in releases if each["state"] == "submitted"), None)
        if submitted is not None:
            waiting = api.items("/changes", target=submitted["id"], state="proposed")
            self._sessions.approve(REVIEWER, waiting[0]["id"])
            return
        draft = next((each for each in releases if each["state"] == "draft"), None)
        if draft is None:
            audience = {"attr": "tier", "op": "in", "values": sample.tiers}
            body = {"kind": sample.kind, "id": sample.app, "sequence": sample.sequence, "audience": audience}
            draft = api.post("/releases", body)
        change = api.post(f"/releases/{draft['id']}/submit", {"cause": "demo"})["change"]
        self._sessions.approve(REVIEWER, change)
