"""What the shell asks first, and what customers allow apps."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from sampan.miniapps import consents
from sampan.miniapps.catalogue import Category, Entry
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.repository import put_category, put_entry
from sampan.platform.app import built_in_components
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, publishing_in, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP
from sampan.platform.workspaces.revisions import raise_revision

pytestmark = pytest.mark.anyio
EVERYTHING = (*(without_background(each) for each in built_in_components(demo=True)), miniapps)
HOST = f"http://{WORKSPACE}.sampan.localhost:8080"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def publishing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Publishing]:
    """A server with one published app that visitors see and customers open."""
    async with publishing_in(tmp_path_factory.mktemp("shell"), components=EVERYTHING) as made:
        await made.publish(1)
        for workspace in (WORKSPACE, OTHER_WORKSPACE):
            await add_retail_app(made.core, workspace, channel="web")
        async with made.core.store.workspace(WORKSPACE).write() as tx:
            await put_category(tx, Category("pay", "缴费", "Pay", 1))
            entry = Entry(APP, True, "visitor", "registered", "pay", 1, "券", "Coupons", "", "")
            await put_entry(tx, entry, now_ms=1)
            await raise_revision(tx, "catalogue")
        await made.core.replica.poll()
        yield made


@pytest.fixture(scope="module")
async def http(publishing: Publishing) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(publishing.core, base_url=HOST) as http:
        yield http


async def new_device(publishing: Publishing, http: httpx2.AsyncClient) -> TestDevice:
    clock: Any = publishing.core.now_ms
    device = TestDevice(http, clock)
    assert (await device.begin()).status_code == 201
    return device


async def ask(device: TestDevice, method: str, path: str, body: Any = None) -> httpx2.Response:
    headers = {"authorization": device.bearer.decode()}
    return await device.http.request(method, path, headers=headers, json=body)


async def test_the_shell_learns_all_it_needs_without_a_session(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/client/v1/shell")
    root = (await http.get(f"/trust/{WORKSPACE}/intl/metadata/1.root.json")).json()
    assert answer.json() == {
        "workspace": WORKSPACE,
        "name": {"zh": WORKSPACE, "en": WORKSPACE},
        "client_app": "retail",
        "demo": True,
        "apps_origin": "http://{label}.apps.sampan.localhost:8080",
        "trust": {"profile": "intl", "root": root},
        "languages": ["zh", "en"],
        "capabilities": ["live", "login", "network", "pay", "sign", "report", "explain"],
    }


async def test_a_workspace_without_a_tree_has_no_root_to_give(http: httpx2.AsyncClient) -> None:
    headers = {"host": f"{OTHER_WORKSPACE}.sampan.localhost:8080"}
    answer = (await http.get("/client/v1/shell", headers=headers)).json()
    assert (answer["workspace"], answer["trust"]["root"]) == (OTHER_WORKSPACE, None)
    unknown = await http.get("/client/v1/shell", headers={"host": "nobody.sampan.localhost"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_workspace")


async def test_consents_are_given_listed_and_withdrawn(publishing: Publishing, http: httpx2.AsyncClient) -> None:
    device, other = await new_device(publishing, http), await new_device(publishing, http)
    assert (await ask(device, "GET", "/client/v1/consents")).json() == {"consents": []}
    for permission in ("camera", "login.profile", "camera"):
        given = await ask(device, "PUT", f"/client/v1/consents/{APP}/{permission}")
        assert given.status_code == 204, given.text
    listed = (await ask(device, "GET", "/client/v1/consents")).json()["consents"]
    assert [(row["app"], row["permission"]) for row in listed] == [(APP, "camera"), (APP, "login.profile")]
    assert (await ask(other, "GET", "/client/v1/consents")).json() == {"consents": []}
    for _ in range(2):
        assert (await ask(device, "DELETE", f"/client/v1/consents/{APP}/camera")).status_code == 204
    listed = (await ask(device, "GET", "/client/v1/consents")).json()["consents"]
    assert [row["permission"] for row in listed] == ["login.profile"]


async def test_a_customers_consents_are_not_the_devices(publishing: Publishing, http: httpx2.AsyncClient) -> None:
    device = await new_device(publishing, http)
    await ask(device, "PUT", f"/client/v1/consents/{APP}/camera")
    await device.sign_in("+8613800000007")
    assert (await ask(device, "GET", "/client/v1/consents")).json() == {"consents": []}


@pytest.mark.parametrize(
    ("app", "permission", "status", "code"),
    [
        ("no.such.app", "camera", 404, "app_not_found"),
        (APP, "Camera", 422, "bad_permission_name"),
        (APP, "a" * 65, 422, "bad_permission_name"),
        (APP, "a..b", 422, "bad_permission_name"),
    ],
)
async def test_what_nobody_can_allow(
    publishing: Publishing, http: httpx2.AsyncClient, app: str, permission: str, status: int, code: str
) -> None:
    device = await new_device(publishing, http)
    answer = await ask(device, "PUT", f"/client/v1/consents/{app}/{permission}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_who_has_all_consents_there_may_be_can_give_one_of_them_again(
    publishing: Publishing, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consents, "MAX_CONSENTS", 2)
    device = await new_device(publishing, http)
    for permission in ("camera", "location", "camera"):
        assert (await ask(device, "PUT", f"/client/v1/consents/{APP}/{permission}")).status_code == 204
    full = await ask(device, "PUT", f"/client/v1/consents/{APP}/scan")
    assert (full.status_code, full.json()["code"]) == (409, "too_many_consents")
    assert (await ask(device, "DELETE", f"/client/v1/consents/{APP}/camera")).status_code == 204
    assert (await ask(device, "PUT", f"/client/v1/consents/{APP}/scan")).status_code == 204


async def test_consents_need_a_session(http: httpx2.AsyncClient) -> None:
    one = f"/client/v1/consents/{APP}/camera"
    for method, path in (("GET", "/client/v1/consents"), ("PUT", one), ("DELETE", one)):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
