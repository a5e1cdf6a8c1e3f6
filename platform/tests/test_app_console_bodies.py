"""Nobody makes the console hold a large body in memory: it is cut off before anybody is asked who they are."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from sampan.platform.component import Component, ConsoleRoutes
from sampan.platform.console_app import MAX_BODY_BYTES
from sampan.platform.core import Core
from sampan.platform.testing import client, running_core

pytestmark = pytest.mark.anyio
PATH = "/console/api/v1/letters"
CHUNK = b" " * 65536


class Letter(BaseModel):
    text: str


def routes(_core: Core) -> APIRouter:
    router = APIRouter()

    @router.get("/letters/{name}")
    async def look(name: str) -> str:
        return name

    @router.post("/letters/{name}")
    async def write(name: str, letter: Letter) -> int:
        return len(name + letter.text)

    @router.put("/letters/{name}")
    async def stream(name: str, request: Request) -> int:
        return len(name) + sum([len(chunk) async for chunk in request.stream()])

    return router


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    letters = Component("letters", (ConsoleRoutes(f"{__name__}:routes"),))
    async with running_core(tmp_path, components=(letters,)) as core, client(core) as http:
        yield http


class Endless:
    """A body without end that remembers how much of it was read."""

    def __init__(self) -> None:
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < 16 * MAX_BODY_BYTES:
            self.read += len(CHUNK)
            yield CHUNK


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", "multipart/form-data; boundary=x"])
async def test_a_large_body_is_refused_early_whatever_it_says_it_is(http: httpx2.AsyncClient, kind: str) -> None:
    body = Endless()
    answer = await http.post(f"{PATH}/ada", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert body.read <= MAX_BODY_BYTES + 2 * len(CHUNK)


async def test_an_ordinary_body_arrives(http: httpx2.AsyncClient) -> None:
    assert (await http.post(f"{PATH}/ada", json={"text": "x" * 1000})).json() == 1003
    assert (await http.get(f"{PATH}/ada")).json() == "ada"


async def test_a_route_that_streams_counts_by_itself(http: httpx2.AsyncClient) -> None:
    assert (await http.put(f"{PATH}/ada", content=b"x" * (2 * MAX_BODY_BYTES))).json() == 2 * MAX_BODY_BYTES + 3
