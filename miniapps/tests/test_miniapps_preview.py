"""Previews of versions that nobody has approved: who may begin one, and all that its origin refuses."""

import base64
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from sampan.miniapps import origin as origin_module
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.preview_sessions import LIFE_MS
from sampan.platform.app import built_in_components
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in, without_background
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
CONFIG = re.compile(r"^self\.SAMPAN_ORIGIN = (\{.*\});\n")
EVERYTHING = (*(without_background(each) for each in built_in_components(demo=True)), miniapps)
CONSOLE = "http://server"
PATH = f"/console/api/v1/apps/{APP}/versions/1/preview"


@dataclass
class World:
    """A server with version 1 of an app in review, and people."""

    publishing: Publishing
    http: httpx2.AsyncClient
    people: dict[str, dict[str, str]]

    async def begin(self, who: str, path: str = PATH, **headers: str) -> httpx2.Response:
        return await self.http.post(path, headers={**self.people[who], **headers})

    async def get(self, host: str, path: str) -> httpx2.Response:
        return await self.http.get(path, headers={"host": host})

    async def began(self) -> tuple[str, str, dict[str, Any]]:
        """Return the host of a new session's origin, the token with its name, and the whole answer."""
        answer = await self.begin("reviewer")
        assert answer.status_code == 201, answer.text
        told = answer.json()
        return urlsplit(told["origin"]).netloc, told["boot"].removeprefix("/__boot"), told


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    built = tmp_path / "origin"
    built.mkdir()
    for name in ("boot.html", "boot.js", "runtime.js", "worker.js", "preview_boot.js", "preview_worker.js"):
        (built / name).write_text(f"// {name}\n")
    monkeypatch.setattr(origin_module, "FOLDER", built)
    async with publishing_in(tmp_path, components=EVERYTHING) as publishing:
        core = publishing.core
        await publishing.submit(packed_app(tmp_path, 1))
        people = {
            "reviewer": await person_with(core, WORKSPACE, "reviewer"),
            "publisher": await person_with(
                core, WORKSPACE, grants=[{"role": "publisher", "publisher": publishing.publisher_id}]
            ),
            "auditor": await person_with(core, WORKSPACE, "auditor"),
        }
        headers = {name: await bearer_for(core, WORKSPACE, found) for name, found in people.items()}
        foreign = await person_with(core, OTHER_WORKSPACE, "reviewer")
        headers |= {"anonymous": {}, "foreigner": await bearer_for(core, OTHER_WORKSPACE, foreign)}
        await core.replica.poll()
        async with client(core) as http:
            yield World(publishing, http, headers)


async def test_a_session_names_one_version_by_digest_and_ends(world: World) -> None:
    host, token, told = await world.began()
    (package,) = told["packages"]
    now_ms = world.publishing.core.now_ms()
    assert (package["app"], package["sequence"], told["until_ms"] - now_ms) == (APP, 1, LIFE_MS)
    script = await world.get(host, f"/__sw.js{token}")
    assert script.status_code == 200, script.text
    baked = CONFIG.match(script.text)
    assert baked is not None
    config = json.loads(baked[1])
    assert config["packages"][0]["digest"] == package["digest"]
    assert (config["kind"], config["root"], config["until_ms"]) == ("preview", "", told["until_ms"])
    assert script.text.endswith("// preview_worker.js\n")
    assert script.headers["cache-control"] == "no-store"


async def test_the_console_fetches_the_bytes_with_its_own_rights(world: World) -> None:
    _host, _token, told = await world.began()
    (package,) = told["packages"]
    for path in (package["index"], package["package"]):
        assert (await world.http.get(path, headers=world.people["reviewer"])).status_code == 200
        assert (await world.http.get(path)).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("pages.example", 503),
        ("8.8.8.8:8080", 503),
        ("console.sampan.localhost", 201),
        ("127.0.0.1:8080", 201),
        ("[::1]:8080", 201),
        ("sampan", 201),
    ],
)
async def test_a_page_elsewhere_cannot_be_made_the_console_that_frames(world: World, host: str, status: int) -> None:
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}"}):
        answer = await world.begin("publisher", **headers)
        assert answer.status_code == status, answer.text
        assert status == 201 or answer.json()["code"] == "preview_unavailable"


