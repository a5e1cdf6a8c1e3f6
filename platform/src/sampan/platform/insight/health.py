"""How apps are doing in their customers' hands, from what devices report. Pure: events in, counters and groups out.

Counters are kept by app, version and hour. Starting times are counted in classes, so that a percentile of a month is
a sum and no list; it is exact to the width of its class. Errors are grouped by message and place.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HOUR_MS = 3_600_000
MAX_MESSAGE = 300
MAX_STACK = 2000
MAX_GROUPS = 500  # of one app; what comes after goes into one group, so that nobody can grow the table at will
BOOT_MS = (50, 100, 150, 200, 300, 400, 500, 650, 800, 1000, 1300, 1700, 2200, 3000, 4000, 5500, 7500, 10_000, 20_000)
OTHER = "other"
DELIVERY = "delivery."
HIT, MISS = "hit", "miss"  # an opening that nothing had to be fetched for, and one that waited for a download
# Phone numbers, cards, ids, also in groups: no part of what an error is.
_DIGITS = re.compile(r"[0-9]{3,}(?:[ -][0-9]{3,})+|[0-9]{5,}")
_SPOT = re.compile(r"\.(?:[cm]?js|html?)(?::[0-9]{1,7}){1,2}(?![0-9])")
_MAX_NAME = 80
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_VARIABLE = re.compile(r"[0-9a-f]{8,}|[0-9]+", re.IGNORECASE)
_PLACE = re.compile(r"([^\s()@]+:\d+(?::\d+)?)\)?\s*$", re.MULTILINE)


class Metric(StrEnum):
    """What is counted; `boot` stands with the number of its class."""

    OPEN = "open"
    BOOT = "boot"
    WHITE_SCREEN = "white_screen"
    SCRIPT_ERROR = "script_error"
    RESOURCE_FAILED = "resource_failed"
    CSP_REFUSED = "csp_refused"


BY_EVENT: Mapping[str, Metric] = {
    "app.opened": Metric.OPEN,
    "app.boot": Metric.BOOT,
    "app.white_screen": Metric.WHITE_SCREEN,
    "app.script_error": Metric.SCRIPT_ERROR,
    "app.resource_failed": Metric.RESOURCE_FAILED,
    "app.csp_refused": Metric.CSP_REFUSED,
}


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One error: what it says, where it happened, and the name of its group."""

    fingerprint: str
    kind: str
    message: str
    place: str
    stack: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What one event of a device says about a version of an app; `at_ms` is when it arrived.

    `counter` is what it counts for, `open.hit` for instance; an event that is not about health has none, but its own
    type in `other`.
    """

    app_id: str
    sequence: int
    at_ms: int
    counter: str
    error: ErrorReport | None = None
    device_id: str = ""
    other: str = ""

    @property
    def signal(self) -> str:
        """What is remembered that this device reported, once for the version."""
        return self.other or self.counter.partition(".")[0]


def report_of(
    kind: str, app_id: str, sequence: int, attrs: Mapping[str, Any], *, now_ms: int, device_id: str = ""
) -> HealthReport | None:
    """Return what an event says of a version; None for reports of a delivery, whose stages are kept by release."""
    if kind.startswith(DELIVERY):
        return None
    metric = BY_EVENT.get(kind)
    if metric is None:
        return HealthReport(app_id, sequence, now_ms, "", device_id=device_id, other=kind)
    return HealthReport(app_id, sequence, now_ms, _counter(metric, attrs), _error(metric, attrs), device_id)


def _counter(metric: Metric, attrs: Mapping[str, Any]) -> str:
    if metric is Metric.BOOT:
        return f"{metric}.{boot_class(attrs.get('milliseconds', 0)):02}"
    if metric is Metric.OPEN and "fetched" in attrs:
        return f"{metric}.{MISS if attrs['fetched'] else HIT}"
    return str(metric)


def boot_class(milliseconds: int) -> int:
    """Return the class that a starting time falls into; the last one has no upper bound."""
    return bisect_left(BOOT_MS, milliseconds)


def percentile(classes: Sequence[int], share: float) -> int | None:
    """Return the starting time, in milliseconds, below which this share of the boots lies; None without any.

    Within a class the times are taken as evenly spread; beyond the last bound the bound itself is told.
    """
    wanted, before = share * sum(classes), 0
    if not wanted:
        return None
    for number, count in enumerate(classes):
        if count and before + count >= wanted:
            if number == len(BOOT_MS):
                return BOOT_MS[-1]
            low = BOOT_MS[number - 1] if number else 0
            return round(low + (BOOT_MS[number] - low) * (wanted - before) / count)
        before += count
    return BOOT_MS[-1]


def _error(metric: Metric, attrs: Mapping[str, Any]) -> ErrorReport | None:
    def text(name: str) -> str:
        return str(attrs.get(name, ""))

    match metric:
        case Metric.SCRIPT_ERROR:
            line = attrs.get("line", 0)
            place = top_of(text("stack")) or (f"{text('source')}:{line}" if text("source") else "")
            return _group(metric, text("message"), place, text("stack"))
        case Metric.RESOURCE_FAILED:
            return _group(metric, text("kind"), text("path"), "")
        case Metric.CSP_REFUSED:
            return _group(metric, text("directive"), text("blocked"), "")
        case _:
            return None


def top_of(stack: str) -> str:
    """Return the first place that a stack names, as `file:line` or `file:line:column`; empty when it names none."""
    found = _PLACE.search(stack)
    return found[1].rpartition("/")[2] if found else ""


def _group(metric: Metric, message: str, place: str, stack: str) -> ErrorReport:
    message, place = scrubbed(_MAIL.sub("#", message))[:MAX_MESSAGE], scrubbed(place)[:MAX_MESSAGE]
    essence = f"{metric}\n{_VARIABLE.sub('#', message)}\n{place}"
    fingerprint = hashlib.sha256(essence.encode("utf-8", "replace")).hexdigest()[:16]
    return ErrorReport(fingerprint, str(metric), message, place, scrubbed(stack)[:MAX_STACK])


def scrubbed(text: str) -> str:
    """Return a text without long runs of digits, which may be somebody's number. `app-19283746.js:1:123456` stays:

    source maps need the file's name and the column. NULs go too.
    """
    text = text.replace("\0", "")  # PostgreSQL stores none
    told, at = [], 0
    for spot in _SPOT.finditer(text):
        name = max(at, spot.start() - _MAX_NAME)
        name = max(name, 1 + max(text.rfind(sign, name, spot.start()) for sign in " \n\t/(@"))
        told += [_DIGITS.sub("#", text[at:name]), text[name : spot.end()]]
        at = spot.end()
    return "".join([*told, _DIGITS.sub("#", text[at:])])
