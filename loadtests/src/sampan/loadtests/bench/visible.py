"""From the command line to a customer's screen: when an open shell in a real Chromium shows what was released.

Versions of a mini-app are packed, signed, uploaded and approved beforehand. Each is then released by its
last command, `sampan change approve`; the app is open in the shell, which says that a new version is ready once it has
synced, verified the tree, downloaded and proved the package. Nothing is reloaded. Two ways: with the live stream, and
without it, when the device learns of it at its next contact (a check every half hour, or as here the network's return).
"""

import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sampan.loadtests.bench.demo_bank import seeded_demo
from sampan.loadtests.bench.harness import Session
from sampan.loadtests.bench.open_browser import ShellTab, browser_on, playwright
from sampan.loadtests.bench.open_site import write_samples
from sampan.loadtests.bench.visible_people import REVIEWER, DemoPeople

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

APP = "bank.bench.shown"
SIZE_BYTES = 200_000
HOST = "demo.sampan.localhost"
LIMIT_MS = 3_000.0
PATIENCE_MS = 20_000
# A next contact comes at any time, so not while the server still signs what was released.
LONG_AFTER_SECONDS = 4
_LIVE = "**/client/v1/live"


def run(session: Session) -> None:
    """Release version after version and measure until the shell shows each."""
    with_stream, at_check = (2, 0) if session.quick else (8, 2)
    with playwright() as started, tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        folder = Path(made)
        write_samples(folder / "sites", {APP: SIZE_BYTES})
        with seeded_demo(folder, session.say, folder / "sites") as server:
            people = DemoPeople(folder / "demo", f"http://127.0.0.1:{server.port}", folder / "homes")
            changes = _prepared(session, people, folder / "sites" / APP, with_stream + at_check)
            shell = f"http://{HOST}:{server.port}"
            took = _watched(session, started, folder, shell, people, changes[:with_stream], is_live=True)
            later = _watched(session, started, folder, shell, people, changes[with_stream:], is_live=False)
    _state(session, took, later)


def _prepared(session: Session, people: DemoPeople, site: Path, count: int) -> list[tuple[str, str]]:
    """Publish `count` versions and ask for their release; returns the change requests that wait for a second person."""
    changes = []
    for sequence in range(2, count + 2):
        (site / "main.css").write_text(f"/* {sequence} */\n")
        people.publish(APP, site, sequence)
        changes.append(people.propose_release(APP, sequence))
        session.say(f"version {sequence} is published and waits for its release")
    return changes


def _watched(
    session: Session,
    started: "Playwright",
    folder: Path,
    shell: str,
    people: DemoPeople,
    changes: Sequence[tuple[str, str]],
    *,
    is_live: bool,
) -> list[dict[str, float]]:
    """Approve one release after the other while the app is open, and time when the shell says so."""
    if not changes:
        return []
    found = []
    with browser_on(started, folder / f"profile-{is_live}") as context:
        if not is_live:
            context.route(_LIVE, lambda route: route.abort())
        tab = ShellTab(context.new_page(), shell)
        tab.wait_for_round(APP)
        tab.show(APP)
        for change, digest in changes:
            people.sign_in(REVIEWER)
            began = time.monotonic()
            answered = people.approve(change, digest)
            if not is_live:
                time.sleep(LONG_AFTER_SECONDS)
                context.set_offline(True)
                tab.wait_until_offline()
                answered = time.monotonic()
                context.set_offline(False)
            shown = tab.wait_for_newer(PATIENCE_MS)
            figures = {"from_command_ms": shown - began, "from_answer_ms": max(0.0, shown - answered)}
            found.append({name: value * 1000 for name, value in figures.items()})
            session.say(
                f"{'live' if is_live else 'next contact'}: shown {shown - answered:.2f} s after the "
                f"{'answer' if is_live else 'contact'}, {shown - began:.2f} s after the command began"
            )
            tab.take_newer()
    return found


def _state(session: Session, took: Sequence[dict[str, float]], later: Sequence[dict[str, float]]) -> None:
    for name in ("from_command_ms", "from_answer_ms"):
        values = sorted(each[name] for each in took)
        at_most = LIMIT_MS if name == "from_answer_ms" else None
        session.state(f"visible_{name}_p50", statistics.median(values))
        session.state(f"visible_{name}_p95", values[math.ceil(0.95 * len(values)) - 1], at_most=at_most)
    if later:
        session.state("visible_after_next_contact_ms", max(each["from_answer_ms"] for each in later), at_most=LIMIT_MS)
    else:
        session.skip("visible_after_next_contact_ms", "left out by --quick")
