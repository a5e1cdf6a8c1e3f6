"""A dangerous act at the command line wants a fresh code: asked for at a terminal, named where nobody can be asked."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from live_terminal import Terminal

from sampan.platform.testing_cli import Person

CODE, PROMPT = "123456", "authenticator): "
APPROVE = ("change", "approve", "chg_1", "--digest", "sha256:00")
KILL = ("kill", "bank.demo.hello", "1", "--cause", "it leaks")
TOKEN = ("token", "create", "ci", "--permission", "version:submit")
HOTFIX = ("hotfix", "approve", "bank.demo.hello", "1", "1", "--digest", "sha256:00")
ANSWER = {
    "id": "chg_1", "state": "applied", "secret": "s", "app": "bank.demo.hello", "sequence": 1, "n": 1, "findings": [],
    "kind": "release", "target_name": "Hello", "target": "rel_1", "digest": "sha256:00", "review_digest": "sha256:00",
}  # fmt: skip


class Server(ThreadingHTTPServer):
    """Refuses every act until it was given the code, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, Any]] = []
        self.is_confirmed = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._tell(200, ANSWER)

    def do_POST(self) -> None:
        path = self.path.partition("/console/api/v1")[2]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((path, body))
        if path == "/session/totp":
            self.server.is_confirmed = body == {"totp": CODE}
            refused = {"code": "sign_in_refused", "detail": "This code is wrong."}
            self._tell(*((200, {"confirmed_until_ms": 1}) if self.server.is_confirmed else (401, refused)))
        elif not self.server.is_confirmed:
            self._tell(403, {"code": "second_factor_needed", "detail": "POST /console/api/v1/session/totp"})
        else:
            self._tell(200, ANSWER)

    def log_message(self, *_arguments: object) -> None:
        pass

    def _tell(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
def person(server: Server, tmp_path: Path) -> Person:
    return Person(tmp_path, server.address, {"SAMPAN_TOKEN": "x", "SAMPAN_SERVER": server.address})


@pytest.mark.parametrize("command", [APPROVE, KILL, TOKEN, HOTFIX], ids=lambda each: each[0])
def test_at_a_terminal_the_code_is_asked_for_and_the_act_goes_on(
    server: Server, person: Person, command: tuple[str, ...]
) -> None:
    terminal = Terminal(person, *command)
    terminal.answer(PROMPT, CODE)
    assert terminal.end() == 0, terminal.shown
    (refused, _), (confirmed, body), (done, _) = server.asked
    assert (confirmed, body) == ("/session/totp", {"totp": CODE})
    assert refused == done
    assert server.asked[0] == server.asked[2], "the act is sent again as it was"


def test_a_refused_code_is_asked_for_again(server: Server, person: Person) -> None:
    terminal = Terminal(person, *KILL)
    terminal.answer(PROMPT, "000000")
    terminal.answer(PROMPT, CODE)
    assert terminal.end() == 0, terminal.shown
    assert "This code is wrong." in terminal.shown
    assert [path for path, _ in server.asked] == ["/kills", "/session/totp", "/session/totp", "/kills"]


def test_three_refused_codes_end_the_command_and_the_act_is_not_sent_again(server: Server, person: Person) -> None:
    terminal = Terminal(person, *KILL)
    for _ in range(3):
        terminal.answer(PROMPT, "000000")
    assert terminal.end() == 3, terminal.shown
    assert [path for path, _ in server.asked].count("/kills") == 1


@pytest.mark.parametrize(
    ("profile", "command"), [(None, "sampan confirm --totp CODE"), ("uat", "sampan --profile uat confirm --totp CODE")]
)
def test_where_nobody_can_be_asked_the_refusal_names_the_command(
    server: Server, person: Person, profile: str | None, command: str
) -> None:
    if profile is not None:
        kept = person.folder / "home" / "profiles" / f"{profile}.json"
        kept.parent.mkdir(parents=True)
        kept.write_text(json.dumps({"server": server.address, "workspace": "demo", "email": "x", "secret": "y"}))
    ran = person.run(*(("--profile", profile) if profile else ()), *KILL)
    assert (ran.status, ran.value["code"]) == (3, "second_factor_needed")
    assert f"`{command}`" in ran.value["detail"]
    assert "/console/api" not in ran.value["detail"]
    person.ok(*(("--profile", profile) if profile else ()), "confirm", "--totp", CODE)
    person.ok(*(("--profile", profile) if profile else ()), *KILL)
