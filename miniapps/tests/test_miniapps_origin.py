"""Origins of apps: the container's files with what is baked in, and nothing else, locked."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.miniapps import origin as origin_module
from sampan.miniapps.component import component as miniapps
from sampan.platform.hosts import label_of
from sampan.platform.identity.component import component as identity
from sampan.platform.identity.demo_component import component as identity_demo
from sampan.platform.insight.component import component as insight
from sampan.platform.release.component import component as release
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_artifacts import COMPONENTS, publishing_in, without_background
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
CONFIG = re.compile(r"^self\.SAMPAN_ORIGIN = (\{.*\});\n")
WORKER = b"// the worker\n"
WHOLE = (identity, identity_demo, *COMPONENTS[:-1], without_background(insight), miniapps, release)


def label(kind: str = "live", *, app: str = APP, workspace: str = WORKSPACE) -> str:
    return label_of(workspace, app, kind)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """A server with one published app; no test here changes anything in it."""
    folder = tmp_path_factory.mktemp("origins")
    built = folder / "origin"
    built.mkdir()
    for name in ("boot.html", "boot.js", "runtime.js"):
        (built / name).write_text(f"the {name}")
    (built / "worker.js").write_bytes(WORKER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origin_module, "FOLDER", built)
        async with publishing_in(folder, components=WHOLE) as publishing:
            await publishing.publish(1)
            await publishing.expose("trial")
            await publishing.core.replica.poll()
            async with client(publishing.core) as http:
                yield http


async def get(http: httpx2.AsyncClient, name: str, path: str, **headers: str) -> httpx2.Response:
    return await http.get(path, headers={"host": f"{name}.apps.sampan.localhost:8080", **headers})


async def test_the_worker_carries_whose_origin_it_is_and_the_first_root(http: httpx2.AsyncClient) -> None:
    for kind, profile in (("live", "intl"), ("trial", "trial")):
        answer = await get(http, label(kind), "/__sw.js")
        assert answer.status_code == 200, answer.text
        baked = CONFIG.match(answer.text)
        assert baked is not None
        config = json.loads(baked[1])
        root = (await http.get(f"/trust/{WORKSPACE}/{profile}/metadata/1.root.json")).content
        assert config == {
            "workspace": WORKSPACE,
            "app": APP,
            "kind": kind,
            "profile": profile,
            "shell_origin": [f"http://{WORKSPACE}.sampan.localhost:8080"],
            "root": root.decode(),
        }
        assert answer.content.endswith(WORKER)
        assert answer.headers["service-worker-allowed"] == "/"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"].startswith("text/javascript")
        again = await get(http, label(kind), "/__sw.js", **{"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_worker_is_packed_for_those_who_take_it(http: httpx2.AsyncClient) -> None:
    plain = await get(http, label(), "/__sw.js", **{"accept-encoding": "identity"})
    packed = await get(http, label(), "/__sw.js", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content


async def test_asking_often_for_the_worker_packs_it_once_and_keeps_a_bounded_number(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[int] = []
    monkeypatch.setattr("sampan.miniapps.origin.PACKS_KEPT", 2)
    compress = gzip.compress

    def counted(*given: Any, **more: Any) -> bytes:
        packed.append(1)
        return compress(*given, **more)

    monkeypatch.setattr(gzip, "compress", counted)

    async def under_port(port: int) -> httpx2.Response:
        return await http.get("/__sw.js", headers={"host": f"{label()}.apps.sampan.localhost:{port}"})

    answers = await asyncio.gather(*(under_port(1) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(packed) == 1
    for port in (2, 3, 2, 3):
        await under_port(port)
    assert len(packed) == 3
    await under_port(1)
    assert len(packed) == 4


async def test_only_the_workspaces_shells_may_frame_the_boot_page(http: httpx2.AsyncClient) -> None:
    answer = await get(http, label(), "/__boot")
    assert answer.text == "the boot.html"
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert f"frame-ancestors http://{WORKSPACE}.sampan.localhost:8080" in policy
    assert "script-src 'self'" in policy
    assert "camera=()" in answer.headers["permissions-policy"]
    for path, name in (("/__boot.js", "boot.js"), ("/__runtime.js", "runtime.js")):
        script = await get(http, label(), path)
        assert (script.status_code, script.text) == (200, f"the {name}")
        assert script.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (label(), "/"),
        (label(), "/index.html"),
        (label(), "/worker.js"),
        (label(), "/__boot/"),
        (label(), "/__sw.js/x"),
        (label(), "/client/v1/shell"),
        (label(), "/console/"),
        (label(), f"/trust/{WORKSPACE}/intl/metadata/1.root.json"),
        (label(app="no.such.app"), "/__boot"),
        (label("preview"), "/__boot"),
        (label(workspace="bank-b"), "/__boot"),
        ("a" * 20, "/__boot"),
        ("a" * 20, "/__boot?a=1&b=2&c=3&d=4&e=5"),
        ("a" * 20, "/__boot?preview=%ff&preview=x"),
        ("a" * 20, "/__boot?preview=" + "A" * 9000),
        ("short", "/__boot"),
        (f"x.{label()}", "/__boot"),
    ],
)
async def test_everything_else_is_nothing_and_locked(http: httpx2.AsyncClient, name: str, path: str) -> None:
    answer = await get(http, name, path)
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert "set-cookie" not in answer.headers


async def test_nothing_is_sent_to_an_origin(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/__boot", headers={"host": f"{label()}.apps.sampan.localhost"})
    assert answer.status_code == 404


async def test_the_file_of_a_container_that_was_not_built_says_so(
    http: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin_module, "FOLDER", tmp_path / "nothing")
    answer = await get(http, label(), "/__boot")
    assert (answer.status_code, answer.json()["code"]) == (503, "site_not_built")
