"""Routes that are imported after the start: whoever asks first waits for them, and what failed is tried again."""

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.component import ClientRoutes, Component, HotRoute, contributions, contributions_at_start
from sampan.platform.core import Core
from sampan.platform.testing import client, running_core

pytestmark = pytest.mark.anyio


async def _answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("framework")


def _hot(_core: Core) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("hot")(scope, receive, send)

    return answer


class Builder:
    """Builds the routes; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.built = failures, 0

    def __call__(self, _core: Core) -> list[BaseRoute]:
        """Return one route."""
        self.built += 1
        if self.built <= self.failures:
            raise ValueError("not this time")
        return [Route("/late", _answer)]


LATER = (HotRoute("GET", "/late/hot", _hot),)


async def test_the_first_requests_wait_and_build_once(tmp_path: Path) -> None:
    builder = Builder()
    component = Component("late", (ClientRoutes(builder),), later=f"{__name__}:LATER")
    async with running_core(tmp_path, components=[component]) as core, client(core) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert builder.built == 0
        framework, hot, again = await asyncio.gather(http.get("/late"), http.get("/late/hot"), http.get("/late/hot"))
        assert [framework.text, hot.text, again.text] == ["framework", "hot", "hot"]
        assert (await http.get("/late/hot")).text == "hot"
        assert builder.built == 1


async def test_a_build_that_failed_is_tried_again(tmp_path: Path) -> None:
    component = Component("late", (ClientRoutes(Builder(failures=1)),))
    async with running_core(tmp_path, components=[component]) as core, client(core) as http:
        assert (await http.get("/late")).status_code == 500
        assert (await http.get("/late")).text == "framework"


def test_what_is_named_for_later_is_found_when_asked_for() -> None:
    component = Component("late", later=f"{__name__}:LATER")
    assert contributions_at_start([component], HotRoute) == ()
    assert contributions([component], HotRoute) == LATER
