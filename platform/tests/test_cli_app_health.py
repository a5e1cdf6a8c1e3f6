"""`app errors` and `app health`: a publisher sees how its own app does; stacks are mapped on its own machine."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.cli.source_maps import SourceMaps, SourceMapWrong, read_map
from sampan.platform.testing_cli import DemoServer, Person
from sampan.platform.testing_device import Clock, TestDevice

APP = "bank.demo.coupons"
SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SOURCE = "const order = read();\n\nexport const total = () => order.amount.value;\n"
HERE = (0, 40, 2, 27)
"""Built line and column, own line and column, all from 0: `order.amount`."""


def vlq(number: int) -> str:
    value, signs = (-number << 1) | 1 if number < 0 else number << 1, ""
    while True:
        digit, value = value & 31, value >> 5
        signs += SIGNS[digit | (32 if value else 0)]
        if not value:
            return signs


def made_map(*places: tuple[int, int, int, int], content: str | None = SOURCE) -> dict[str, Any]:
    """Return a map of one source with these places: built line and column, own line and column."""
    lines: dict[int, str] = {}
    before = (0, 0, 0)
    for line, column, own_line, own_column in sorted(places):
        is_new = line not in lines
        last_column = 0 if is_new else before[0]
        segment = "".join(map(vlq, (column - last_column, 0, own_line - before[1], own_column - before[2])))
        lines[line] = segment if is_new else f"{lines[line]},{segment}"
        before = (column, own_line, own_column)
    mappings = ";".join(lines.get(line, "") for line in range(max(lines) + 1))
    return {"version": 3, "sources": ["../../src/pay.ts"], "sourcesContent": [content], "mappings": mappings}


def put(folder: Path, name: str, value: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(value))
    return folder / name


def test_a_stack_is_told_in_the_developers_own_files(tmp_path: Path) -> None:
    put(tmp_path, "index-a1.js.map", made_map((0, 0, 0, 0), HERE, (3, 2, 0, 6)))
    stack = (
        "TypeError: no amount\n    at total (https://ab.apps.example/assets/index-a1.js:1:45)\n"
        "    at https://ab.apps.example/assets/other.js:9:9\n    at go (/assets/index-a1.js:4:3)"
    )
    mapped, places = SourceMaps(tmp_path).mapped(stack)
    assert mapped == (
        "TypeError: no amount\n    at total (src/pay.ts:3:28)\n"
        "    at https://ab.apps.example/assets/other.js:9:9\n    at go (src/pay.ts:1:7)"
    )
    assert places[0].text == "export const total = () => order.amount.value;"


def test_a_place_without_a_mapping_stays(tmp_path: Path) -> None:
    put(tmp_path, "app.js.map", made_map((0, 10, 0, 0), content=None))
    for place in ("app.js:1:5", "app.js:9:1", "app.js:0:0"):
        assert SourceMaps(tmp_path).mapped(place) == (place, [])
    mapped, (place_found,) = SourceMaps(tmp_path).mapped("app.js:1:11")
    assert (mapped, place_found.text) == ("src/pay.ts:1:1", "")


def test_the_map_in_the_versions_folder_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "app.js.map", made_map((0, 0, 0, 0)))
    put(tmp_path / "1.2.0", "app.js.map", made_map((0, 0, 2, 0)))
    maps = SourceMaps(tmp_path)
    assert maps.mapped("app.js:1:1", "1.1.0")[0] == "src/pay.ts:1:1"
    assert maps.mapped("app.js:1:1", "1.2.0")[0] == "src/pay.ts:3:1"


@given(st.lists(st.tuples(*[st.integers(0, 4000)] * 4), min_size=1, max_size=40, unique_by=lambda place: place[:2]))
def test_every_place_of_a_map_is_found(places: list[tuple[int, int, int, int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = read_map(put(Path(folder), "a.js.map", made_map(*places)))
    for line, column, own_line, own_column in places:
        place = found.find(line + 1, column + 1)
        assert place is not None
        assert (place.line, place.column) == (own_line + 1, own_column + 1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sources": 1}', '{"sources": ["a"], "mappings": "!"}'])
def test_what_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "app.js.map").write_text(text)
    with pytest.raises(SourceMapWrong, match=r"app\.js\.map"):
        SourceMaps(tmp_path).mapped("app.js:1:1")


@pytest.fixture(scope="module")
def reader(demo_server: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The demo's publisher."""
    return demo_server.person("publisher@demo.example", tmp_path_factory.mktemp("publisher"))


