"""`sampan hosts`: each command is one call of the console API, told in a line."""

from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from sampan.platform.cli import hosts_commands
from sampan.platform.cli.output import Output


class FakeApi:
    """Answers as the server does, and notes what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def items(self, path: str) -> list[dict[str, Any]]:
        self.calls.append(("GET", path))
        return [{"host": "demo.sampan.localhost", "is_usual": True}, {"host": "app.bank.example", "is_usual": False}]

    def post(self, path: str, body: Any) -> Any:
        self.calls.append(("POST", path, body))
        return {"host": body["host"], "is_usual": False}

    def delete(self, path: str) -> None:
        self.calls.append(("DELETE", path))


@pytest.mark.parametrize(
    ("arguments", "call", "says"),
    [
        (["list"], ("GET", "/hosts"), "demo.sampan.localhost  (by its id)\napp.bank.example\n"),
        (["add", "app.bank.example"], ("POST", "/hosts", {"host": "app.bank.example"}), "names the workspace now"),
        (["remove", "app.bank.example"], ("DELETE", "/hosts/app.bank.example"), "no longer names"),
    ],
)
def test_each_command_is_one_call(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], call: tuple[Any, ...], says: str
) -> None:
    api = FakeApi()
    monkeypatch.setattr(hosts_commands, "_api", lambda: api)
    root = Typer()
    root.add_typer(hosts_commands.hosts, name="hosts")
    answer = CliRunner().invoke(root, ["hosts", *arguments], obj=Output(as_json=False))
    assert answer.exit_code == 0, answer.output
    assert api.calls == [call]
    assert says in answer.output
