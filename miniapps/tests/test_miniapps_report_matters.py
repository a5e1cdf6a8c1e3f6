"""Customers' reports reach people: in the overview and as notices, one for each app."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.miniapps.app_reports import AppReport, add_report
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.report_matters import LASTS_MS, look
from sampan.platform.app import built_in_components
from sampan.platform.core import Core
from sampan.platform.operators.attention import Matter, Severity, matters_of
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core
from sampan.platform.testing_artifacts import without_background
from sampan.platform.testing_device import Clock

pytestmark = pytest.mark.anyio
SHOP, BILLS = "com.example.shop", "com.example.bills"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    components = (*(without_background(each) for each in built_in_components(demo=True)), miniapps)
    async with running_core(tmp_path, components=components, now_ms=clock) as core:
        yield core


async def report(core: Core, number: int, app: str, reason: str, *, workspace: str = WORKSPACE) -> None:
    async with core.store.workspace(workspace).write() as tx:
        await add_report(tx, AppReport(f"rpt_{number}", app, reason, "", "dev_1", 1, core.now_ms()))


async def told(core: Core) -> list[Matter]:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return [matter for matter in await matters_of(core, tx) if matter.kind == "app_reported"]


async def test_each_reported_app_is_one_matter_as_long_as_reports_are_recent(core: Core, clock: Clock) -> None:
    assert await told(core) == []
    for number in range(3):
        await report(core, number, SHOP, "broken")
    await report(core, 9, SHOP, "fraud", workspace=OTHER_WORKSPACE)
    (matter,) = await told(core)
    assert (matter.key, matter.severity, matter.link) == (
        f"reports:{SHOP}:plain",
        Severity.INFO,
        f"/reports?app={SHOP}",
    )
    assert matter.en.startswith("3 reports")
    clock.now_ms += 1
    await report(core, 4, BILLS, "fraud")
    assert [(each.key, each.severity) for each in await told(core)] == [
        (f"reports:{BILLS}:grave", Severity.WARNING),
        (f"reports:{SHOP}:plain", Severity.INFO),
    ]
    clock.now_ms += LASTS_MS
    (left,) = await told(core)
    assert left.key == f"reports:{BILLS}:grave"
    clock.now_ms += 1
    assert await told(core) == []


async def test_it_is_for_who_may_read_reports(core: Core) -> None:
    await report(core, 1, SHOP, "privacy")
    (matter,) = await told(core)
    for role, concerns in (("admin", True), ("service_desk", True), ("reviewer", True), ("auditor", False)):
        actor = await actor_of(core, WORKSPACE, await person_with(core, WORKSPACE, role))
        assert matter.concerns(actor) is concerns, role


async def test_a_flood_of_apps_has_a_bound(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampan.miniapps.report_matters.MOST_OF_A_SOURCE", 2)
    for number in range(4):
        await report(core, number, f"com.example.a{number}", "other")
    async with core.store.workspace(WORKSPACE).read() as tx:
        assert len(await look(core, tx)) == 2
