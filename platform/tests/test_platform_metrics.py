"""Metrics: what a scrape shows after requests were counted."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from sampan.platform.metrics import CONTENT_TYPE, LATENCY_SECONDS, REGISTRY, SYSTEM_DOORS, RequestMetrics, render


def test_requests_are_counted_by_route_and_status() -> None:
    registry = CollectorRegistry()
    requests = RequestMetrics(registry)
    for seconds in (0.0004, 0.001, 0.0011, 60.0):
        requests.observe("/client/v1/sync", 200, seconds)
    requests.observe("/client/v1/sync", 503, 0.02)
    requests.observe("/healthz", 200, 0.0)
    assert registry.get_sample_value("sampan_requests_total", {"route": "/client/v1/sync", "status": "200"}) == 4
    assert registry.get_sample_value("sampan_requests_total", {"route": "/client/v1/sync", "status": "503"}) == 1

    def at_most(bound: str) -> float | None:
        return registry.get_sample_value("sampan_request_seconds_bucket", {"route": "/client/v1/sync", "le": bound})

    assert [at_most(bound) for bound in ("0.001", "0.0025", "0.025", "10.0", "+Inf")] == [2, 3, 4, 4, 5]
    assert registry.get_sample_value("sampan_request_seconds_count", {"route": "/client/v1/sync"}) == 5
    total = registry.get_sample_value("sampan_request_seconds_sum", {"route": "/client/v1/sync"})
    assert total is not None
    assert abs(total - 60.0225) < 1e-9


def test_bounds_rise() -> None:
    assert list(LATENCY_SECONDS) == sorted(set(LATENCY_SECONDS))


def test_hostile_label_values_keep_the_page_readable() -> None:
    registry = CollectorRegistry()
    RequestMetrics(registry).observe('/a"\n\\{}', 200, 0.1)
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    assert {sample.labels["route"] for family in families for sample in family.samples} == {'/a"\n\\{}'}


def test_the_page_shows_every_base_metric() -> None:
    SYSTEM_DOORS.labels("test").inc()
    requests = RequestMetrics(REGISTRY)
    page = render().decode()
    REGISTRY.unregister(requests)
    for name in (
        "sampan_requests_total", "sampan_request_seconds", "sampan_system_doors_total", "sampan_outbox_lag_events",
        "sampan_outbox_failures_total", "sampan_jobs", "sampan_job_failures_total", "sampan_snapshot_revision",
        "sampan_bus_listener_failures_total", "sampan_bus_dropped_total", "sampan_access_lines_dropped_total",
        "process_resident_memory_bytes",
    ):  # fmt: skip
        assert f"# TYPE {name.removesuffix('_total')}" in page, name
    assert CONTENT_TYPE == CONTENT_TYPE_LATEST
