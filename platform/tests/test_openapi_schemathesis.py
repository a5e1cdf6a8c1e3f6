"""Whatever anybody sends to the console API, the server answers as its OpenAPI document says, and never with a 500.

One admin of everything calls each operation with generated requests, half of them about things that exist. Each
operation gets a session of its own: what one of them ends must not silence the next.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from journey_town import CONSOLE, Town, is_long, towns
from schemathesis import Case

from sampan.platform.app import build_app
from sampan.platform.operators.testing import bearer_for
from sampan.platform.testing_device import TestDevice, add_retail_app

WORKSPACE = "bank-a"
EXAMPLES = 400 if is_long() else 6
PROBLEM = "application/problem+json"
Answer = TypeVar("Answer")


class Served:
    """A filled workspace behind a real HTTP server, on an event loop in another thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready: Future[tuple[Town, str]] = Future()
        self._loop = asyncio.new_event_loop()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        self.town, self.url = self._ready.result(timeout=60)

    async def _run(self) -> None:
        try:
            async with towns(self._folder, WORKSPACE) as (town,):
                config = uvicorn.Config(build_app(town.core), log_config=None, lifespan="off", ws="none")
                self._server = uvicorn.Server(config)
                with socket.create_server(("127.0.0.1", 0)) as listening:
                    self._ready.set_result((town, f"http://127.0.0.1:{listening.getsockname()[1]}"))
                    await self._server.serve([listening])
        except BaseException as problem:
            if not self._ready.done():
                self._ready.set_exception(problem)
            raise

    def call(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def close(self) -> None:
        """Stop the server and its loop."""
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._loop.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("served"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def operations(served: Served) -> dict[str, Any]:
    document = requests.get(f"{served.url}{CONSOLE}/openapi.json", timeout=10).json()
    schema = schemathesis.openapi.from_dict(document)
    found = (cast("Any", result).ok() for result in schema.get_all_operations())
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


def test_every_operation_answers_as_documented_and_never_with_a_500(
    served: Served, operations: dict[str, Any], subtests: pytest.Subtests
) -> None:
    assert len(operations) > 90
    for name, operation in operations.items():
        with subtests.test(name):
            _fuzz(served, operation)


def _fuzz(served: Served, operation: Any) -> None:
    headers = served.call(_fresh_admin(served.town))
    ids = served.town.ids

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_about_something=st.booleans())
    def run(case: Case[Any], is_about_something: bool) -> None:
        if is_about_something:
            for name in case.path_parameters:
                case.path_parameters[name] = ids.get(name, case.path_parameters[name])
        _check(case, case.call(base_url=f"{served.url}{CONSOLE}", headers=headers, timeout=20))

    run()


async def _fresh_admin(town: Town) -> dict[str, str]:
    return await bearer_for(town.core, town.workspace, await town.new_person())


def _check(case: Case[Any], answer: Any) -> None:
    request = f"{case.method} {case.formatted_path} {case.query} {case.body!r}"[:2000]
    media_type = answer.headers.get("content-type", [""])[0].partition(";")[0]
    assert answer.status_code < 500, (request, answer.text)
    if answer.status_code >= 400:
        assert media_type == PROBLEM, (request, answer.status_code, answer.text)
        told = answer.json()
        assert told["status"] == answer.status_code
        assert told["code"]
        assert told["detail"]
        return
    documented = case.operation.definition.raw["responses"]
    assert str(answer.status_code) in documented, (request, answer.status_code)
    content = documented[str(answer.status_code)].get("content", {})
    assert media_type in content or (not content and not answer.content), (request, media_type)


CLIENT_ROUTES = [
    ("POST", "/client/v1/session"),
    ("DELETE", "/client/v1/session"),
    ("POST", "/client/v1/session/code"),
    ("POST", "/client/v1/session/customer"),
    ("POST", "/client/v1/session/refresh"),
    ("POST", "/client/v1/sync"),
    ("POST", "/client/v1/events"),
    ("POST", "/client/v1/demo/token"),
    ("GET", "/client/v1/trial/bank-a.own.app/3"),
]
BEGINNING = (("POST", "/client/v1/session"), ("POST", "/client/v1/session/refresh"))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63) - 1, 2**53, 0, -1, 1]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["retail", "bank-a.own.app", "shop-bank-a", "1.2", "miniapp", "full", "\ud800", "\x00"]),
)
NAMES = st.sampled_from(
    ["client_app", "device_keys", "signing", "phone", "code", "refresh_token", "installed", "batch", "seq", "type"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=12,
)
EVENT = st.fixed_dictionaries(
    {"seq": st.one_of(st.integers(1, 100), SCALARS), "type": SCALARS, "at": st.one_of(st.integers(), SCALARS)},
    optional=dict.fromkeys(("app", "sequence", "release", "attrs", "ticket", "schema_version", "session"), SCALARS),
)
REAL_EVENT = st.fixed_dictionaries(
    {
        "seq": st.integers(1, 2**53 - 1),
        "type": st.sampled_from(["app.opened", "trust.refused", "delivery.installed"]),
        "at": st.integers(),
    },
    optional={
        "schema_version": st.integers(0, 2),
        "sequence": st.integers(),
        "app": st.text(max_size=10),
        "session": st.text(max_size=5),
        "attrs": st.dictionaries(st.sampled_from(["milliseconds", "code", "detail"]), SCALARS, max_size=2),
    },
)
INSTALLED = st.fixed_dictionaries(
    {name: st.text(max_size=5) for name in ("kind", "version", "digest")},
    optional={"id": st.sampled_from(["bank-a.own.app", "x"]), "sequence": st.one_of(st.integers(0, 5), st.integers())},
)
BODIES = st.one_of(
    JSON,
    st.fixed_dictionaries({"batch": st.lists(st.one_of(EVENT, REAL_EVENT), max_size=5)}),
    st.fixed_dictionaries({"phone": SCALARS, "code": SCALARS}),
)


@pytest.mark.parametrize(("method", "path"), CLIENT_ROUTES)
def test_no_body_of_a_device_makes_the_server_fail(served: Served, method: str, path: str) -> None:
    device = served.call(_new_device(served.town, f"shop-{CLIENT_ROUTES.index((method, path))}"))
    bodies = st.one_of(BODIES, _own_bodies(device))
    reached = set[int]()
    with requests.Session() as http:
        send = _sender(http, served, device, method, path)

        @settings(max_examples=EXAMPLES * 10, suppress_health_check=list(HealthCheck), deadline=None, database=None)
        @given(body=bodies, is_text=st.booleans())
        def run(body: Any, is_text: bool) -> None:
            raw = str(body).encode(errors="surrogatepass") if is_text else _json(body)
            token = None if (method, path) in BEGINNING else device.tokens["access_token"]
            answer = send(raw, device.proof(method, path, access_token=token, htu=f"{served.url}{device.prefix}{path}"))
            reached.add(answer.status_code)
            assert answer.status_code < 500, (raw, answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == PROBLEM
                assert answer.json()["code"]

        run()
    assert reached - {401}, "the generated bodies never came past the proof and the token"


async def _new_device(town: Town, client_app: str) -> TestDevice:
    """Return a device of a client app of its own, which the other test cannot have closed."""
    await add_retail_app(town.core, town.workspace, id=client_app)
    return await town.new_device(client_app)


def _own_bodies(device: TestDevice) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies that fit the device's own key and tokens, so that what comes behind them is reached."""
    keys = st.fixed_dictionaries({"signing": st.just(device.jwk)}, optional={"envelope": JSON})
    begin = {"client_app": st.just(device.client_app), "device_keys": keys}
    refresh = st.one_of(st.just(device.tokens["refresh_token"]), st.text())
    return st.one_of(
        st.fixed_dictionaries(begin, optional={"attestation": SCALARS}),
        st.fixed_dictionaries({"refresh_token": refresh}),
        st.fixed_dictionaries(
            {"client_app": st.just(device.client_app), "installed": st.lists(INSTALLED, max_size=3)},
            optional={"revision_seen": st.text(max_size=8), "apps_etag": SCALARS, "device": JSON},
        ),
    )


def _sender(
    http: requests.Session, served: Served, device: TestDevice, method: str, path: str
) -> Callable[[bytes, str], Any]:
    url = f"{served.url}/w/{WORKSPACE}{path}"
    scheme = "DPoP" if "/session" in path else "Bearer"
    token = device.tokens["access_token"]

    def send(raw: bytes, proof: str) -> Any:
        headers = {"authorization": f"{scheme} {token}", "dpop": proof, "content-type": "application/json"}
        return http.request(method, url, data=raw, headers=headers, timeout=20)

    return send


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()
