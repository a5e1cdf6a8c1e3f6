"""What a device is told of why it gets a version: as sync decides, and nothing but public attributes of the rules."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from released_apps import body, offer

from sampan.miniapps.explaining import explain
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.release.caps import Cap
from sampan.platform.release.stages import Stage
from sampan.platform.testing import WORKSPACE, client, running_core
from sampan.platform.testing_device import Clock, TestDevice, TestServer, add_retail_app

pytestmark = pytest.mark.anyio
APP = "bank.demo.bills"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    clock = Clock()
    async with running_core(tmp_path, now_ms=clock) as core, client(core) as http:
        await add_retail_app(core)
        yield TestServer(core, http, clock)


@pytest.fixture
async def device(server: TestServer) -> TestDevice:
    made = await server.device()
    await server.core.replica.poll()
    return made


def one(attr: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attr": attr, "op": op, "values": list(values)}


async def told(server: TestServer, device: TestDevice) -> dict[str, Any]:
    caller: Caller = authenticate(server.core, WORKSPACE, device.bearer)
    return await explain(server.core, caller, APP)


async def sync(device: TestDevice) -> httpx2.Response:
    return await device.http.post("/client/v1/sync", json=body(), headers={"authorization": device.bearer.decode()})


async def test_it_is_what_sync_gives_with_what_the_device_says_of_itself(
    server: TestServer, device: TestDevice
) -> None:
    release = await offer(server.core, APP, audience=one("platform", "in", "android"))
    before = await told(server, device)
    assert (before["offer"], before["reason"]) == (None, "not_in_audience")
    (condition,) = before["releases"][0]["conditions"]
    assert (condition["outcome"], condition["seen"], condition["source"]) == (None, None, "claimed")
    (found,) = (await sync(device)).json()["offers"]
    after = await told(server, device)
    assert after["offer"]["release"] == found["release"] == release
    assert after["releases"][0]["conditions"] == [
        {
            "depth": 0,
            "outcome": True,
            "says": {"zh": "平台为android", "en": "platform is android"},
            "seen": "android",
            "source": "claimed",
        }
    ]


async def test_what_is_not_public_is_told_by_its_outcome_alone(server: TestServer, device: TestDevice) -> None:
    secret = [
        one("tag", "in", "suspects"),
        one("device", "in", device.tokens["device"]),
        one("model", "in", "secret phone"),
        one("first_seen", "at_least", 1),
    ]
    await offer(server.core, APP, audience={"all": [one("tier", "in", "visitor"), {"not": {"any": secret}}]})
    answer = await told(server, device)
    text = json.dumps(answer["releases"])
    assert not [word for word in ("suspects", "dev_", "secret", "first", "首次") if word in text]
    lines = answer["releases"][0]["conditions"]
    assert [each["depth"] for each in lines] == [0, 1, 1, 2, 3, 3, 3, 3]
    assert [each["outcome"] for each in lines[-4:]] == [None, True, None, True]
    assert {each["says"]["en"] for each in lines[-4:]} == {"An internal condition (not shown)"}
    assert {(each["seen"], each["source"]) for each in lines[-4:]} == {(None, None)}


async def test_releases_are_told_down_to_the_one_that_is_given(server: TestServer, device: TestDevice) -> None:
    await offer(server.core, APP, sequence=1)
    await offer(server.core, APP, sequence=2)
    few = Stage(name="few", basis_points=1)
    await offer(server.core, APP, sequence=3, stages=(few,))
    await offer(server.core, APP, sequence=4, cap=Cap(customers=1))
    assert (await told(server, device))["offer"]["sequence"] == 4  # nobody has the place yet
    other = await server.device()
    await server.core.replica.poll()
    assert (await sync(other)).json()["offers"][0]["sequence"] == 4
    answer = await told(server, device)
    assert [(each["sequence"], each["reason"]) for each in answer["releases"]] == [
        (4, "no_place"),
        (3, "not_in_audience"),
        (2, "matched"),
    ]
    assert answer["offer"]["sequence"] == 2
    place = answer["releases"][1]["conditions"][-1]
    assert (place["outcome"], place["source"]) == (False, "server")
    assert 0 < int(place["seen"]) < 10_000


async def test_an_app_that_nobody_releases_has_no_releases(server: TestServer, device: TestDevice) -> None:
    answer = await told(server, device)
    assert (answer["reason"], answer["releases"], answer["offer"]) == ("no_release", [], None)
