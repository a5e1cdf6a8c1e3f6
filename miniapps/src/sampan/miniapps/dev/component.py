"""What `sampan dev` plugs into its own bank: the mocks, and what the shell's developer panel asks and sets.

The routes take no token: the server listens on this machine alone, and holds nothing but what is being written. A page
of another site can neither read the answers nor send JSON here, since the browser asks first and nobody allows it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.miniapps.dev.building import Building
from sampan.miniapps.dev.mocks import Chosen, FetchMock, MockBank, Mocks, read_mocks
from sampan.miniapps.dev.stacks import told_stack
from sampan.miniapps.dev_facts import DevFacts, LoginStandIn, NetworkStandIn
from sampan.platform.component import ClientRoutes, Component, Port
from sampan.platform.core import Core
from sampan.platform.errors import Invalid
from sampan.platform.identity.client_calls import body_of
from sampan.platform.identity.own_api import json_answer
from sampan.platform.ports import PayPort, SignPort

MOCKS, STACK, BUILD = "/client/v1/dev/mocks", "/client/v1/dev/stack", "/client/v1/dev/build"
JSON = "application/json"


class NotJson(Invalid):
    """The request to `sampan dev` is not JSON."""

    code = "dev_not_json"


class StackBody(msgspec.Struct):
    """POST /client/v1/dev/stack."""

    text: Annotated[str, msgspec.Meta(max_length=8000)]


def developing(bank: MockBank, facts: DevFacts, building: Building, *, folder: Path, maps: Path) -> Component:
    """Return the component that puts the mocks in the bank's place."""
    return Component(
        "dev",
        (
            facts,
            Port(PayPort, lambda _core: bank),
            Port(SignPort, lambda _core: bank),
            NetworkStandIn(bank.fetch),
            LoginStandIn(bank.login),
            ClientRoutes(_routes(bank, building, folder, maps)),
        ),
    )


def _routes(bank: MockBank, building: Building, folder: Path, maps: Path) -> Callable[[Core], list[BaseRoute]]:
    async def build_state(_request: Request) -> Response:
        return json_answer(building.told())

    async def show(_request: Request) -> Response:
        return json_answer(_state(bank, read_mocks(bank.path)))

    async def choose(request: Request) -> Response:
        _require_json(request)
        chosen = await body_of(request.receive, Chosen)
        for name in Chosen.__struct_fields__:
            if (value := getattr(chosen, name)) is not None:
                setattr(bank.chosen, name, value)
        return json_answer(_state(bank, read_mocks(bank.path)))

    async def stack(request: Request) -> Response:
        _require_json(request)
        body = await body_of(request.receive, StackBody)
        text, place = await anyio.to_thread.run_sync(told_stack, body.text, folder, maps)
        return json_answer({"text": text, "code": f"{place.line} | {place.text}" if place else ""})

    def build(_core: Core) -> list[BaseRoute]:
        return [
            Route(MOCKS, show, methods=["GET"]),
            Route(MOCKS, choose, methods=["PUT"]),
            Route(STACK, stack, methods=["POST"]),
            Route(BUILD, build_state, methods=["GET"]),
        ]

    return build


def _require_json(request: Request) -> None:
    if request.headers.get("content-type") != JSON:
        raise NotJson(f"Send {JSON}.")


def _state(bank: MockBank, mocks: Mocks) -> dict[str, Any]:
    chosen = bank.chosen
    return {
        "file": str(bank.path),
        "pay": chosen.pay or mocks.pay,
        "sign": chosen.sign or mocks.sign,
        "login": chosen.login or mocks.login,
        "network": chosen.network or "mocks",
        "fetch": [{"method": each.method or "*", "url": each.url, "says": _says(each)} for each in mocks.fetch],
    }


def _says(mock: FetchMock) -> str:
    late = f", {mock.latency_ms} ms" if mock.latency_ms else ""
    return f"{mock.failure or mock.status}{late}"
