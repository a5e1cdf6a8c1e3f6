"""The health of apps: classes of starting times, groups of errors, and the numbers that people are shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.engines.paging import Paging
from sampan.platform.insight.distinct import EMPTY, estimate, merged, with_devices
from sampan.platform.insight.health import (
    BOOT_MS,
    HOUR_MS,
    MAX_GROUPS,
    HealthReport,
    boot_class,
    percentile,
    report_of,
    scrubbed,
    top_of,
)
from sampan.platform.insight.health_rows import add_health, read_errors
from sampan.platform.insight.intake import intake_of
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, publishing_in, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP

EVERYTHING = tuple(without_background(each) for each in discover(built_in_components(demo=True)))
CONSOLE = "/console/api/v1/insight/apps"


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_exact_to_its_class(times: list[int], share: float) -> None:
    classes = [0] * (len(BOOT_MS) + 1)
    for time in times:
        classes[boot_class(time)] += 1
    found = percentile(classes, share)
    assert found is not None
    number = boot_class(sorted(times)[max(0, -(-int(len(times) * share * 100) // 100) - 1)])
    low = BOOT_MS[number - 1] if number else 0
    assert low <= found or found >= BOOT_MS[max(0, number - 1)]
    assert found <= BOOT_MS[-1]


def test_the_middle_of_evenly_spread_times() -> None:
    classes = [0] * (len(BOOT_MS) + 1)
    for time in range(301, 401):
        classes[boot_class(time)] += 1
    assert (percentile(classes, 0.5), percentile(classes, 0.95)) == (350, 395)
    assert percentile([0] * (len(BOOT_MS) + 1), 0.5) is None
    assert percentile([0] * len(BOOT_MS) + [7], 0.95) == BOOT_MS[-1]


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        ("TypeError: x\n    at pay (https://a.b/app.js:10:5)\n    at main.js:3:1", "app.js:10:5"),
        ("pay@https://a.b/app.js:10:5\nmain@main.js:3:1", "app.js:10:5"),
        ("no place at all", ""),
        ("", ""),
    ],
)
def test_the_first_place_of_a_stack(stack: str, place: str) -> None:
    assert top_of(stack) == place


def test_errors_that_differ_in_numbers_alone_are_one() -> None:
    def fingerprint(message: str, stack: str = "at app.js:1:2") -> str:
        attrs = {"message": message, "source": "app.js", "line": 1, "column": 2, "stack": stack}
        report = report_of("app.script_error", APP, 1, attrs, now_ms=0)
        assert report is not None
        assert report.error is not None
        return report.error.fingerprint

    assert fingerprint("order 17 failed") == fingerprint("order 18 failed")
    assert fingerprint("order 17 failed") != fingerprint("order 17 failed", "at other.js:1:2")
    assert fingerprint("a") != fingerprint("b")


def test_numbers_of_people_are_not_kept() -> None:
    assert scrubbed("call 13800000001 or 6222 0000 now") == "call # or # now"
    place = "at f (https://x.example/assets/index-19283746.js:1:123456) of 2 in 1.0.0"
    assert scrubbed(place) == place
    assert scrubbed("app.js:1:13800000001, 12345/a.js:1:2") == "app.js:1:#, #/a.js:1:2"
    said = {"message": "13800000001 of lei.li@bank.example", "stack": "pay@app.js:1:2 13800000001"}
    report = report_of("app.script_error", APP, 1, said, now_ms=0)
    assert report is not None
    assert report.error is not None
    assert (report.error.message, report.error.stack) == ("# of #", "pay@app.js:1:2 #")


@given(st.sets(st.integers(0, 10**9), max_size=3000))
def test_devices_are_counted_about_right_and_once(numbers: set[int]) -> None:
    names = sorted(f"dev_{number}" for number in numbers)
    half = len(names) // 2
    one, other = with_devices(EMPTY, names[: half + 1]), with_devices(EMPTY, names[half:])
    sketch = with_devices(with_devices(EMPTY, names), names[:100])
    assert merged([one, other]) == sketch
    assert abs(estimate(sketch) - len(names)) <= max(1 + len(names) * 0.02, len(names) * 0.15)


def test_few_devices_are_counted_exactly_and_very_many_within_some_percent() -> None:
    for count in (0, 1, 2, 3):
        assert estimate(with_devices(EMPTY, (f"dev_{number}" for number in range(count)))) == count
    many = 200_000
    found = estimate(with_devices(EMPTY, (f"dev_{number}" for number in range(many))))
    assert abs(found - many) < many * 0.1


def test_other_events_say_nothing_of_health() -> None:
    assert report_of("delivery.installed", APP, 1, {}, now_ms=0) is None


class Bank:
    """A server with one published app, a device of it, and a person who looks at the numbers."""

    def __init__(
        self, publishing: Publishing, http: httpx2.AsyncClient, device: TestDevice, headers: dict[str, str]
    ) -> None:
        self.publishing, self.core, self.http = publishing, publishing.core, http
        self.device, self.headers = device, headers
        self.seq = 0

    async def report(self, event_type: str, /, *, app: str = APP, sequence: int = 1, **attrs: Any) -> None:
        self.seq += 1
        event = {"seq": self.seq, "type": event_type, "at": 1, "app": app, "sequence": sequence, "attrs": attrs}
        headers = {"authorization": self.device.bearer.decode()}
        answer = await self.http.post("/client/v1/events", json={"batch": [event, event]}, headers=headers)
        assert answer.json()["refused"] == [], answer.text

    async def ask(self, path: str) -> dict[str, Any]:
        answer = await self.http.get(f"{CONSOLE}/{APP}/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with publishing_in(tmp_path, components=EVERYTHING) as publishing:
        core = publishing.core
        await publishing.publish(1)
        await add_retail_app(core)
        writing = asyncio.ensure_future(intake_of(core).run())
        headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "auditor"))
        async with client(core) as http:
            clock: Any = core.now_ms
            device = TestDevice(http, clock)
            await device.begin()
            yield Bank(publishing, http, device, headers)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


@pytest.mark.anyio
async def test_reports_become_numbers_by_version_and_hour(bank: Bank) -> None:
    for milliseconds in (120, 120, 120, 6000):
        await bank.report("app.boot", milliseconds=milliseconds)
    await bank.report("app.white_screen", milliseconds=5000)
    clock: Any = bank.core.now_ms
    begin = clock.now_ms
    clock.now_ms += HOUR_MS
    await bank.device.refresh()
    error: dict[str, Any] = {
        "message": "order 17 failed",
        "source": "app.js",
        "line": 1,
        "column": 2,
        "stack": "at app.js:1:2",
    }
    await bank.report("app.script_error", **error)
    await bank.report("app.script_error", **{**error, "message": "order 18 failed"})
    await bank.report("app.resource_failed", kind="img", path="/a.png")
    await bank.report("app.csp_refused", directive="connect-src", blocked="https://evil.example/x")
    health = await bank.ask("health")
    (version,) = health["versions"]
    numbers = {name: version[name] for name in ("sequence", "opens", "boots", "white_screens", "script_errors")}
    assert numbers == {"sequence": 1, "opens": 5, "boots": 4, "white_screens": 1, "script_errors": 2}
    assert (version["resources_failed"], version["csp_refused"]) == (1, 1)
    assert 100 <= version["boot_p50_ms"] <= 150
    assert 5500 <= version["boot_p95_ms"] <= 7500
    assert [point["at_ms"] for point in version["points"]] == [
        begin // HOUR_MS * HOUR_MS,
        (begin // HOUR_MS + 1) * HOUR_MS,
    ]
    assert version["points"][1]["boot_p50_ms"] is None
    daily = await bank.ask("health?step=day&from_ms=0")
    assert sum(point["boots"] for point in daily["versions"][0]["points"]) == 4
    found = (await bank.ask("errors?kind=script_error"))["items"]
    assert [(each["message"], each["place"], each["count"]) for each in found] == [("order 17 failed", "app.js:1:2", 2)]
    (in_version,) = found[0]["versions"]
    assert {name: in_version[name] for name in ("sequence", "version", "count", "devices", "last_ms")} == {
        "sequence": 1,
        "version": "1.1.0",
        "count": 2,
        "devices": 1,
        "last_ms": clock.now_ms,
    }
    assert len((await bank.ask("errors"))["items"]) == 3
    assert (version["version"], version["devices"], version["points"][0]["devices"]) == ("1.1.0", 1, None)
    assert [point["devices"] for point in daily["versions"][0]["points"]] == [1] * len(daily["versions"][0]["points"])
    first = await bank.ask("errors?limit=2")
    rest = await bank.ask(f"errors?limit=2&cursor={first['next_cursor']}")
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"], first["total"]) == (2, 1, None, 3)


@pytest.mark.anyio
async def test_what_was_never_published_is_not_counted(bank: Bank) -> None:
    await bank.report("app.boot", app="made.up.app", milliseconds=1)
    await bank.report("app.boot", sequence=99, milliseconds=1)
    assert (await bank.ask("health"))["versions"] == []
    made_up = await bank.http.get(f"{CONSOLE}/made.up.app/health", headers=bank.headers)
    assert made_up.json()["versions"] == []


@pytest.mark.anyio
async def test_many_different_errors_end_in_one_group(bank: Bank) -> None:
    def report(number: int) -> HealthReport:
        word = "".join(chr(ord("g") + int(digit)) for digit in str(number))
        found = report_of("app.script_error", APP, 1, {"message": word, "source": "a.js", "line": 1}, now_ms=number)
        assert found is not None
        return found

    async with bank.core.store.workspace(WORKSPACE).write() as tx:
        await add_health(tx, [report(number) for number in range(MAX_GROUPS + 30)])
        await add_health(tx, [report(0), report(MAX_GROUPS + 99)])
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        found = await read_errors(tx, APP, Paging(limit=200))
        (other,) = (await read_errors(tx, APP, Paging(), kind="other")).items
    assert found.total == MAX_GROUPS + 1
    assert (other[0].number, other[0].message) == (31, "")


@pytest.mark.anyio
async def test_only_who_may_see_statistics_sees_them(bank: Bank) -> None:
    for path in ("health", "errors"):
        assert (await bank.http.get(f"{CONSOLE}/{APP}/{path}")).status_code == 401
    foreign = await bearer_for(bank.core, OTHER_WORKSPACE, await person_with(bank.core, OTHER_WORKSPACE, "admin"))
    await bank.report("app.boot", milliseconds=1)
    answer = await bank.http.get(f"/w/{OTHER_WORKSPACE}{CONSOLE}/{APP}/health", headers=foreign)
    assert answer.json()["versions"] == []
    assert (await bank.http.get(f"{CONSOLE}/{APP}/health", headers=foreign)).status_code == 401


@pytest.mark.anyio
async def test_two_devices_with_the_same_error_are_two(bank: Bank) -> None:
    error: dict[str, Any] = {
        "message": "no price",
        "source": "app.js",
        "line": 1,
        "column": 2,
        "stack": "at app.js:1:2",
    }
    await bank.report("app.script_error", **error)
    await bank.report("app.script_error", **error)
    clock: Any = bank.core.now_ms
    second = TestDevice(bank.http, clock)
    await second.begin()
    bank.device, bank.seq = second, 0
    await bank.report("app.script_error", **error)
    (found,) = (await bank.ask("errors"))["items"]
    assert (found["count"], found["devices"]) == (3, 2)
    assert (await bank.ask("health"))["versions"][0]["devices"] == 2


@pytest.mark.anyio
async def test_a_publisher_sees_the_numbers_of_its_own_apps_alone(bank: Bank) -> None:
    async def status(**limit: str) -> list[int]:
        person = await person_with(bank.core, WORKSPACE, grants=[{"role": "publisher", **limit}])
        headers = await bearer_for(bank.core, WORKSPACE, person)
        found = []
        for app in (APP, "made.up.app"):
            for path in ("health", "errors"):
                found.append((await bank.http.get(f"{CONSOLE}/{app}/{path}", headers=headers)).status_code)
        held = f"/console/api/v1/insight/inventory/{APP}"
        return [*found, (await bank.http.get(held, headers=headers)).status_code]

    assert await status(publisher=bank.publishing.publisher_id) == [200, 200, 404, 404, 200]
    assert await status(app=APP) == [200, 200, 404, 404, 200]
    assert await status(publisher="pub_of_others") == [404, 404, 404, 404, 404]
