"""Built pages: encodings, caching, policies, routes of their own, and what is said when nothing was built."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from sampan.platform.component import Component
from sampan.platform.hosts import Surface
from sampan.platform.settings import Settings
from sampan.platform.static_files import accepted_encodings
from sampan.platform.static_sites import StaticSite
from sampan.platform.testing import WORKSPACE, client, running_core

pytestmark = pytest.mark.anyio
SCRIPT = b"console.log('a script that is long enough to be worth packing')"
SHELL = f"{WORKSPACE}.sampan.localhost:8080"


def build(folder: Path, page: bytes = b"<!doctype html>first") -> None:
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_bytes(page)
    (folder / "assets" / "app-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "app-abc.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "assets" / "app-abc.js.br").write_bytes(b"brotli bytes")
    (folder / "sw.js").write_bytes(b"// worker")


def site(name: str, surface: Surface, prefix: str, folder: Path, **more: tuple[str, ...]) -> StaticSite:
    return StaticSite(name, surface, prefix, folder, "default-src 'none'; frame-src {apps}", "make pages", **more)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    build(tmp_path / "console")
    build(tmp_path / "shell")
    pages = Component(
        "pages",
        (
            site(
                "console",
                Surface.CONSOLE,
                "/console/",
                tmp_path / "console",
                spa=("/console/",),
                without=("/console/api/",),
            ),
            site("shell", Surface.WORKSPACE, "/", tmp_path / "shell"),
        ),
    )
    async with running_core(tmp_path / "data", components=[pages]) as core, client(core) as http:
        yield http


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"gzip, deflate, br", {"gzip", "deflate", "br"}),
        (b"br;q=0, gzip;q=0.5", {"gzip"}),
        (b"br ; q=0.000 , GZIP", {"gzip"}),
        (b"", {""}),
    ],
)
async def test_an_encoding_of_no_weight_is_refused(header: bytes, accepted: set[str]) -> None:
    assert accepted_encodings(header) == accepted


async def test_the_smallest_accepted_encoding_is_sent(http: httpx2.AsyncClient) -> None:
    tags = set()
    for accept, encoding in (("gzip, br", "br"), ("gzip", "gzip"), ("identity", None)):
        async with http.stream("GET", "/console/assets/app-abc.js", headers={"accept-encoding": accept}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers.get("content-encoding") == encoding
        assert raw == {"br": b"brotli bytes", "gzip": gzip.compress(SCRIPT, mtime=0), None: SCRIPT}[encoding]
        assert answer.headers["content-length"] == str(len(raw))
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["content-type"].startswith("text/javascript")
        tags.add(answer.headers["etag"])
    assert len(tags) == 3, "each encoding is a representation of its own"


async def test_hashed_files_are_kept_for_ever_and_pages_are_asked_for_again(http: httpx2.AsyncClient) -> None:
    assert "immutable" in (await http.get("/console/assets/app-abc.js")).headers["cache-control"]
    page = await http.get("/console/")
    assert page.headers["cache-control"] == "no-cache"
    again = await http.get("/console/", headers={"if-none-match": f'W/"x", {page.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    head = await http.head("/console/")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(page.content)))


async def test_a_page_has_its_policy_with_the_origins_of_apps(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/", headers={"host": SHELL})
    assert (answer.status_code, answer.text) == (200, "<!doctype html>first")
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; frame-src http://*.apps.sampan.localhost:8080"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_each_surface_has_its_own_pages(http: httpx2.AsyncClient) -> None:
    landing = await http.get("/", headers={"host": "127.0.0.1:8080"})
    assert '"/console/"' in landing.text
    assert f'"http://{WORKSPACE}.sampan.localhost:8080/"' in landing.text
    assert "default-src 'none'" in landing.headers["content-security-policy"]
    assert (await http.get("/sw.js", headers={"host": SHELL})).text == "// worker"
    for host, path in ((SHELL, "/console/"), ("127.0.0.1", "/sw.js"), (SHELL, "/no-such-page")):
        assert (await http.get(path, headers={"host": host})).status_code == 404, (host, path)


async def test_the_console_has_routes_of_its_own_and_its_api_keeps_its_own(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/console/apps/some.app")).text == "<!doctype html>first"
    assert (await http.get("/console/sw.js")).text == "// worker"
    missing = await http.get("/console/assets/old-abc.js")
    assert (missing.status_code, missing.json()["code"]) == (404, "route_not_found")
    assert (await http.get("/console/api/v1/nothing")).json()["code"] == "route_not_found"
    moved = await http.get("/console")
    assert (moved.status_code, moved.headers["location"]) == (308, "/console/")
    sent = await http.post("/console/apps")
    assert (sent.status_code, sent.headers["allow"]) == (405, "GET, HEAD")


async def test_a_new_build_is_served_without_a_restart(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    before = await http.get("/console/")
    build(tmp_path / "console", b"<!doctype html>second")
    after = await http.get("/console/")
    assert (before.text, after.text) == ("<!doctype html>first", "<!doctype html>second")


async def test_pages_that_were_not_built_say_what_to_run(tmp_path: Path) -> None:
    pages = Component("pages", (site("shell", Surface.WORKSPACE, "/", tmp_path / "none"),))
    async with running_core(tmp_path / "data", components=[pages]) as core, client(core) as http:
        person = await http.get("/", headers={"host": SHELL, "accept": "text/html"})
        assert (person.status_code, person.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "make pages" in person.text
        program = await http.get("/", headers={"host": SHELL})
        assert (program.status_code, program.json()["code"]) == (503, "site_not_built")
        build(tmp_path / "none")
        assert (await http.get("/", headers={"host": SHELL})).status_code == 200


async def test_the_console_page_is_on_the_consoles_host_alone(tmp_path: Path) -> None:
    build(tmp_path / "console")
    pages = Component("pages", (site("console", Surface.CONSOLE, "/console/", tmp_path / "console"),))
    settings = Settings(data=tmp_path / "data", default_workspace=WORKSPACE, console_host="console.example")
    async with running_core(settings.data, components=[pages], settings=settings) as core, client(core) as http:
        for host, status in (("console.example", 200), ("127.0.0.1", 404)):
            assert (await http.get("/console/", headers={"host": host})).status_code == status
        assert "/console/" not in (await http.get("/", headers={"host": "127.0.0.1"})).text
