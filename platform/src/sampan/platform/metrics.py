"""What operations measures: Prometheus metrics of this process, in one registry.

Everything is counted in plain dicts and lists and turned into metric families only when they are read: one
`Histogram.observe` costs more than all else that a cached answer does, and the library that writes Prometheus' text
format is not imported before somebody asks for it.
"""

from bisect import bisect_left
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
LATENCY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_adding = Lock()


class Registers(Protocol):
    """Takes what has a method `collect`."""

    def register(self, collector: Any) -> None:
        """Take it."""


class Registry:
    """All metrics of this process."""

    def __init__(self) -> None:
        self._collectors: list[Any] = []

    def register(self, collector: Any) -> None:
        """Add what `collect` reads."""
        self._collectors.append(collector)

    def unregister(self, collector: Any) -> None:
        """Take it away again."""
        self._collectors.remove(collector)

    def collect(self) -> "Iterator[Metric]":
        """Yield every metric family; Prometheus' library calls it."""
        from prometheus_client import ProcessCollector

        for collector in (*self._collectors, ProcessCollector(registry=None)):
            yield from collector.collect()

    def get_sample_value(self, name: str, labels: dict[str, str] | None = None) -> float | None:
        """Return the value that a scrape would show, or None."""
        samples = (sample for family in self.collect() for sample in family.samples)
        return next((each.value for each in samples if each.name == name and each.labels == (labels or {})), None)


class Value:
    """One number of a metric."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0.0

    def inc(self, amount: float = 1) -> None:
        """Add; any thread may."""
        with _adding:
            self.number += amount

    def set(self, number: float) -> None:
        """Replace."""
        self.number = number


class Counted:
    """A metric with one number for each combination of its labels' values; without labels with one number."""

    def __init__(self, name: str, about: str, labels: tuple[str, ...] = (), *, is_gauge: bool = False) -> None:
        self._name, self._about, self._labels, self._is_gauge = name, about, labels, is_gauge
        self._values: dict[tuple[str, ...], Value] = {} if labels else {(): Value()}
        REGISTRY.register(self)

    def labels(self, *values: str) -> Value:
        """Return the number for these values of the labels, in their order."""
        found = self._values.get(values)
        return self._values.setdefault(values, Value()) if found is None else found

    def inc(self, amount: float = 1) -> None:
        """Add, when there are no labels."""
        self._values[()].inc(amount)

    def collect(self) -> "Iterator[Metric]":
        """Yield the metric family."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        made = GaugeMetricFamily if self._is_gauge else CounterMetricFamily
        family = made(self._name, self._about, labels=self._labels)
        for values, value in list(self._values.items()):
            family.add_metric(values, value.number)
        yield family


REGISTRY = Registry()
SYSTEM_DOORS = Counted("sampan_system_doors", "Cross-workspace reads, by the reason they gave", ("reason",))
OUTBOX_LAG = Counted(
    "sampan_outbox_lag_events", "Committed events a consumer has not handled yet", ("consumer",), is_gauge=True
)
OUTBOX_FAILURES = Counted("sampan_outbox_failures", "Events whose handler raised; they are tried again", ("consumer",))
JOBS = Counted("sampan_jobs", "Jobs in each state", ("kind", "state"), is_gauge=True)
JOB_FAILURES = Counted("sampan_job_failures", "Attempts at a job that raised", ("kind",))
SNAPSHOT_REVISION = Counted(
    "sampan_snapshot_revision", "The revision this process answers from", ("workspace",), is_gauge=True
)
BUS_FAILED = Counted("sampan_bus_listener_failures", "Bus listeners that raised")
BUS_DROPPED = Counted("sampan_bus_dropped", "Bus messages dropped because listeners were slow")
ACCESS_LINES_DROPPED = Counted(
    "sampan_access_lines_dropped", "Access log lines lost because they were not written fast enough"
)


class _Requests:
    """The requests of one route: how many with each status, and how long they took."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(LATENCY_SECONDS) + 1)
        self.seconds = 0.0


class RequestMetrics:
    """Counts requests by route and status. `route` is a pattern from the code, never a path from a client."""

    def __init__(self, registry: Registers | None = None) -> None:
        self._routes: dict[str, _Requests] = {}
        if registry is not None:
            registry.register(self)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request; call it on the event loop only."""
        try:
            requests = self._routes[route]
        except KeyError:
            requests = self._routes[route] = _Requests()
        statuses = requests.statuses
        statuses[status] = statuses.get(status, 0) + 1
        requests.buckets[bisect_left(LATENCY_SECONDS, seconds)] += 1
        requests.seconds += seconds

    def collect(self) -> "Iterator[Metric]":
        """Yield the two metric families; called by the registry."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        total = CounterMetricFamily("sampan_requests", "Answered requests", labels=["route", "status"])
        latency = HistogramMetricFamily(
            "sampan_request_seconds",
            "Time from the first byte of a request to the end of its answer",
            labels=["route"],
        )
        for route, requests in self._routes.items():
            for status, count in requests.statuses.items():
                total.add_metric([route, str(status)], count)
            latency.add_metric([route], _cumulative(requests.buckets), requests.seconds)
        yield total
        yield latency


def render() -> bytes:
    """Return all metrics in the text format of Prometheus; send it as `CONTENT_TYPE`."""
    from prometheus_client.exposition import generate_latest

    return generate_latest(REGISTRY)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = [str(bound) for bound in LATENCY_SECONDS] + ["+Inf"]
    running, pairs = 0, []
    for bound, count in zip(bounds, buckets, strict=True):
        running += count
        pairs.append((bound, float(running)))
    return pairs
