"""What operations measures: Prometheus metrics of this process, in one registry.

Requests are counted by plain lists on the event loop and turned into metric families only when they are
read, because one `Histogram.observe` costs more than all else that a cached answer does.
"""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
CONTENT_TYPE = CONTENT_TYPE_LATEST
LATENCY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

SYSTEM_DOORS = Counter(
    "sampan_system_doors", "Cross-workspace reads, by the reason they gave", ["reason"], registry=REGISTRY
)
OUTBOX_LAG = Gauge(
    "sampan_outbox_lag_events",
    "Committed events a consumer has not handled yet",
    ["consumer"],
    registry=REGISTRY,
)
OUTBOX_FAILURES = Counter(
    "sampan_outbox_failures",
    "Events whose handler raised; they are tried again",
    ["consumer"],
    registry=REGISTRY,
)
JOBS = Gauge("sampan_jobs", "Jobs in each state", ["kind", "state"], registry=REGISTRY)
JOB_FAILURES = Counter("sampan_job_failures", "Attempts at a job that raised", ["kind"], registry=REGISTRY)
SNAPSHOT_REVISION = Gauge(
    "sampan_snapshot_revision", "The revision this process answers from", ["workspace"], registry=REGISTRY
)
BUS_FAILED = Counter("sampan_bus_listener_failures", "Bus listeners that raised", registry=REGISTRY)
BUS_DROPPED = Counter("sampan_bus_dropped", "Bus messages dropped because listeners were slow", registry=REGISTRY)
ACCESS_LINES_DROPPED = Counter(
    "sampan_access_lines_dropped",
    "Access log lines lost because they were not written fast enough",
    registry=REGISTRY,
)


class _Requests:
    """The requests of one route: how many with each status, and how long they took."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(LATENCY_SECONDS) + 1)
        self.seconds = 0.0


class RequestMetrics(Collector):
    """Counts requests by route and status. `route` is a pattern from the code, never a path from a client."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
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

    def collect(self) -> Iterator[Metric]:
        """Yield the two metric families; called by the registry."""
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


ProcessCollector(registry=REGISTRY)


def render() -> bytes:
    """Return all metrics in the text format of Prometheus; send it as `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = [str(bound) for bound in LATENCY_SECONDS] + ["+Inf"]
    running, pairs = 0, []
    for bound, count in zip(bounds, buckets, strict=True):
        running += count
        pairs.append((bound, float(running)))
    return pairs
