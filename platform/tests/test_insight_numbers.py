"""How apps are used, as people read it: adoption, active devices, who comes back, hit rate, start times, funnels."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from sampan.platform.app import built_in_components
from sampan.platform.component import Component, discover
from sampan.platform.insight import funnels_service
from sampan.platform.insight.activity import COHORTS, adoption, by_day, distinct, kept
from sampan.platform.insight.event_funnel import Happened, funnel
from sampan.platform.insight.intake import intake_of
from sampan.platform.insight.keeping import promise_keeping
from sampan.platform.insight.schemas import EventSchema
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, publishing_in, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP

INSIGHT = "/console/api/v1/insight"
PAID = Component("test events", (EventSchema("pay.done", 1),))
EVERYTHING = (*(without_background(each) for each in discover(built_in_components(demo=True))), PAID)
DAY_MS = 24 * 3600 * 1000
MINUTE_MS = 60_000

active_days = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(1, 4)), st.sets(st.integers(0, 30), max_size=20), max_size=15
)


@given(active_days)
def test_adoption_counts_every_device_once_a_day(days: dict[tuple[int, int], set[int]]) -> None:
    active = {place: BitMap(found) for place, found in days.items()}
    for day in adoption(active, range(6)):
        own = {sequence: found for (at, sequence), found in days.items() if at == day.day}
        assert sum(day.by_sequence.values()) == day.devices == len(set().union(*own.values()))
        if own:
            assert day.by_sequence.get(max(own), 0) == len(own[max(own)])


def test_who_was_new_and_came_back() -> None:
    days = {0: BitMap([1, 2, 3]), 1: BitMap([1, 4]), 7: BitMap([2, 3]), 30: BitMap([4])}
    new = {0: BitMap([1, 2, 3]), 1: BitMap([4])}
    assert (kept(new, days, 1, 3).newcomers, kept(new, days, 1, 3).kept) == (4, 1)
    assert (kept(new, days, 1, 2).newcomers, kept(new, days, 1, 1).newcomers) == (3, 0)  # the next day is not over
    assert (kept(new, days, 7, 8).newcomers, kept(new, days, 7, 8).kept) == (3, 2)
    assert kept(new, days, 1, COHORTS + 2).newcomers == 1
    assert by_day({(0, 1): BitMap([1]), (0, 2): BitMap([1, 2])}) == {0: BitMap([1, 2])}
    assert (distinct(days, 0, 2), distinct(days, 2, 7)) == (4, 0)


def happened(device: str, *events: tuple[int, int]) -> list[Happened]:
    """Return events of (time, step) of a device."""
    return [Happened(device, at_ms, (step,)) for at_ms, step in events]


@pytest.mark.parametrize(
    ("events", "reached"),
    [
        ([(0, 0), (5, 1), (9, 2)], 3),
        ([(0, 1), (5, 0)], 1),
        ([(0, 0), (11, 1)], 1),
        ([(0, 0), (10, 1), (10, 2)], 3),
        ([(0, 0), (8, 0), (12, 1), (18, 2)], 3),
        ([(0, 0), (5, 1), (8, 0), (12, 2)], 2),
        ([(0, 2), (1, 1)], 0),
        ([(5, 0), (3, 1)], 1),
    ],
)
def test_steps_count_in_order_and_within_the_window(events: list[tuple[int, int]], reached: int) -> None:
    found = funnel(happened("a", *events), 3, 10)
    assert [each.devices for each in found] == [1] * reached + [0] * (3 - reached)


def test_one_event_is_one_step_and_every_device_counts_once() -> None:
    same = [Happened("a", 1, (0, 1)), Happened("b", 1, (0, 1)), Happened("b", 3, (0, 1)), Happened("b", 4, (0, 1))]
    found = funnel(same, 2, 10)
    assert [(each.devices, each.middle_ms) for each in found] == [(2, 0), (1, 2)]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=30), st.integers(0, 40))
def test_a_funnel_only_narrows(events: list[tuple[int, int]], window: int) -> None:
    told = [each for device in range(3) for each in happened(str(device), *events[device::3])]
    counts = [each.devices for each in funnel(told, 4, window)]
    assert counts == sorted(counts, reverse=True)
    wider = [each.devices for each in funnel(told, 4, window + 10)]
    assert all(more >= less for more, less in zip(wider, counts, strict=True))


class Bank:
    """A server with two published versions, devices that report, and a person who reads the numbers."""

    def __init__(self, publishing: Publishing, http: httpx2.AsyncClient) -> None:
        self.publishing, self.core, self.http = publishing, publishing.core, http
        self.devices = list[TestDevice]()
        self.seqs = dict[int, int]()
        self.fresh_ms = dict[int, int]()
        self.clock: Any = publishing.core.now_ms

    async def pass_days(self, days: int) -> None:
        """Let days pass, a month at once at most: no refresh token lives longer."""
        self.clock.now_ms += days * DAY_MS

    async def tell(self, number: int, kind: str, *, app: str | None = APP, sequence: int = 1, **attrs: Any) -> None:
        device = self.devices[number]
        if self.clock.now_ms - self.fresh_ms.get(number, 0) > 5 * MINUTE_MS:
            assert (await device.refresh()).status_code == 200
            self.fresh_ms[number] = self.clock.now_ms
        seq = self.seqs[number] = self.seqs.get(number, 0) + 1
        event: dict[str, Any] = {"seq": seq, "type": kind, "at": self.clock.now_ms, "attrs": attrs}
        if app is not None:
            event |= {"app": app, "sequence": sequence}
        answer = await self.http.post(
            "/client/v1/events", json={"batch": [event]}, headers={"authorization": device.bearer.decode()}
        )
        assert answer.json()["refused"] == [], answer.text

    async def ask(self, path: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Any:
        answer = await self.http.get(f"{INSIGHT}/{path}", headers=headers or await self.reader())
        assert answer.status_code == status, answer.text
        return answer.json()

    async def reader(self) -> dict[str, str]:
        """Return a fresh session: days pass in these tests."""
        return await bearer_for(self.core, WORKSPACE, await person_with(self.core, WORKSPACE, "auditor"))

    async def funnel(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx2.Response:
        return await self.http.post(f"{INSIGHT}/funnels", json=body, headers=headers or await self.reader())


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with publishing_in(tmp_path, components=EVERYTHING) as publishing:
        core = publishing.core
        await publishing.publish(1)
        await publishing.publish(2)
        await add_retail_app(core)
        writing = asyncio.ensure_future(intake_of(core).run())
        async with client(core) as http:
            made = Bank(publishing, http)
            for _ in range(3):
                device = TestDevice(http, made.clock)
                await device.begin()
                made.devices.append(device)
            yield made
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


@pytest.mark.anyio
async def test_the_numbers_of_an_app_by_day(bank: Bank) -> None:
    for number in (0, 1):
        await bank.tell(number, "app.opened", milliseconds=100, fetched=True)
        await bank.tell(number, "app.boot", milliseconds=120)
    await bank.tell(2, "pay.done", app=None)
    await bank.pass_days(1)
    await bank.tell(0, "app.opened", milliseconds=100, fetched=False)
    await bank.tell(0, "app.opened", sequence=2, milliseconds=100, fetched=False)
    await bank.tell(0, "app.opened", sequence=2, milliseconds=100)
    await bank.tell(0, "app.boot", sequence=2, milliseconds=3900)
    assert await promise_keeping(bank.core, WORKSPACE)
    found = await bank.ask(f"apps/{APP}/adoption?days=2")
    today_ms = bank.clock.now_ms // DAY_MS * DAY_MS
    assert found["days"] == [
        {"at_ms": today_ms - DAY_MS, "devices": 2, "by_sequence": {"1": 2}},
        {"at_ms": today_ms, "devices": 1, "by_sequence": {"2": 1}},
    ]
    assert found["versions"] == [{"sequence": 2, "version": "1.2.0"}, {"sequence": 1, "version": "1.1.0"}]
    await bank.pass_days(1)
    own, everywhere = await bank.ask(f"summary?app={APP}&days=3"), await bank.ask("summary?days=3")
    assert [(day["active"], day["newcomers"], day["opens"]) for day in own["days"]] == [(2, 2, 2), (1, 0, 3), (0, 0, 0)]
    assert [day["active"] for day in everywhere["days"]] == [3, 1, 0]
    assert [own[name] for name in ("active_day", "active_week", "active_month")] == [0, 2, 2]
    assert own["retention"][0] == {"days": 1, "newcomers": 2, "kept": 1, "rate": 0.5}
    assert own["retention"][1] == {"days": 7, "newcomers": 0, "kept": 0, "rate": None}
    assert (own["hits"]["of"], own["hits"]["number"]) == (4, 2)
    assert own["start"]["boots"] == 3
    assert 100 <= own["start"]["p50_ms"] <= 150
    assert 3000 <= own["start"]["p95_ms"] <= 4000
    assert own["success"] == {"of": 0, "number": 0, "rate": None}
    assert (own["latency"]["devices"], own["app"], everywhere["app"]) == (0, APP, None)


@pytest.mark.anyio
async def test_a_funnel_counts_devices_that_did_one_after_another(bank: Bank) -> None:
    for number in (0, 1, 2):
        await bank.tell(number, "app.opened", milliseconds=1)
    bank.clock.now_ms += MINUTE_MS
    await bank.tell(0, "pay.done", app=None)
    await bank.tell(1, "pay.done", app=None)
    bank.clock.now_ms += 2 * MINUTE_MS
    await bank.tell(1, "app.opened", sequence=2, milliseconds=1)
    steps = [{"type": "app.opened", "app": APP}, {"type": "pay.done"}, {"type": "app.opened", "sequence": 2}]
    found = (await bank.funnel({"steps": steps, "days": 2, "window_minutes": 3})).json()
    assert [each["devices"] for each in found["steps"]] == [3, 2, 1]
    assert [each["middle_ms"] for each in found["steps"]] == [0, MINUTE_MS, 2 * MINUTE_MS]
    found = (await bank.funnel({"steps": steps, "window_minutes": 1})).json()
    assert [each["devices"] for each in found["steps"]] == [3, 2, 0]
    types = {each["type"]: each["by_version"] for each in (await bank.ask("event-types"))["types"]}
    assert (types["pay.done"], types["delivery.booted"]) == (True, False)


@pytest.mark.anyio
async def test_a_funnel_that_asks_too_much_says_so(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    step, unknown = {"type": "app.opened"}, {"type": "made.up"}
    for body, status, code in (
        ({"steps": [step, unknown]}, 422, "event_type_unknown"),
        ({"steps": [step]}, 422, "invalid_body"),
        ({"steps": [step] * 9}, 422, "invalid_body"),
        ({"steps": [step] * 2, "days": 32}, 422, "invalid_body"),
        ({"steps": [step] * 2, "window_minutes": 0}, 422, "invalid_body"),
    ):
        answer = await bank.funnel(body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for _ in range(3):
        await bank.tell(0, "app.opened", milliseconds=1)
    monkeypatch.setattr(funnels_service, "MOST_EVENTS", 2)
    large = await bank.funnel({"steps": [step, step]})
    assert (large.status_code, large.json()["code"]) == (422, "funnel_too_large")
    admin = await bearer_for(bank.core, WORKSPACE, await person_with(bank.core, WORKSPACE, "admin"))
    await bank.http.put(f"{INSIGHT}/policy", json={"event_keep_days": 7}, headers=admin)
    old = await bank.funnel({"steps": [step, step], "days": 8})
    assert (old.status_code, old.json()["code"]) == (422, "funnel_too_old")
    bank.core.shared(funnels_service._Turn, lambda _core: funnels_service._Turn()).taken.add(WORKSPACE)
    busy = await bank.funnel({"steps": [step, step]})
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (429, "funnel_busy", "5")


@pytest.mark.anyio
async def test_who_sees_some_apps_alone_sees_no_others(bank: Bank) -> None:
    person = await person_with(bank.core, WORKSPACE, grants=[{"role": "publisher", "app": APP}])
    own = await bearer_for(bank.core, WORKSPACE, person)
    for path in (f"apps/{APP}/adoption", f"apps/{APP}/funnels", f"summary?app={APP}"):
        await bank.ask(path, headers=own)
        assert (await bank.http.get(f"{INSIGHT}/{path}")).status_code == 401
    for path in ("apps/bank.other/adoption", "apps/bank.other/funnels", "summary?app=bank.other"):
        assert (await bank.ask(path, headers=own, status=404))["code"] == "app_unknown"
    assert (await bank.ask("summary", headers=own, status=403))["code"] == "missing_permission"
    step = {"type": "app.opened", "app": APP}
    assert (await bank.funnel({"steps": [step, step]}, own)).status_code == 200
    assert (await bank.funnel({"steps": [step, {"type": "app.opened"}]}, own)).status_code == 403
    assert (await bank.funnel({"steps": [step, {**step, "app": "bank.other"}]}, own)).status_code == 404
    foreign = await bearer_for(bank.core, OTHER_WORKSPACE, await person_with(bank.core, OTHER_WORKSPACE, "admin"))
    assert (await bank.ask("summary", headers=foreign, status=401))["code"]
