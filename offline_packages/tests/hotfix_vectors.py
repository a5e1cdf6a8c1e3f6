"""Writes `hotfix_vectors.json`: a version, stacks of hotfixes, and what each must give; for clients in any language.

    .venv/bin/python offline_packages/tests/hotfix_vectors.py

Bytes are base64, indexes and good documents are text. A case has `index` and `digest`, or the `code` of its refusal.
"""

import base64
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sampan.offline_packages import NewApp, PackageIndex, PackageReader, pack, package_digest, parse_index
from sampan.offline_packages.hotfix import Hotfix, HotfixRefused, derive, make_hotfix, parse_hotfix
from sampan.platform.crypto.canonical import canonical_json

VECTORS = Path(__file__).with_name("hotfix_vectors.json")
APP = "bank.demo.a"
FILES = {
    "index.html": b"<!doctype html><script src=app.js></script>",
    "data/rates.json": b'{"eur":7.8}',
    "data/old.txt": b"old",
    "\ufb01.txt": b"a sign below the surrogates",
    "\U0001f600.txt": b"a sign above them: UTF-16 sorts it before the other",
}
Signed = tuple[Hotfix, bytes]


class Base:
    """A version on disk, and hotfixes made on it."""

    def __init__(self, folder: Path, files: Mapping[str, bytes] = FILES, *, app: str = APP, sequence: int = 3) -> None:
        source = folder / "source"
        for path, data in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(data)
        new = NewApp(app_id=app, version_name=f"1.0.{sequence}", sequence=sequence)
        packed = pack(source, folder / "out", new_app=new)
        self.index_bytes, self.archive = packed.index_bytes, packed.archive_path
        self.index: PackageIndex = parse_index(packed.index_bytes)
        self.digest = package_digest(packed.index_bytes)
        with self.reader() as reader:
            self.files = {entry.path: reader.read(entry.path) for entry in self.index.files}

    def reader(self) -> PackageReader:
        return PackageReader(self.index, self.archive)

    def after(self, stack: Sequence[Signed]) -> dict[str, bytes]:
        """Return the files with a stack applied, worked out without the product."""
        files = dict(self.files)
        for hotfix, content in stack:
            position = 0
            for change in hotfix.changes:
                files.pop(change.path, None)
                if change.after is not None:
                    files[change.path] = content[position : position + change.after.size]
                    position += change.after.size
        return files

    def hotfix(self, n: int, changes: Mapping[str, bytes | None], on: Sequence[Signed] = ()) -> Signed:
        numbers = [hotfix.n for hotfix, _ in on]
        return make_hotfix(self.index, self.digest, self.after(on), changes, n=n, on=numbers)

    def derive(self, *stack: Signed) -> tuple[bytes, bytes]:
        with self.reader() as reader:
            return derive(self.index, reader, stack)


