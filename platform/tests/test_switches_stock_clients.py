"""The stock OpenFeature clients of back ends, unmodified, over HTTP: Python, and the node server provider."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from switch_scene import EVERYONE, Scene, scene, serving, switch, tier_from
from value_releases import act, release, stages

from sampan.platform.switches import ofrep

pytestmark = pytest.mark.anyio
CLIENTS = Path(__file__).parent / "ofrep"
INSTALL = "npm ci --prefix platform/tests/ofrep"
SWITCHES = (
    switch("a-boolean", rules=[{"audience": tier_from("full"), "variant": "on"}]),
    switch("b-string", type="string", variants={"x": "纸", "off": ""}, default="x"),
    switch("c-integer", type="integer", variants={"x": 3, "off": 0}, default="x"),
    switch("d-float", type="float", variants={"x": 1, "off": 0.5}, default="x"),
    switch("e-object", type="object", variants={"x": {"n": 1}, "off": {}}, default="x"),
    switch("f-split", rules=[{"audience": EVERYONE, "split": [{"variant": "on", "share": 10_000}]}]),
)


@dataclass
class Backend:
    """A served workspace with a customer, and a machine token of the bank's back end."""

    desk: Scene
    address: str
    secret: str
    customer: str


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    async with scene(tmp_path) as desk:
        body = {"bank_reference": "one", "tier": "full", "personal": {"name": "N"}}
        customer = (await desk.done("POST", "/customers", body))["id"]
        await desk.activate(*SWITCHES)
        async with serving(desk.core) as address:
            yield Backend(desk, address, await desk.machine("evaluate:any"), customer)


@pytest.fixture
def python(backend: Backend) -> Iterator[OpenFeatureClient]:
    provider = OFREPProvider(backend.address, headers_factory=lambda: {"Authorization": f"Bearer {backend.secret}"})
    api.set_provider(provider)
    yield api.get_client()
    api.shutdown()
    provider.session.close()


async def test_the_python_client_gets_every_type(backend: Backend, python: OpenFeatureClient) -> None:
    context = EvaluationContext(backend.customer, {"platform": "ios"})

    def ask() -> list[Any]:
        return [
            python.get_boolean_details("a-boolean", False, context),
            python.get_string_details("b-string", "no", context),
            python.get_integer_details("c-integer", 0, context),
            python.get_float_details("d-float", 0.0, context),
            python.get_object_details("e-object", {}, context),
            python.get_boolean_details("f-split", True, context),
        ]

    found = await asyncio.to_thread(ask)
    assert [each.error_code for each in found] == [None] * 6
    assert [(each.value, type(each.value)) for each in found[:4]] == [(True, bool), ("纸", str), (3, int), (1.0, float)]
    assert found[4].value == {"n": 1}
    assert [each.reason for each in found] == [Reason.TARGETING_MATCH, *[Reason.STATIC] * 4, Reason.SPLIT]
    assert found[0].variant == "on"
    assert found[5].value is False  # a customer has no device's place: the default


async def test_the_python_client_gets_a_released_edition_for_the_devices_of_its_share(
    backend: Backend, python: OpenFeatureClient
) -> None:
    desk = backend.desk
    devices = [(await desk.server.device()).tokens["device"] for _ in range(12)]

    async def ask() -> list[bool]:
        def one_by_one() -> list[bool]:
            return [python.get_boolean_value("a-boolean", False, EvaluationContext(each)) for each in devices]

        return await asyncio.to_thread(one_by_one)

    assert await ask() == [False] * 12
    served = (await desk.done("GET", "/switches/a-boolean"))["edition"]
    body = {"definition": switch("a-boolean", default="on"), "edition": served}
    edition = (await desk.done("POST", "/switches/a-boolean/proposals", body))["edition"]
    made = await release(desk, "switch", "a-boolean", edition, stages=stages(5000, 10_000))
    reached = await ask()
    assert 0 < sum(reached) < 12
    assert await ask() == reached, "the same devices stay in"
    await act(desk, made, "stop")
    assert await ask() == [False] * 12


async def test_the_python_client_gets_the_default_and_the_reason_of_every_refusal(
    backend: Backend, python: OpenFeatureClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(key: str = "a-boolean", targeting: str | None = backend.customer, **claims: Any) -> Any:
        return python.get_boolean_details(key, True, EvaluationContext(targeting, claims))

    missing = await asyncio.to_thread(ask, "no-such")
    assert (missing.value, missing.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    nameless = await asyncio.to_thread(ask, "a-boolean", None)
    assert (nameless.value, nameless.error_code) == (True, ErrorCode.TARGETING_KEY_MISSING)
    wrong = await asyncio.to_thread(lambda: ask(platform=5))
    assert wrong.error_code is ErrorCode.INVALID_CONTEXT
    mismatch = await asyncio.to_thread(lambda: python.get_float_details("c-integer", 0.5))
    assert mismatch.value == 0.5
    monkeypatch.setattr(ofrep, "PER_MACHINE", 0)
    limited = await asyncio.to_thread(ask)
    assert limited.error_message.startswith("Rate limited, retry after: ")
    monkeypatch.setattr(ofrep, "PER_MACHINE", 100)
    paused = await asyncio.to_thread(ask)
    assert "paused" in paused.error_message, "one 429 silences the client until Retry-After"


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.fail("node is missing: install node 20.19 or later")
    if not (CLIENTS / "node_modules" / "@openfeature" / "ofrep-provider").is_dir():
        pytest.fail(f"the OpenFeature clients are missing: run `{INSTALL}`")
    return found


@pytest.mark.node
async def test_the_node_client_gets_every_type(backend: Backend) -> None:
    context = {"targetingKey": backend.customer, "platform": "ios"}
    asked = [
        {"type": "boolean", "key": "a-boolean", "default": False, "context": context},
        {"type": "string", "key": "b-string", "default": "no", "context": context},
        {"type": "number", "key": "c-integer", "default": 0, "context": context},
        {"type": "number", "key": "d-float", "default": 0, "context": context},
        {"type": "object", "key": "e-object", "default": {}, "context": context},
        {"type": "boolean", "key": "no-such", "default": True, "context": context},
        {"type": "boolean", "key": "a-boolean", "default": True, "context": {}},
    ]
    command = [node(), str(CLIENTS / "server.mjs"), backend.address, backend.secret, json.dumps(asked)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    found = json.loads(out)
    assert [each["value"] for each in found] == [True, "纸", 3, 1, {"n": 1}, True, True]
    assert [each.get("errorCode") for each in found] == [*[None] * 5, "FLAG_NOT_FOUND", "TARGETING_KEY_MISSING"]
    assert [each.get("variant") for each in found[:2]] == ["on", "x"]
