"""What `sampan hotfix make` does on its own: JSON files changed where they stand, options read, its file."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.offline_packages.hotfix import FORMAT, HotfixMalformed, make_hotfix
from sampan.offline_packages.index import ArchiveEntry, PackageIndex, Permissions
from sampan.offline_packages.manifest import Kind
from sampan.platform.cli.given_files import FileUnreadable
from sampan.platform.cli.hotfix_file import read_hotfix, write_hotfix
from sampan.platform.cli.hotfix_json import JsonPatchUnfit, patched
from sampan.platform.cli.hotfix_making import HotfixOption, change_line, wanted

BASE = "sha256:" + "0" * 64


def replaced(path: str, value: Any) -> bytes:
    return json.dumps([{"op": "replace", "path": path, "value": value}]).encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n', '{\n  "b": 5,\n  "a": [\n    2\n  ]\n}\n'),
        ('{\n\t"b": 1\n}', '{\n\t"b": 5\n}'),
        ('{\r\n    "b": 1\r\n}\r\n', '{\r\n    "b": 5\r\n}\r\n'),
        ('{"b":1,"text":"限额 \\n"}', '{"b":5,"text":"限额 \\n"}'),
        ('{"b": 1}\n', '{"b":5}\n'),
    ],
)
def test_a_json_file_keeps_its_look(before: str, after: str) -> None:
    assert patched("limits.json", before.encode(), replaced("/b", 5)) == after.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.sampled_from([None, 1, 2, 4, "\t"]))
def test_what_is_not_touched_stays_byte_for_byte(value: Any, indent: Any) -> None:
    separators = (",", ":") if indent is None else (",", ": ")
    before = json.dumps({"other": value}, ensure_ascii=False, indent=indent, separators=separators).encode("utf-8")
    operations = [{"op": "add", "path": "/new", "value": 1}, {"op": "remove", "path": "/new"}]
    assert patched("a.json", before, json.dumps(operations).encode()) == before


@pytest.mark.parametrize(
    ("data", "operations", "told"),
    [
        (b"not json", replaced("/a", 1), "--set"),
        (b'{"a":1,"a":2}', replaced("/a", 1), "twice"),
        (b'{"a":NaN}', replaced("/a", 1), "NaN"),
        (b"\xff{}", replaced("/a", 1), "cannot be read"),
        (b'{"a":1}', b"{", "operations for"),
        (b'{"a":1}', b"{}", "RFC 6902"),
        (b'{"a":1}', b"[1]", "RFC 6902"),
        (b'{"a":1}', b'[{"op":"shout","path":"/a"}]', "RFC 6902"),
        (b'{"a":1}', replaced("/b", 1), "RFC 6902"),
        (b'{"a":1}', b'[{"op":"test","path":"/a","value":2}]', "for: a test in them expects 2 at /a, and there is 1"),
        (b'{"a":"x"}', b'[{"op":"test","path":"/a","value":"y"}]', 'expects "y" at /a, and there is "x"'),
        (b'{"a":1}', b'[{"op":"test","path":"/b","value":2}]', "expects 2 at /b, and there is nothing"),
        (b'{"a":[1]}', b'[{"op":"test","path":"/a/-","value":2}]', "expects 2 at /a/-, and there is nothing"),
        (b'{"a":[1]}', b'[{"op":"add","path":"/a/-","value":2},{"op":"test","path":"/a","value":[]}]', r"is \[1, 2\]"),
        (b'{"a":1e999}', replaced("/a", "1"), ""),
        (b'{"a":1,"b":1e999}', replaced("/a", 1), "written"),
        (b'{"a":1}', b'[{"op":"replace","path":"/a","value":"\\ud800"}]', "written"),
    ],
)
def test_operations_that_do_not_fit_are_refused_with_a_sentence(data: bytes, operations: bytes, told: str) -> None:
    if not told:
        assert patched("a.json", data, operations) == b'{"a":"1"}'
        return
    with pytest.raises(JsonPatchUnfit, match=told):
        patched("a.json", data, operations)


def test_options_say_what_each_file_becomes(tmp_path: Path) -> None:
    (tmp_path / "app/pages").mkdir(parents=True)
    for name, data in {"app/app.js": b"new", "app/pages/a.js": b"page", "ops": replaced("/n", 2)}.items():
        (tmp_path / name).write_bytes(data)
    asked = wanted(
        tmp_path / "app",
        [tmp_path / "app/app.js"],
        [f"lib/a.js={tmp_path / 'app/pages/a.js'}"],
        ["old.css"],
        [f"n.json={tmp_path / 'ops'}"],
    )
    present = {"app.js": b"old", "old.css": b"", "n.json": b'{"n":1}'}
    assert asked.changes(present) == {"app.js": b"new", "lib/a.js": b"page", "old.css": None, "n.json": b'{"n":2}'}


@pytest.mark.parametrize(
    ("files", "sets", "deletes", "patches", "told"),
    [
        ([], [], [], [], "Say what changes"),
        (["/etc/hosts"], [], [], [], "--folder"),
        ([], ["app.js"], [], [], "PATH=FILE"),
        ([], ["=x"], [], [], "PATH=FILE"),
        ([], ["a.js=x"], ["a.js"], [], "twice"),
        ([], ["a.js=x", "a.js=y"], [], [], "twice"),
        ([], [], [], ["a.json="], "PATH=FILE"),
    ],
)
def test_options_that_say_nothing_or_two_things_are_refused(
    files: list[str], sets: list[str], deletes: list[str], patches: list[str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(HotfixOption, match=told):
        wanted(tmp_path, [Path(each) for each in files], sets, deletes, patches)


def test_a_path_that_is_not_there_is_told_with_a_near_one(tmp_path: Path) -> None:
    asked = wanted(tmp_path, [], [], ["index.js"], [])
    with pytest.raises(HotfixOption, match=r"Is pages/index\.js meant"):
        asked.changes({"pages/index.js": b""})
    with pytest.raises(FileUnreadable):
        wanted(tmp_path, [], ["a=missing"], [], []).changes({})


def test_a_file_that_lies_elsewhere_than_in_the_version_is_not_added_by_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --folder a file's path is a guess: where the end of it is a file of the version, that one was meant."""
    monkeypatch.chdir(tmp_path)
    for name in ("fix/css/app.css", "app.css", "fix/more.css"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"new")
    present = {"app.css": b"old", "css/app.css": b"old"}
    meant = Path("fix/css/app.css")
    with pytest.raises(HotfixOption, match=r"but css/app\.css.*--folder fix,.*--set fix/css/app\.css=fix/css/app\.css"):
        wanted(None, [meant], [], [], []).changes(present)
    assert wanted(Path("fix"), [meant], [], [], []).changes(present) == {"css/app.css": b"new"}
    assert wanted(Path(), [meant], [], [], []).changes(present) == {"fix/css/app.css": b"new"}
    assert wanted(None, [], [f"fix/css/app.css={meant}"], [], []).changes(present) == {"fix/css/app.css": b"new"}
    good = wanted(None, [Path("app.css"), Path("fix/more.css")], [], [], [])
    assert good.changes(present) == {"app.css": b"new", "fix/more.css": b"new"}


