"""What a host names: pure resolution, and what the application serves and refuses under each kind of host."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from sampan.platform.app import built_in_components
from sampan.platform.core import Core
from sampan.platform.hosts import KEPT_PLACES, BadHost, HostNames, Hosts, Place, Surface, label_of
from sampan.platform.operators.console_hosts_api import BadHostName, refuse_bad_name
from sampan.platform.settings import Settings
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_device import TestDevice, add_retail_app, identity_server
from sampan.platform.workspaces.host_rows import StoredHost, add_host, hosts_of, remove_host
from sampan.platform.workspaces.service import ReservedWorkspaceId, create_workspace, list_workspaces

LABEL = "abcdefghij2345672345"


def hosts(**changes: str) -> Hosts:
    return Hosts(HostNames.of(Settings(**{"base_host": "Sampan.Localhost.", **changes})))  # type: ignore[arg-type] # all texts


def place(found: Hosts, *names: str) -> Place:
    return found.place_of([(b"accept", b"*/*"), *((b"host", name.encode("latin-1")) for name in names)])


@pytest.mark.parametrize(
    ("host", "surface", "workspace", "port", "label"),
    [
        ("bank-a.sampan.localhost:8080", Surface.WORKSPACE, "bank-a", ":8080", ""),
        ("BANK-A.Sampan.LOCALHOST", Surface.WORKSPACE, "bank-a", "", ""),
        ("bank-a.sampan.localhost.:80", Surface.WORKSPACE, "bank-a", ":80", ""),
        ("console.sampan.localhost:8080", Surface.CONSOLE, "demo", ":8080", ""),
        (f"{LABEL}.apps.sampan.localhost:8080", Surface.APP, "", ":8080", LABEL),
        ("short.apps.sampan.localhost", Surface.APP, "", "", ""),
        (f"x.{LABEL}.apps.sampan.localhost", Surface.APP, "", "", ""),
        ("apps.sampan.localhost", Surface.APP, "", "", ""),
        ("sampan.localhost:8080", Surface.PLAIN, "demo", ":8080", ""),
        ("a.bank-a.sampan.localhost", Surface.PLAIN, "demo", "", ""),
        ("x.sampan.localhost", Surface.PLAIN, "demo", "", ""),
        ("evilsampan.localhost", Surface.PLAIN, "demo", "", ""),
        ("127.0.0.1:8080", Surface.PLAIN, "demo", ":8080", ""),
        ("[::1]:8080", Surface.PLAIN, "demo", ":8080", ""),
        ("localhost", Surface.PLAIN, "demo", "", ""),
        ("web_1:8080", Surface.PLAIN, "demo", ":8080", ""),
        ("", Surface.PLAIN, "demo", "", ""),
    ],
)
def test_a_host_names_a_surface_and_a_workspace(
    host: str, surface: Surface, workspace: str, port: str, label: str
) -> None:
    found = place(hosts(), host)
    assert (found.surface, found.workspace_id, found.port, found.label) == (surface, workspace, port, label)
    assert found.hides_console is (surface in (Surface.WORKSPACE, Surface.APP))


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "-a", "a..b/", "a:b", "a:123456", "[::1", "é.example", "a\0"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(BadHost):
        place(hosts(), host)


def test_two_hosts_are_refused_even_when_they_are_the_same() -> None:
    with pytest.raises(BadHost, match="one"):
        place(hosts(), "localhost", "localhost")


def test_the_console_has_its_own_host_when_one_is_set() -> None:
    found = hosts(console_host="console.bank.example")
    assert place(found, "console.bank.example:443").surface is Surface.CONSOLE
    assert not place(found, "console.bank.example").hides_console
    assert place(found, "localhost").hides_console


def test_a_stored_host_counts_from_the_moment_it_is_stored() -> None:
    found = hosts()
    assert place(found, "app.bank.example").surface is Surface.PLAIN
    found.store({"app.bank.example": "bank-b"})
    assert place(found, "app.bank.example").workspace_id == "bank-b"
    assert found.shells_of("bank-b") == ["bank-b.sampan.localhost", "app.bank.example"]
    found.store({})
    assert place(found, "app.bank.example").surface is Surface.PLAIN


def test_what_strangers_write_is_remembered_within_a_bound() -> None:
    found = hosts()
    for number in range(KEPT_PLACES + 10):
        place(found, f"h{number}.example")
    assert len(found._known) <= KEPT_PLACES


def test_the_label_of_an_apps_origin() -> None:
    assert label_of("demo", "bank.demo.coupons", "live") == "ktd3zwpji6d3fnylt6ok"
    labels = {label_of(w, "bank.demo.coupons", k) for w in ("demo", "other") for k in ("live", "trial", "preview")}
    assert len(labels) == 6


@pytest.mark.parametrize(
    "host", ["x", "localhost", "10.0.0.1", "a.sampan.localhost", "sampan.localhost", "b.apps.sampan.localhost", "a..b"]
)
def test_a_workspace_cannot_take_every_name(host: str) -> None:
    refuse_bad_name(hosts().names, "app.bank.example", "demo")
    with pytest.raises(BadHostName):
        refuse_bad_name(hosts().names, host, "demo")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=built_in_components(demo=True)) as core:
        yield core


@pytest.mark.parametrize(
    ("workspace", "changes", "is_hidden"),
    [
        ("apps", {}, True),
        ("apps", {"apps_host": "miniapps.example"}, True),
        ("console", {}, True),
        ("mini", {"apps_host": "mini.sampan.localhost"}, True),
        ("ops", {"console_host": "ops.sampan.localhost"}, True),
        ("www", {"public_url": "https://www.sampan.localhost"}, True),
        ("demo", {"public_url": "https://demo.sampan.localhost"}, False),
        ("apps-bank", {}, False),
        ("demo", {"base_host": ""}, False),
    ],
)
def test_a_workspace_that_no_host_would_name_is_hidden(
    workspace: str, changes: dict[str, str], is_hidden: bool
) -> None:
    assert hosts(**changes).names.hides_workspace(workspace) is is_hidden


@pytest.mark.anyio
async def test_a_workspace_that_the_apps_would_hide_is_not_made(tmp_path: Path) -> None:
    async with running_core(tmp_path) as core:
        with pytest.raises(ReservedWorkspaceId, match="Choose another id") as caught:
            await create_workspace(core, "apps", "Apps")
        assert caught.value.facts["field"] == "workspace"
        assert "apps" not in {each.id for each in await list_workspaces(core)}


@pytest.mark.anyio
async def test_each_host_serves_its_own(core: Core) -> None:
    async with client(core) as http:

        async def get(host: str, path: str) -> httpx2.Response:
            return await http.get(path, headers={"host": host})

        shell = f"{OTHER_WORKSPACE}.sampan.localhost"
        own, other = (str(core.replica.view(name).revision) for name in (WORKSPACE, OTHER_WORKSPACE))
        assert (await get("127.0.0.1", "/status")).json()["revision"] == own
        assert (await get(shell, "/status")).json()["revision"] == other
        assert (await get(shell, f"/w/{OTHER_WORKSPACE}/status")).json()["revision"] == other
        refused = [
            (shell, f"/w/{WORKSPACE}/status", 404, "route_not_found"),
            (shell, "/console/api/v1/openapi.json", 404, "route_not_found"),
            (shell, f"/w/{OTHER_WORKSPACE}/console/api/v1/openapi.json", 404, "route_not_found"),
            (shell, "/console", 404, "route_not_found"),
            ("nobody.sampan.localhost", "/status", 404, "unknown_workspace"),
            ("a b", "/status", 400, "bad_host"),
            (f"{LABEL}.apps.sampan.localhost", "/status", 404, "route_not_found"),
            (f"{LABEL}.apps.sampan.localhost", f"/w/{WORKSPACE}/status", 404, "route_not_found"),
            (f"{LABEL}.apps.sampan.localhost", "/console/api/v1/openapi.json", 404, "route_not_found"),
        ]
        for host, path, status, code in refused:
            answer = await get(host, path)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (host, path)
        assert (await get("127.0.0.1", "/console/api/v1/openapi.json")).status_code == 200
        twice = await http.get("/status", headers=[("host", "localhost"), ("host", shell)])
        assert (twice.status_code, twice.json()["code"]) == (400, "bad_host")


@pytest.mark.anyio
async def test_a_stored_host_is_in_force_after_the_next_poll(core: Core) -> None:
    door, found = core.store.workspace(OTHER_WORKSPACE), hosts_of(core)
    async with door.write() as tx:
        assert await add_host(tx, StoredHost("app.bank.example", 1, "op"))
    await core.replica.poll()
    assert place(found, "app.bank.example").workspace_id == OTHER_WORKSPACE
    async with core.store.workspace(WORKSPACE).write() as tx:
        await add_host(tx, StoredHost("app.bank.example", 2, "op"))
    await core.replica.poll()
    assert place(found, "app.bank.example").workspace_id == OTHER_WORKSPACE, "the earlier one has it"
    async with door.write() as tx:
        assert await remove_host(tx, "app.bank.example")
        assert not await remove_host(tx, "app.bank.example")
    await core.replica.poll()
    assert place(found, "app.bank.example").workspace_id == WORKSPACE


@pytest.mark.anyio
async def test_the_console_answers_on_its_own_host_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, default_workspace=WORKSPACE, demo=True, console_host="console.example")
    async with running_core(tmp_path, settings=settings) as core, client(core) as http:
        for host, status in (("console.example", 200), ("127.0.0.1", 404), ("bank-a.sampan.localhost", 404)):
            answer = await http.get("/console/api/v1/openapi.json", headers={"host": host})
            assert answer.status_code == status, host


@pytest.mark.anyio
async def test_a_device_proves_its_calls_under_the_workspaces_host(tmp_path: Path) -> None:
    async with identity_server(tmp_path, is_demo=False) as server:
        await add_retail_app(server.core, OTHER_WORKSPACE, id="web")
        base = f"http://{OTHER_WORKSPACE}.sampan.localhost:8080"
        async with client(server.core, base_url=base) as http:
            device = TestDevice(http, server.clock)
            assert (await device.begin()).status_code == 201
            assert server.caller(device, OTHER_WORKSPACE).workspace_id == OTHER_WORKSPACE
            assert (await device.refresh()).status_code == 200


def test_the_public_address_is_nobodys_but_the_default_workspaces() -> None:
    names = HostNames.of(Settings(public_url="https://Bank.example:8443/", default_workspace="main"))
    refuse_bad_name(names, "bank.example", "main")
    with pytest.raises(BadHostName):
        refuse_bad_name(names, "bank.example", "other")
