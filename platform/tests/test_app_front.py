"""The whole application as clients meet it: prefixes, trace ids, problems, health, an outside component."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import httpx2
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Column, Integer, String, func, insert, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform import app as app_module
from sampan.platform.app import PortMissing, build_app, open_core, running
from sampan.platform.component import Background, ClientRoutes, Component, ConsoleRoutes, HotRoute, Port, PortNeed
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict
from sampan.platform.hot import read_body, send_bytes
from sampan.platform.serving import AddressUnusable, StartFailed, listen_on, serve
from sampan.platform.settings import Settings
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import raise_revision

pytestmark = pytest.mark.anyio

# A component as a bank would write one: a table, a snapshot part, a port, routes of all three kinds.
greetings = scoped_table("test_greetings", Column("id", Integer, primary_key=True), Column("text", String(50)))


class GreetingPort(Protocol):
    """A port of the bank's own."""

    def greeting(self) -> str: ...


class Polite:
    def greeting(self) -> str:
        return "good day"


class GreetingTaken(Conflict):
    code = "greeting_taken"


class GreetingBody(BaseModel):
    text: str = Field(max_length=50)


async def load_greetings(tx: Transaction) -> list[str]:
    statement = select(greetings.c.text).where(greetings.c.workspace_id == tx.workspace_id).order_by(greetings.c.id)
    return [row.text for row in await tx.execute(statement)]


def client_routes(core: Core) -> list[Route]:
    async def list_all(request: Request) -> Response:
        view = core.replica.view(request.scope["sampan_workspace"])
        return JSONResponse({"all": view.parts["greetings"], "port": core.port(GreetingPort).greeting()})

    async def fail(_request: Request) -> Response:
        raise RuntimeError("the secret inside")

    return [Route("/greetings", list_all), Route("/fail", fail)]


def console_routes(core: Core) -> APIRouter:
    router = APIRouter()

    @router.post("/greetings/{workspace_id}")
    async def add(workspace_id: str, body: GreetingBody) -> int:
        async with core.store.workspace(workspace_id).write() as tx:
            if body.text in await load_greetings(tx):
                raise GreetingTaken("Choose another greeting.", text=body.text)
            owns = greetings.c.workspace_id == tx.workspace_id
            count = (await tx.execute(select(func.count()).select_from(greetings).where(owns))).scalar_one()
            await tx.execute(insert(greetings).values(workspace_id=workspace_id, id=count + 1, text=body.text))
            await raise_revision(tx, "greetings")
        return int(count) + 1

    return router


def echo(_core: Core) -> ASGIApp:
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await send_bytes(send, 200, await read_body(receive, 10))

    return app


outside = Component(
    "greetings",
    (
        SnapshotPart("greetings", load_greetings, tuple),
        PortNeed(GreetingPort, "somebody must be polite"),
        Port(GreetingPort, lambda _core: Polite()),
        ClientRoutes(client_routes),
        ConsoleRoutes("test_app_front:console_routes"),
        HotRoute("POST", "/echo", echo),
    ),
)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[outside]) as core:
        yield core


@pytest.fixture
async def http(core: Core) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(core) as http:
        yield http


async def test_health_and_readiness(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


async def test_readiness_fails_when_the_database_is_long_silent(core: Core, http: httpx2.AsyncClient) -> None:
    core.replica.now_ms = lambda: 10**15
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")


async def test_a_part_that_does_not_compile_keeps_its_last_value_and_makes_the_worker_unready(
    tmp_path: Path,
) -> None:
    def compile_or_fail(rows: list[str]) -> tuple[str, ...]:
        if "bad" in rows:
            raise ValueError("cannot compile")
        return tuple(rows)

    part = SnapshotPart("greetings", load_greetings, compile_or_fail)
    broken = Component("greetings", (part, ConsoleRoutes("test_app_front:console_routes")))
    async with running_core(tmp_path, components=[broken]) as core, client(core) as http:
        await http.post(f"/console/api/v1/greetings/{WORKSPACE}", json={"text": "hi"})
        await http.post(f"/console/api/v1/greetings/{WORKSPACE}", json={"text": "bad"})
        await core.replica.poll()
        assert core.replica.view(WORKSPACE).parts["greetings"] == ("hi",)
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["failed_parts"]) == (503, ["greetings"])


async def test_a_background_task_that_fails_is_told_of_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(app_module.log, "error", lambda event, **facts: told.append(f"{event} {facts['error']}"))

    async def fail(_core: Core) -> None:
        raise ValueError("no luck")

    async with running_core(tmp_path, components=[Component("unlucky", (Background("work", fail),))]):
        for _ in range(3):
            await asyncio.sleep(0)
        assert told == ["background_task_failed ValueError('no luck')"]