@pytest.fixture(scope="module")
def before(reader: Person) -> dict[str, int]:
    """What other tests' devices told of the app on the same server."""
    versions = reader.ok("app", "health", APP)["versions"]
    return {name: sum(each[name] for each in versions) for name in ("devices", "script_errors")}


@pytest.fixture(scope="module")
def publisher(reader: Person, before: dict[str, int], demo_server: DemoServer) -> Person:
    """The demo's publisher, after two devices more reported of its app."""
    asyncio.run(_report(demo_server.address))
    return reader


async def _report(address: str) -> None:
    stack = "TypeError: no amount\n    at total (https://ab.apps.example/assets/index-a1.js:1:45)"
    error = {"message": "TypeError: no amount\x1b[2J", "stack": stack, "source": "index-a1.js", "line": 1, "column": 45}
    told = [("app.opened", {"milliseconds": 90}), ("app.boot", {"milliseconds": 90}), ("app.script_error", error)]
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        for count in (2, 1):
            device = TestDevice(http, Clock(int(time.time() * 1000)), prefix="/w/demo")
            await device.begin()
            batch = [
                {"seq": seq, "type": name, "at": 1, "app": APP, "sequence": 1, "attrs": attrs}
                for seq, (name, attrs) in enumerate([*told[:2], *told[2:] * count], 1)
            ]
            headers = {"authorization": device.bearer.decode()}
            answer = await http.post("/w/demo/client/v1/events", json={"batch": batch}, headers=headers)
            assert answer.json()["refused"] == [], answer.text


def test_a_publisher_reads_its_errors_in_its_own_files(publisher: Person) -> None:
    maps = publisher.folder / "maps"
    put(maps, "index-a1.js.map", made_map(HERE))
    found = publisher.ok("app", "errors", APP, "--version", "1.0.0", "--kind", "script_error")
    (group,) = found["errors"]
    assert (group["count"], group["devices"], group["versions"][0]["version"]) == (3, 2, "1.0.0")
    assert group["own"][0] == {
        "file": "src/pay.ts",
        "line": 3,
        "column": 28,
        "text": "export const total = () => order.amount.value;",
    }
    told = publisher.run("app", "errors", APP, "--source-maps", maps, as_json=False).out
    assert "3 times, 2 devices; version 1.0.0 (sequence 1)" in told
    assert "at total (src/pay.ts:3:28)" in told
    assert "> 3 | export const total = () => order.amount.value;" in told
    assert "\x1b" not in told
    assert publisher.ok("app", "errors", APP, "--version", "9.9.9")["errors"] == []
    refused = publisher.run("app", "errors", APP, "--source-maps", publisher.folder / "nowhere")
    assert (refused.status, refused.value["code"]) == (1, "no_source_maps_here")


def test_a_publisher_reads_use_and_health_by_day(publisher: Person, before: dict[str, int]) -> None:
    (version,) = publisher.ok("app", "health", APP)["versions"]
    assert (version["version"], version["script_errors"]) == ("1.0.0", before["script_errors"] + 3)
    assert version["devices"] == before["devices"] + 2
    assert version["points"][-1]["devices"] == before["devices"] + 2
    told = publisher.run("app", "health", APP, "--days", "2", as_json=False).out
    assert told.startswith("1.0.0 (sequence 1)\n")
    assert told.splitlines()[-2].split()[:3] == ["all", str(version["opens"]), str(version["devices"])]


def test_of_an_app_of_others_a_publisher_learns_nothing(publisher: Person) -> None:
    for command in ("errors", "health"):
        ran = publisher.run("app", command, "bank.demo.foreign")
        assert (ran.status, ran.value["code"]) == (1, "app_unknown")
