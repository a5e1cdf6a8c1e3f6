"""Rules on the way of a device: what it claims, what it has, what time it is; each changes its answer and its ETag."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pyroaring import BitMap
from released_apps import COMPONENTS, body, offer

from sampan.platform.audience.claims import claims_kept, read_claims
from sampan.platform.audience.component import component as audience
from sampan.platform.audience.facts import Claims
from sampan.platform.audience.tag_rows import Tag, add_tag, log_tags
from sampan.platform.audience.tag_states import changes
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_artifacts import without_background
from sampan.platform.testing_device import TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
APP = "bank.demo.some"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path, components=(*COMPONENTS, without_background(audience))) as server:
        yield server


@pytest.fixture
async def device(server: TestServer) -> TestDevice:
    made = await server.device()
    await server.core.replica.poll()
    return made


def one(attr: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attr": attr, "op": op, "values": list(values)}


async def sync(device: TestDevice, etag: str = "", **claims: Any) -> httpx2.Response:
    sent = {"authorization": device.bearer.decode()} | ({"if-none-match": etag} if etag else {})
    content = body(device={"host_version": 3, **claims})
    return await device.http.post(f"{device.prefix}/client/v1/sync", json=content, headers=sent)


def is_offered(answer: httpx2.Response) -> bool:
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["offers"]] == [APP]


async def tagged(server: TestServer, device: TestDevice, workspace: str = WORKSPACE, *, add: bool) -> None:
    number = BitMap([server.caller(device).subject])
    async with server.core.store.workspace(workspace).write() as tx:
        await add_tag(tx, Tag("vip", "", "", 0, 0))
        await log_tags(tx, changes("vip", added=number if add else None, removed=number), now_ms=0)
    await server.core.replica.poll()


async def test_a_tag_changes_the_answer_in_under_a_poll(server: TestServer, device: TestDevice) -> None:
    await offer(server.core, APP, audience=one("tag", "in", "vip"))
    unknown = await sync(device)
    assert not is_offered(unknown)
    await tagged(server, device, OTHER_WORKSPACE, add=True)
    assert (await sync(device, unknown.headers["etag"])).status_code == 304
    await tagged(server, device, add=True)
    inside = await sync(device, unknown.headers["etag"])
    assert is_offered(inside)
    await tagged(server, device, add=False)
    assert not is_offered(await sync(device, inside.headers["etag"]))


async def test_a_time_ends_the_etag(server: TestServer, device: TestDevice) -> None:
    now_ms = server.clock.now_ms
    await offer(server.core, APP, audience=one("time", "between", now_ms + 1000, now_ms + 2000))
    etag = (await sync(device)).headers["etag"]
    for later_ms, is_inside in ((999, False), (1000, True), (1999, True), (2000, False)):
        server.clock.now_ms = now_ms + later_ms
        before, answer = etag, await sync(device, etag)
        if answer.status_code == 304:
            assert later_ms in (999, 1999)
            continue
        assert is_offered(answer) is is_inside
        etag = answer.headers["etag"]
        assert etag != before


async def test_what_a_device_claims_counts_and_is_kept(server: TestServer, device: TestDevice) -> None:
    rule = {"all": [one("platform", "in", "iOS"), one("app_version", "matches", "^5.1")]}
    await offer(server.core, APP, audience=rule)
    assert not is_offered(await sync(device))
    assert not is_offered(await sync(device, platform="ios", app_version="5.0.9"))
    assert is_offered(await sync(device, platform="IOS", app_version="5.2.0"))
    await claims_kept(server.core).flush()
    device_id = device.tokens["device"]
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        assert await read_claims(tx, [device_id]) == {
            device_id: Claims(platform="IOS", app_version="5.2.0", host_version=3)
        }


async def test_a_device_cannot_claim_a_tier_a_tag_or_another_device(server: TestServer, device: TestDevice) -> None:
    await tagged(server, device, add=False)
    rule = {"any": [one("tier", "in", "full"), one("tag", "in", "vip"), one("channel", "in", "beta")]}
    await offer(server.core, APP, audience=rule)
    answer = await sync(device, tier="full", tags=["vip"], tag="vip", channel="beta", subject=1)
    assert not is_offered(answer)