async def test_the_status_tells_of_the_named_workspace_alone(core: Core, http: httpx2.AsyncClient) -> None:
    await http.post(f"/console/api/v1/greetings/{OTHER_WORKSPACE}", json={"text": "hello"})
    await core.replica.poll()
    for prefix, name in (("", WORKSPACE), (f"/w/{OTHER_WORKSPACE}", OTHER_WORKSPACE)):
        found = await http.get(f"{prefix}/status")
        assert found.json().keys() == {"pid", "revision"}
        assert found.json()["revision"] == str(core.replica.view(name).revision)
    assert (await http.get("/w/nobody/status")).json()["code"] == "unknown_workspace"


async def test_a_change_reaches_the_data_plane_of_its_workspace_only(core: Core, http: httpx2.AsyncClient) -> None:
    before = core.replica.view(WORKSPACE).revision
    made = await http.post(f"/console/api/v1/greetings/{WORKSPACE}", json={"text": "hello"})
    assert made.status_code == 200
    await core.replica.poll()
    assert core.replica.view(WORKSPACE).revision > before
    assert (await http.get("/greetings")).json() == {"all": ["hello"], "port": "good day"}
    assert (await http.get(f"/w/{OTHER_WORKSPACE}/greetings")).json()["all"] == []


async def test_errors_are_problems_with_a_code_and_the_trace_id(http: httpx2.AsyncClient) -> None:
    await http.post(f"/console/api/v1/greetings/{WORKSPACE}", json={"text": "twice"})
    taken = await http.post(f"/console/api/v1/greetings/{WORKSPACE}", json={"text": "twice"})
    assert taken.headers["content-type"] == "application/problem+json"
    problem = taken.json()
    assert (taken.status_code, problem["code"], problem["text"]) == (409, "greeting_taken", "twice")
    assert problem["trace_id"] == taken.headers["x-trace-id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "route_not_found"),
        ("GET", "/console/api/v1/nowhere", 404, "route_not_found"),
        ("GET", "/w/UPPER/greetings", 404, "route_not_found"),
        ("GET", "/w/bank-a", 404, "route_not_found"),
        ("GET", "/w/no-such-bank/greetings", 404, "unknown_workspace"),
        ("DELETE", "/greetings", 405, "method_not_allowed"),
        ("POST", "/console/api/v1/greetings/bank-a", 422, "invalid_body"),
        ("GET", "/fail", 500, "internal_error"),
    ],
)
async def test_every_refusal_has_the_one_form(
    http: httpx2.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_the_trace_of_the_caller_goes_on(http: httpx2.AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await http.get("/healthz", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.headers["x-trace-id"] == trace


async def test_a_body_over_the_limit_is_refused_whatever_its_length_says(http: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"four"

    assert (await http.post("/echo", content=b"0123456789")).content == b"0123456789"
    assert (await http.post("/echo", content=pieces())).json()["code"] == "body_too_large"


async def test_a_console_body_over_the_limit_is_refused_before_it_is_parsed(http: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"[" * 65536

    answer = await http.post(f"/console/api/v1/greetings/{WORKSPACE}", content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_metrics_count_by_pattern(http: httpx2.AsyncClient) -> None:
    await http.get("/greetings")
    await http.post("/echo", content=b"x")
    text = (await http.get("/metrics")).text
    assert 'sampan_requests_total{route="/greetings",status="200"}' in text
    assert 'sampan_requests_total{route="/echo",status="200"}' in text


async def test_a_needed_port_that_nobody_implements_refuses_to_start(tmp_path: Path) -> None:
    needy = Component("needy", (PortNeed(GreetingPort, "somebody must be polite"),))
    settings = Settings(data=tmp_path)
    async with open_core(settings, components=[needy]) as core:
        build_app(core)
        with pytest.raises(PortMissing, match="GreetingPort"):
            async with running(core):
                pytest.fail("it started")


def test_an_address_in_use_is_a_sentence_before_anything_is_opened() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AddressUnusable, match="--port"):
            listen_on("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(AddressUnusable, match="--host"):
        listen_on("999.1.1.1", 0)
    with listen_on("127.0.0.1", 0) as free:
        assert free.getsockname()[1] > 0


def test_a_start_that_fails_says_why_and_where_the_trace_is(tmp_path: Path) -> None:
    async def prepare(_core: Core) -> None:
        raise RuntimeError("the people's list is cut off")

    log, handlers = tmp_path / "log.jsonl", logging.getLogger().handlers[:]
    try:
        with pytest.raises(StartFailed, match=r"the people's list is cut off.*log\.jsonl"):
            serve(Settings(data=tmp_path / "data", port=0, demo=True, log_file=log), prepare=prepare)
    finally:
        logging.getLogger().handlers[:] = handlers
    assert "Traceback" in log.read_text()