async def test_only_the_console_that_began_it_may_frame_it(world: World) -> None:
    host, token, _told = await world.began()
    page = await world.get(host, f"/__boot{token}")
    assert page.status_code == 200
    policy = dict(each.split(" ", 1) for each in page.headers["content-security-policy"].split("; "))
    own = (await world.http.get("/healthz")).request.headers["host"]
    assert policy["frame-ancestors"].endswith(f"//{own}")
    assert policy["default-src"] == "'none'"
    assert policy["script-src"].startswith("'sha256-")
    assert "camera=()" in page.headers["permissions-policy"]
    assert "set-cookie" not in page.headers


async def test_each_session_has_an_origin_of_its_own(world: World) -> None:
    first, second = await world.began(), await world.began()
    assert first[0] != second[0]
    crossed = await world.get(second[0], f"/__boot{first[1]}")
    assert (crossed.status_code, crossed.content) == (404, b"")


async def test_nothing_of_the_version_comes_from_the_origin(world: World) -> None:
    host, token, _told = await world.began()
    for path in ("/", "/index.html", "/manifest.json", "/__boot.js", "/__runtime.js", "/client/v1/shell", "/console/"):
        answer = await world.get(host, path + token)
        assert (answer.status_code, answer.content) == (404, b""), path
        assert answer.headers["content-security-policy"].endswith("sandbox")


async def test_an_address_without_its_token_is_nothing(world: World) -> None:
    host, token, _told = await world.began()
    said, mark = token.removeprefix("?preview=").split(".")
    body = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    longer = {**body, "until_ms": body["until_ms"] * 2}
    forged = base64.urlsafe_b64encode(json.dumps(longer).encode()).rstrip(b"=").decode()
    wrong = ("", "?preview=", f"?preview={said}", f"?preview={said}.", f"?preview={forged}.{mark}", "?preview=%ff.%ff")
    doubled = f"{token}&preview={said}.{mark}"
    for query in (*wrong, doubled, f"?preview={'a' * 9000}.{mark}", f"?preview=\u00e9.{mark}"):
        for path in ("/__boot", "/__sw.js"):
            assert (await world.get(host, path + query)).status_code == 404, query


async def test_it_ends_on_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    host, token, told = await world.began()
    core = world.publishing.core
    monkeypatch.setattr(core, "now_ms", lambda: told["until_ms"] - 1)
    assert (await world.get(host, f"/__boot{token}")).status_code == 200
    monkeypatch.setattr(core, "now_ms", lambda: told["until_ms"])
    assert (await world.get(host, f"/__boot{token}")).status_code == 404
    assert (await world.get(host, f"/__sw.js{token}")).status_code == 404


async def test_who_may_not_read_an_unpublished_version_may_not_preview_it(world: World) -> None:
    assert (await world.begin("publisher")).status_code == 201
    refused = [await world.begin(who) for who in ("auditor", "anonymous", "foreigner")]
    assert [each.status_code for each in refused] == [403, 401, 401]
    nothing = await world.begin("reviewer", PATH.replace("/1/", "/9/"))
    assert nothing.status_code == 404


async def test_a_page_of_another_host_begins_none(world: World) -> None:
    answer = await world.begin("reviewer", origin="https://evil.example")
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


async def test_a_preview_stands_in_the_audit(world: World) -> None:
    await world.began()
    reader = await bearer_for(
        world.publishing.core, WORKSPACE, await person_with(world.publishing.core, WORKSPACE, "admin")
    )
    rows = (await world.http.get("/console/api/v1/audit", headers=reader)).json()["items"]
    found = [row for row in rows if row["action"] == "version.preview"]
    assert [(row["target"], row["detail"]["sequence"]) for row in found] == [(APP, 1)]
