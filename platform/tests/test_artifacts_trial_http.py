"""What a device hears of a trial: all of it when it is a tester's, and the same 404 as for nothing when it is not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.platform.artifacts import apps_service
from sampan.platform.identity import component as identity
from sampan.platform.identity import demo_component as demo
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import COMPONENTS, Publishing, packed_app, publishing_in
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
PATH = f"/client/v1/trial/{APP}/1"


@dataclass
class Trial:
    """A version on trial and a device."""

    publishing: Publishing
    http: httpx2.AsyncClient
    device: TestDevice

    async def ask(self, path: str = PATH) -> httpx2.Response:
        return await self.http.get(path, headers={"authorization": self.device.bearer.decode()})

    async def name(self, *, devices: list[str], customers: list[str]) -> None:
        core = self.publishing.core
        await apps_service.set_testers(
            core, WORKSPACE, self.publishing.reviewer, APP, devices=devices, customers=customers
        )
        await core.replica.poll()


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    components = (identity.component, demo.component, *COMPONENTS)
    async with publishing_in(tmp_path, components=components) as publishing:
        core = publishing.core
        await add_retail_app(core)
        await core.replica.poll()
        await publishing.submit(packed_app(tmp_path, 1), "intl", "trial")
        await publishing.expose("trial")
        clock: Any = core.now_ms
        async with client(core, follow_redirects=False) as http:
            device = TestDevice(http, clock)
            answer = await device.begin()
            assert answer.status_code in {200, 201}, answer.text
            await core.replica.poll()
            yield Trial(publishing, http, device)


async def test_a_tester_is_told_the_tree_and_its_root(trial: Trial) -> None:
    await trial.name(devices=[trial.device.tokens["device"]], customers=[])
    answer = await trial.ask()
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["app"], found["sequence"]) == (APP, 1)
    assert found["root"]["signed"]["x-sampan-tree"] == f"{WORKSPACE}/trial"
    timestamp = await trial.http.get(found["tree"]["metadata"] + "timestamp.json")
    assert timestamp.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


async def test_everybody_else_hears_the_same_as_for_nothing(trial: Trial) -> None:
    await trial.name(devices=["dev_" + "0" * 32], customers=[])
    answers = [await trial.ask(path) for path in (PATH, f"/client/v1/trial/{APP}/9", "/client/v1/trial/bank.none/1")]
    assert [each.status_code for each in answers] == [404, 404, 404]
    assert {each.json()["code"] for each in answers} == {"trial_unknown"}
    assert len({each.json()["detail"] for each in answers}) == 1


async def test_a_token_of_this_workspace_opens_nothing_in_another(trial: Trial) -> None:
    await trial.name(devices=[trial.device.tokens["device"]], customers=[])
    assert (await trial.ask(f"/w/{OTHER_WORKSPACE}{PATH}")).status_code == 401
    anonymous = await trial.http.get(PATH)
    assert anonymous.status_code == 401


async def test_the_web_address_leads_to_the_shells_page_of_the_trial(trial: Trial) -> None:
    answer = await trial.http.get(f"/w/{WORKSPACE}/open/trial/{APP}/1", headers={"host": "127.0.0.1:8080"})
    shell = f"http://{WORKSPACE}.sampan.localhost:8080"
    assert (answer.status_code, answer.headers["location"]) == (302, f"{shell}/#/trial/{APP}/1")
    assert (await trial.http.get("/open/trial/javascript:alert/1")).status_code == 404
