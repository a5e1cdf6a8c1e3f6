"""`sampan tag`: each command is a call or two of the console API, told in lines."""

from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from sampan.platform.cli import tag_commands
from sampan.platform.cli.output import Output

TAG = {"name": "vip", "title": "Best", "members": 7}
IMPORT = {
    "id": "imp_1",
    "mode": "add",
    "state": "done",
    "size_bytes": 9,
    "read_bytes": 9,
    "lines": 3,
    "taken": 2,
    "refused": 1,
    "members_before": 5,
    "members_after": 7,
    "cause": "",
}


class FakeApi:
    """Answers as the server does, and notes what was asked; an import needs one look to be done."""

    def __init__(self, end: str = "done") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.end = end

    def items(self, path: str) -> list[dict[str, Any]]:
        self.calls.append(("GET", path))
        return [TAG]

    def get(self, path: str, **query: Any) -> Any:
        self.calls.append(("GET", path))
        if path.endswith("/imports"):
            return {"items": [IMPORT]}
        return {**IMPORT, "state": self.end, "cause": "the disk is full"} if "/imports/" in path else TAG

    def post(self, path: str, body: Any) -> Any:
        self.calls.append(("POST", path, body))
        return TAG

    def upload(self, path: str, source: Path) -> Any:
        self.calls.append(("UPLOAD", path, source.read_bytes()))
        return {**IMPORT, "state": "waiting"}

    def text(self, path: str) -> str:
        self.calls.append(("TEXT", path))
        return "line,id,code\r\n3,x,unknown_customer\r\n"

    def delete(self, path: str) -> None:
        self.calls.append(("DELETE", path))


def run(monkeypatch: pytest.MonkeyPatch, api: FakeApi, *arguments: str) -> Any:
    monkeypatch.setattr(tag_commands, "_api", lambda: api)
    monkeypatch.setattr(tag_commands, "ASK_EVERY_SECONDS", 0)
    root = Typer()
    root.add_typer(tag_commands.tags, name="tag")
    return CliRunner().invoke(root, ["tag", *arguments], obj=Output(as_json=False))


@pytest.mark.parametrize(
    ("arguments", "call", "says"),
    [
        (["list"], ("GET", "/tags"), "vip  7  Best"),
        (["create", "vip", "--title", "Best"], ("POST", "/tags", {"name": "vip", "title": "Best"}), "vip is there"),
        (["show", "vip"], ("GET", "/tags/vip"), "5 had it, 7 have it"),
        (["delete", "vip"], ("DELETE", "/tags/vip"), "vip is gone"),
    ],
)
def test_each_command_is_one_call(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], call: tuple[Any, ...], says: str
) -> None:
    api = FakeApi()
    answer = run(monkeypatch, api, *arguments)
    assert answer.exit_code == 0, answer.output
    assert call in api.calls
    assert says in answer.output


def test_an_import_waits_and_saves_what_was_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "ids.csv"
    file.write_bytes(b"customer\nx\n")
    api = FakeApi()
    answer = run(monkeypatch, api, "import", "vip", str(file), "--mode", "replace")
    assert answer.exit_code == 0, answer.output
    assert api.calls[0] == ("UPLOAD", "/tags/vip/imports?mode=replace", b"customer\nx\n")
    assert "3 lines, 2 taken, 1 refused" in answer.output
    assert (tmp_path / "ids-refused.csv").read_bytes() == b"line,id,code\r\n3,x,unknown_customer\r\n"


def test_an_import_that_failed_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "ids.csv"
    file.write_bytes(b"customer\nx\n")
    answer = run(monkeypatch, FakeApi("failed"), "import", "vip", str(file))
    assert answer.exit_code != 0
    assert "the disk is full. Nothing was changed." in answer.output


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    api = FakeApi()
    answer = run(monkeypatch, api, "import", "vip", str(tmp_path / "none.csv"))
    assert (answer.exit_code, api.calls) == (2, [])