def spoilt(hotfix: Hotfix, spoil: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the canonical bytes of a document after something was done to its members."""
    value = msgspec.to_builtins(hotfix)
    value["on"], value["changes"] = list(value["on"]), list(value["changes"])
    spoil(value)
    return canonical_json(value)


def spoilt_documents(hotfix: Hotfix) -> dict[str, bytes]:
    """Return documents that every client refuses."""
    good = hotfix.to_bytes()

    def path(text: str) -> bytes:
        def rename(value: dict[str, Any]) -> None:
            value["changes"] = [{**value["changes"][0], "path": text}]

        return spoilt(hotfix, rename)

    def after(**members: Any) -> bytes:
        return spoilt(hotfix, lambda value: value["changes"][0]["after"].update(members))

    return {
        "another spelling": good + b"\n",
        "a member twice": good.replace(b'"n":', b'"n":7,"n":', 1),
        "a member more": spoilt(hotfix, lambda value: value.update(extra=1)),
        "a member less": spoilt(hotfix, lambda value: value.pop("on")),
        "another format": spoilt(hotfix, lambda value: value.update(format="sampan-hotfix/2")),
        "no app id": spoilt(hotfix, lambda value: value.update(app="../x")),
        "sequence 0": spoilt(hotfix, lambda value: value.update(sequence=0)),
        "a bare base": spoilt(hotfix, lambda value: value.update(base="00" * 32)),
        "n is 0": spoilt(hotfix, lambda value: value.update(n=0)),
        "n is too high": spoilt(hotfix, lambda value: value.update(n=10_000)),
        "n is true": spoilt(hotfix, lambda value: value.update(n=True)),
        "on itself": spoilt(hotfix, lambda value: value.update(on=[hotfix.n])),
        "on 0": spoilt(hotfix, lambda value: value.update(on=[0])),
        "on too many": spoilt(hotfix, lambda value: value.update(n=99, on=list(range(1, 33)))),
        "on falls": spoilt(hotfix, lambda value: value.update(n=9, on=[3, 2])),
        "no changes": spoilt(hotfix, lambda value: value.update(changes=[])),
        "changes fall": spoilt(hotfix, lambda value: value["changes"].reverse()),
        "a path twice": spoilt(hotfix, lambda value: value["changes"].insert(0, value["changes"][0])),
        "neither before nor after": spoilt(
            hotfix, lambda value: value["changes"][0].update({"before": None, "after": None})
        ),
        "after is left out": spoilt(hotfix, lambda value: value["changes"][0].pop("after")),
        "nothing changes": spoilt(
            hotfix, lambda value: value["changes"][0]["after"].update(sha256=value["changes"][0]["before"]["sha256"])
        ),
        "a size below 0": after(size=-1),
        "a size with a fraction": good.replace(b'"size":1,', b'"size":1.0,', 1),
        "a bomb": after(size=16 * 1024 * 1024 + 1),
        "upper case": after(sha256="AB" * 32),
        "short": after(sm3="ab"),
        "up": path("../escape.txt"),
        "absolute": path("/etc/passwd"),
        "a drive": path("C:/x"),
        "a backslash": path("a\\b"),
        "nothing between": path("a//b"),
        "a folder of the container": path("_sampan/x.js"),
        "a control character": path("a\x00b"),
        "a dot at the end": path("a."),
        "too long": path("/".join(["x" * 250] * 5)),
        "too deep": path("/".join("x" * 33)),
        "an empty path": path(""),
        "the manifest": path("manifest.json"),
        "a text": b'"hotfix"',
        "nothing": b"",
        "deep": b"[" * 100_000,
    }


def _good(base: Base) -> dict[str, list[Signed]]:
    one = base.hotfix(1, {"index.html": b"<!doctype html>fixed", "data/rates.json": b'{"eur":7.9}'})
    two = base.hotfix(2, {"data/old.txt": None, "data/new.txt": b"", "\U0001f600.txt": b"1", "\ufb01.txt": b"2"}, [one])
    alone = base.hotfix(3, {"data/rates.json": b'{"eur":8}'})
    three = base.hotfix(4, {"data/old.txt": b"back", "index.html": b"<!doctype html>again"}, [one, two])
    six = base.hotfix(6, {"app.css": b"p{}", "a/b/c.txt": b"deep"}, [one, two, three])
    return {
        "no hotfix": [],
        "two files": [one],
        "on another": [one, two],
        "alone, above others": [alone],
        "the same file again, a removed one back": [one, two, three],
        "without one that nothing stands on": [one, six],
    }


def _refused(base: Base, other: Base) -> dict[str, list[Signed]]:
    one, foreign = base.hotfix(1, {"data/old.txt": b"new"}), other.hotfix(1, {"data/old.txt": b"new"})
    two, beside = base.hotfix(2, {"data/old.txt": b"newer"}, [one]), base.hotfix(2, {"app.js": b"x"})
    clash = base.hotfix(3, {"INDEX.html": b"x"})
    inside = base.hotfix(3, {"data": b"x"})
    return {
        "another version's": [foreign],
        "without what it stands on": [two],
        "in the wrong order": [two, one],
        "twice": [one, one],
        "not made on the other": [one, beside],
        "content is cut": [(one[0], one[1][:-1])],
        "content goes on": [(one[0], one[1] + b"\0")],
        "another content": [(one[0], b"n3w")],
        "two names that are one": [clash],
        "a file that is a folder": [inside],
    }


def _case(base: Base, name: str, stack: Sequence[Signed]) -> dict[str, Any]:
    told = [{"document": hotfix.to_bytes().decode(), "content": _text(content)} for hotfix, content in stack]
    try:
        index, _ = base.derive(*stack)
    except HotfixRefused as problem:
        return {"name": name, "stack": told, "code": problem.code}
    return {"name": name, "stack": told, "index": index.decode(), "digest": package_digest(index)}


def _refusal(document: bytes) -> str:
    try:
        parse_hotfix(document)
    except HotfixRefused as problem:
        return problem.code
    raise AssertionError(f"not refused: {document[:200]!r}")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def vectors(folder: Path) -> dict[str, Any]:
    """Return the whole file."""
    base, other = Base(folder / "base"), Base(folder / "other", {**FILES, "app.js": b"2"})
    cases = _good(base) | _refused(base, other)
    whole = base.hotfix(2, {"data/old.txt": b"1", "data/rates.json": b"2"})[0]
    return {
        "app": APP,
        "base": {
            "index": base.index_bytes.decode(),
            "digest": base.digest,
            "archive": _text(base.archive.read_bytes()),
        },
        "cases": [_case(base, name, stack) for name, stack in cases.items()],
        "documents": [
            {"name": name, "document": _text(data), "code": _refusal(data)}
            for name, data in spoilt_documents(whole).items()
            if len(data) < 10_000
        ],
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        VECTORS.write_text(json.dumps(vectors(Path(temporary)), indent=1, ensure_ascii=True) + "\n")
