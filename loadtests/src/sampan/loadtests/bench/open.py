"""Opening a mini-app in a real Chromium: verified by its worker, against the same site straight over HTTP.

Packages of 200 kB and 2 MB, published and released through the real pipeline and opened in the real shell. `warm`: the
shell runs, the app was open before. `first offline`: a new browser process on the same profile, the server stopped.
`install`: the app's first opening in a browser, its package downloaded already: its origin gets its worker and the
package, which is proved there. All times are wall times from the tap to the page's load event.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sampan.loadtests.bench.demo_bank import seeded_demo
from sampan.loadtests.bench.harness import Figures, Session
from sampan.loadtests.bench.open_browser import BareTab, ShellTab, browser_on, playwright
from sampan.loadtests.bench.open_site import DirectSites, write_samples

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

SIZES = {"bank.bench.small": 200_000, "bank.bench.large": 2_000_000}
NAMES = {"bank.bench.small": "200kb", "bank.bench.large": "2mb"}
HOST = "demo.sampan.localhost"


def run(session: Session) -> None:
    """Measure installs, warm openings beside direct ones, and offline openings of a new browser."""
    with playwright() as started, tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        folder = Path(made)
        write_samples(folder / "sites", SIZES)
        profile = folder / "profile"
        with seeded_demo(folder, session.say, folder / "sites") as server:
            shell = f"http://{HOST}:{server.port}"
            installs = _installs(session, started, folder, shell)
            _warm(session, started, profile, shell, folder / "sites")
        offline = _offline(session, started, profile, shell)
    _state(session, installs, offline)


def _installs(session: Session, started: "Playwright", folder: Path, shell: str) -> dict[str, list[float]]:
    """Open both apps for the first time in browsers that have only downloaded them."""
    took: dict[str, list[float]] = {app: [] for app in SIZES}
    for number in range(1 if session.quick else 3):
        with browser_on(started, folder / f"fresh-{number}") as context:
            tab = ShellTab(context.new_page(), shell)
            tab.wait_for_round("bank.bench.large")
            _each(took, tab.open)
        session.say(f"install {number + 1}: {_line(took)}")
    return took


def _warm(session: Session, started: "Playwright", profile: Path, shell: str, sites: Path) -> None:
    with DirectSites(sites) as direct, browser_on(started, profile) as context:
        ours, bare = ShellTab(context.new_page(), shell), BareTab(context.new_page(), direct.port)
        ours.wait_for_worker()
        ours.wait_for_round("bank.bench.large")
        rows: dict[str, Callable[[], Figures]] = {}
        for app, name in NAMES.items():
            rows[f"direct {name}"] = _row(bare.open, app)
            rows[f"ours {name}"] = _row(ours.open, app)
        session.measure(rows, rounds=12, quick_rounds=2)


def _offline(session: Session, started: "Playwright", profile: Path, shell: str) -> dict[str, list[float]]:
    """Open each app as the first one of a new browser process; the server is gone."""
    took: dict[str, list[float]] = {app: [] for app in SIZES}
    for number in range(1 if session.quick else 3):
        for app in SIZES:
            with browser_on(started, profile) as context:
                context.set_offline(True)
                took[app].append(ShellTab(context.new_page(), shell).open(app))
        session.say(f"first offline {number + 1}: {_line(took)}")
    return took


def _state(session: Session, installs: dict[str, list[float]], offline: dict[str, list[float]]) -> None:
    """State each figure by size, and the worse of both under the name that has the limit."""
    over = []
    for name in NAMES.values():
        row, reference = f"ours {name}", f"direct {name}"
        over.append(session.cost(f"warm_open_over_direct_{name}", ours=row, reference=reference, figure="wall_ms"))
    session.state("warm_open_over_direct", max(over))
    warm = {app: [session.median(f"ours {name}", "wall_ms")] for app, name in NAMES.items()}
    for figure, took, limit in (
        ("warm_open", warm, 250.0),
        ("first_offline_open", offline, 1000.0),
        ("install", installs, None),
    ):
        medians = {NAMES[app]: statistics.median(times) for app, times in took.items()}
        for name, value in medians.items():
            session.state(f"{figure}_{name}_p50_ms", value)
        session.state(f"{figure}_p50_ms", max(medians.values()), at_most=limit)


def _row(open_app: Callable[[str], float], app: str) -> Callable[[], Figures]:
    return lambda: {"wall_ms": open_app(app)}


def _each(took: dict[str, list[float]], open_app: Callable[[str], float]) -> None:
    for app, times in took.items():
        times.append(open_app(app))


def _line(took: dict[str, list[float]]) -> str:
    return ", ".join(f"{NAMES[app]} {_last(times):.0f} ms" for app, times in took.items())


def _last(times: Sequence[float]) -> float:
    return times[-1] if times else float("nan")