def test_what_becomes_of_a_file_is_told_in_words() -> None:
    hotfix, _ = made()
    assert [change_line(each) for each in hotfix.changes] == ["  a.js  changed", "  b.js  new in this version"]


def made() -> tuple[Any, bytes]:
    index = PackageIndex(
        "sampan-package/1", "bank.demo.a", Kind.MINIAPP, "1.0.0", 3, 1, Permissions((), (), ()), (), (), (), (),
        ArchiveEntry(22, "0" * 64), (),
    )  # fmt: skip
    return make_hotfix(index, BASE, {"a.js": b"old"}, {"a.js": b"new", "b.js": b"more"}, n=2, on=[1])


def test_the_file_gives_back_what_was_put_in_and_is_the_same_every_time(tmp_path: Path) -> None:
    hotfix, content = made()
    for name in ("one.hotfix", "two.hotfix"):
        write_hotfix(tmp_path / name, hotfix, content)
    assert (tmp_path / "one.hotfix").read_bytes() == (tmp_path / "two.hotfix").read_bytes()
    assert read_hotfix(tmp_path / "one.hotfix") == (hotfix, content)
    assert (hotfix.format, hotfix.n, hotfix.on, content) == (FORMAT, 2, (1,), b"newmore")


@pytest.mark.parametrize("wrong", ["no zip", "no document", "short content", "too long", "bad document"])
def test_files_that_make_did_not_write_are_refused(wrong: str, tmp_path: Path) -> None:
    hotfix, content = made()
    parts = {"hotfix.json": hotfix.to_bytes(), "hotfix.bin": content}
    if wrong == "no document":
        del parts["hotfix.json"]
    elif wrong == "short content":
        parts["hotfix.bin"] = content[:-1]
    elif wrong == "too long":
        parts["hotfix.json"] = b" " * 2_000_000
    elif wrong == "bad document":
        parts["hotfix.json"] = b"{}"
    path = tmp_path / "x.hotfix"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    if wrong == "no zip":
        path.write_bytes(b"PK")
    with pytest.raises(HotfixMalformed):
        read_hotfix(path)
    with pytest.raises(FileUnreadable):
        read_hotfix(tmp_path / "missing.hotfix")
