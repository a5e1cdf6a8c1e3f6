"""The rounds, the medians and the verdict of a bench; what is measured, and how, is the bench's own.

Rows are measured in turn within each round, in the opposite order in every second one, so that a machine
that gets slower or busier meanwhile changes them alike. A ratio is the median of the rounds' own ratios,
for the same reason, and may therefore differ a little from the ratio of the medians; its lowest and highest
round stand in `spread`. Take many short rounds rather than few long ones: one server against itself came out
at 0.89 to 0.96 over 7 rounds of 10,000 requests, and at 0.99 to 1.00 over 35 rounds of 2,000, in equal time.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Figures = Mapping[str, float]
Limit = tuple[Literal["<=", ">="], float]


class CannotRun(Exception):
    """The bench cannot be run here; the text says why, and what to do where something can be done."""


@dataclass(slots=True)
class Session:
    """One run of one bench: `measure` its rows, state its `rate` or `cost` ratios, and read the `report`."""

    bench: str
    quick: bool = False
    say: Callable[[str], None] = lambda text: None
    _rounds: list[dict[str, Figures]] = field(default_factory=list)
    _ratios: dict[str, float] = field(default_factory=dict)
    _spread: dict[str, tuple[float, float]] = field(default_factory=dict)
    _limits: dict[str, Limit] = field(default_factory=dict)
    _skipped: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def measure(
        self,
        rows: Mapping[str, Callable[[], Figures]],
        *,
        rounds: int = 7,
        quick_rounds: int = 3,
        warm_up: bool = True,
    ) -> None:
        """Call every row once a round; a first round, with `warm_up`, is not counted."""
        count = quick_rounds if self.quick else rounds
        for number in range(0 if warm_up else 1, count + 1):
            names = list(rows) if number % 2 else list(rows)[::-1]
            figures = {name: rows[name]() for name in names}
            if number:
                self._rounds.append(figures)
            self.say(f"{f'round {number} of {count}' if number else 'warm-up'}: {_line(figures)}")

    def rate(
        self, name: str, *, ours: str, reference: str, figure: str = "cpu_ms", at_least: float | None = None
    ) -> float:
        """State operations per CPU second of one row over the reference's: higher is better."""
        per_round = [each[reference][figure] / each[ours][figure] for each in self._rounds]
        self._spread[name] = (min(per_round), max(per_round))
        return self.state(name, statistics.median(per_round), at_least=at_least)

    def cost(
        self, name: str, *, ours: str, reference: str, figure: str = "cpu_ms", at_most: float | None = None
    ) -> float:
        """State what one row costs as a multiple of the reference: lower is better."""
        per_round = [each[ours][figure] / each[reference][figure] for each in self._rounds]
        self._spread[name] = (min(per_round), max(per_round))
        return self.state(name, statistics.median(per_round), at_most=at_most)

    def state(self, name: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> float:
        """State a named figure that the bench worked out itself, with the limit it must keep."""
        self._ratios[name] = value
        if at_least is not None:
            self._limits[name] = (">=", at_least)
        if at_most is not None:
            self._limits[name] = ("<=", at_most)
        return value

    def skip(self, what: str, why: str) -> None:
        """Name what is left out and why; nothing is dropped silently."""
        self._skipped.append(f"{what}: {why}")
        self.say(f"skipped {what}: {why}")

    def median(self, row: str, figure: str) -> float:
        """Return the median of one figure of one row over the rounds."""
        return statistics.median(each[row][figure] for each in self._rounds)

    def missed(self) -> list[str]:
        """Return the limits that do not hold; a limit on a figure that is not a number does not hold."""
        return [name for name, limit in self._limits.items() if not _holds(self._ratios[name], limit)]

    def report(self) -> dict[str, object]:
        """Return the JSON object that `./dev bench NAME --json` ends with."""
        rows = {row: {figure: self.median(row, figure) for figure in each} for row, each in self._first().items()}
        return {
            "bench": self.bench,
            "quick": self.quick,
            "rounds": len(self._rounds),
            "seconds": round(time.monotonic() - self._began, 1),
            "machine": machine(),
            "rows": {row: _rounded(figures) for row, figures in rows.items()},
            "ratios": _rounded(self._ratios),
            "spread": {name: [_round(low), _round(high)] for name, (low, high) in self._spread.items()},
            "limits": {name: list(limit) for name, limit in self._limits.items()},
            "skipped": self._skipped,
            "ok": not self.missed(),
        }

    def _first(self) -> Mapping[str, Figures]:
        return self._rounds[0] if self._rounds else {}


def machine() -> dict[str, object]:
    """Describe the machine as far as it explains figures; nothing that names it."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_mb": memory_mb,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def progress(text: str) -> None:
    """Print a line of progress on standard error; standard output is for the result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _holds(value: float, limit: Limit) -> bool:
    sign, bound = limit
    return value >= bound if sign == ">=" else value <= bound


def _rounded(figures: Figures) -> dict[str, float]:
    return {name: _round(value) for name, value in figures.items()}


def _round(value: float) -> float:
    """Keep four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def _line(figures: Mapping[str, Figures]) -> str:
    return ", ".join(f"{row} {each['cpu_ms']:.4g} ms CPU" for row, each in figures.items() if "cpu_ms" in each)
