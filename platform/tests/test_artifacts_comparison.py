"""What a version changes: files, permissions, lines of a text, and the icon; bounded, and only for who may read it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.offline_packages import Packed, pack
from sampan.offline_packages.packing import NewApp
from sampan.platform.artifacts.comparing import (
    CONTEXT_LINES,
    MAX_DIFF_BYTES,
    MAX_DIFF_LINES,
    MAX_SHOWN_LINES,
    FileChange,
    SetChange,
    TextLine,
    compare_sets,
    compare_texts,
)
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, publishing_in
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
PREFIX = "/console/api/v1"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001000000ffff03000006000557bfabd40000000049454e44ae426082"
)


def packed(folder: Path, sequence: int, files: dict[str, bytes], **more: Any) -> Packed:
    source = folder / f"source-{sequence}"
    source.mkdir()
    for path, data in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(data)
    new_app = NewApp(app_id=APP, version_name=f"1.{sequence}.0", sequence=sequence, **more)
    return pack(source, folder / f"packed-{sequence}", new_app=new_app)


@dataclass
class Stage:
    publishing: Publishing
    http: httpx2.AsyncClient

    async def get(self, path: str, *roles: str, status: int = 200) -> httpx2.Response:
        person = await person_with(self.publishing.core, WORKSPACE, *(roles or ("reviewer",)))
        headers = await bearer_for(self.publishing.core, WORKSPACE, person)
        answer = await self.http.get(f"{PREFIX}/apps/{APP}{path}", headers=headers)
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    page = b"<!doctype html><title>t</title><p>%s</p>\n"
    async with publishing_in(tmp_path) as publishing, client(publishing.core) as http:
        first = {"index.html": page % b"one", "a.js": b"1\n2\n3\n", "gone.txt": b"x", "icon.png": PNG}
        await publishing.submit(packed(tmp_path, 1, first, bridge=("storage", "share")))
        await publishing.approve(1)
        await publishing.expose()
        second = {"index.html": page % b"one", "a.js": b"1\ntwo\n3\n", "new.bin": b"\x00\xff", "icon.png": PNG}
        await publishing.submit(packed(tmp_path, 2, second, bridge=("share", "pay")))
        yield Stage(publishing, http)


async def test_a_version_is_compared_with_the_last_public_one_before_it(stage: Stage) -> None:
    found = (await stage.get("/versions/2/comparison")).json()
    assert found["against"] == {"sequence": 1, "version": "1.1.0"}
    assert found["permissions"]["bridge"] == {"added": ["pay"], "removed": ["storage"], "same": ["share"]}
    assert found["files"]["added"] == found["files"]["removed"] == 1
    page = (await stage.get("/versions/2/files?change=added&change=removed&change=changed")).json()
    changes = {each["path"]: each for each in page["items"]}
    assert {path: each["change"] for path, each in changes.items() if path != "manifest.json"} == {
        "a.js": "changed",
        "gone.txt": "removed",
        "new.bin": "added",
    }
    assert (changes["new.bin"]["size"], changes["new.bin"]["old_digest"]) == (2, None)
    assert (changes["gone.txt"]["digest"], changes["gone.txt"]["old_size"]) == (None, 1)
    assert changes["a.js"]["digest"] != changes["a.js"]["old_digest"]
    assert (await stage.get("/versions/1/comparison")).json()["against"] is None
    whole = (await stage.get("/versions/2/files?against=0&limit=2")).json()
    assert ({each["change"] for each in whole["items"]}, whole["total"]) == ({"added"}, 7)


async def test_the_lines_of_a_file_are_shown_when_it_is_a_text(stage: Stage) -> None:
    found = (await stage.get("/versions/2/diff?path=a.js")).json()
    assert [(each["change"], each["old_line"], each["line"], each["text"]) for each in found["lines"]] == [
        ("same", 1, 1, "1"),
        ("removed", 2, None, "2"),
        ("added", None, 2, "two"),
        ("same", 3, 3, "3"),
    ]
    gone = (await stage.get("/versions/2/diff?path=gone.txt")).json()
    assert [each["change"] for each in gone["lines"]] == ["removed"]
    assert (await stage.get("/versions/2/diff?path=new.bin")).json()["refusal"] == "not_text"
    assert (await stage.get("/versions/2/diff?path=none", status=404)).json()["code"] == "file_unknown"
    assert (await stage.get("/versions/2/diff?path=a.js&against=9", status=404)).json()["code"] == "version_unknown"


async def test_what_is_not_published_is_for_its_publisher_and_reviewers(stage: Stage) -> None:
    for path in ("/versions/2/diff?path=a.js", "/versions/2/comparison", "/versions/2/files"):
        assert (await stage.get(path, "auditor", status=403)).json()["code"] == "missing_permission"
    assert (await stage.get("/versions/1/files", "auditor")).json()["total"] > 3


async def test_an_app_shows_its_name_its_icon_and_its_versions(stage: Stage) -> None:
    answer = await stage.get("/icon", "auditor")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert "sandbox" in answer.headers["content-security-policy"]
    person = await person_with(stage.publishing.core, WORKSPACE, "auditor")
    headers = await bearer_for(stage.publishing.core, WORKSPACE, person)
    again = {**headers, "if-none-match": answer.headers["etag"]}
    assert (await stage.http.get(f"{PREFIX}/apps/{APP}/icon", headers=again)).status_code == 304
    shown = (await stage.get("", "auditor")).json()
    assert (shown["published"], shown["waiting"]) == ({"sequence": 1, "version": "1.1.0"}, 1)
    assert (shown["has_icon"], shown["name"] != "") == (True, True)
    (listed,) = (await stage.http.get(f"{PREFIX}/apps", headers=headers)).json()["items"]
    assert listed == shown


def test_a_diff_is_bounded() -> None:
    assert compare_texts(b"x" * (MAX_DIFF_BYTES + 1), b"").refusal == "too_large"
    assert compare_texts(None, b"\n" * (MAX_DIFF_LINES + 1)).refusal == "too_many_lines"
    assert compare_texts(b"\xff", b"a").refusal == "not_text"
    cut = compare_texts(None, b"".join(b"%d\n" % n for n in range(MAX_SHOWN_LINES + 1)))
    assert (len(cut.lines), cut.is_cut) == (MAX_SHOWN_LINES, True)
    (line,) = compare_texts(None, b"x" * 5000).lines
    assert len(line.text) == 1001
    assert compare_texts(b"a\nb", b"a\nb").lines == ()
    assert compare_texts(None, b"").lines == ()


def test_a_diff_shows_changed_lines_with_their_surroundings() -> None:
    old = [str(n) for n in range(100)]
    new = [*old[:50], "fifty", *old[51:]]
    lines = compare_texts("\n".join(old).encode(), "\n".join(new).encode()).lines
    assert len(lines) == 2 * CONTEXT_LINES + 2
    assert TextLine(FileChange.ADDED, None, 51, "fifty") in lines
    assert TextLine(FileChange.REMOVED, 51, None, "50") in lines


def test_what_came_and_what_left_is_sorted() -> None:
    assert compare_sets(["b", "a"], ["c", "b"]) == SetChange(("c",), ("a",), ("b",))
