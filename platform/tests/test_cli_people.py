"""Signing in at a terminal, with and without a server, and people's names in what is printed for people."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from live_terminal import Terminal

from sampan.platform.cli.change_text import change_lines, spoken
from sampan.platform.cli.demo_parties import ADMINS
from sampan.platform.cli.output import Output
from sampan.platform.operators.totp import STEP_MS
from sampan.platform.testing_cli import DemoServer, Person

AWAY = "http://127.0.0.1:9"
DESK = "desk@demo.example"
ID = re.compile(r"\b(?:opr|per)_[0-9a-f]{32}\b")


def test_a_refused_code_is_asked_for_again_and_the_password_is_never_shown(
    demo_server: DemoServer, tmp_path: Path
) -> None:
    desk = demo_server.folder.person(DESK)
    person = Person(tmp_path, demo_server.address)
    terminal = Terminal(person, "login", "--server", demo_server.address)
    terminal.answer("E-mail: ", desk.email)
    terminal.answer("Password: ", desk.password)
    terminal.answer("authenticator): ", "000000")
    terminal.answer("authenticator): ", "")
    terminal.answer("Password: ", desk.password)
    code = person.ok("demo", "code", DESK, "--data", demo_server.root)["code"]
    terminal.answer("authenticator): ", code)
    assert terminal.end() == 0, terminal.shown
    assert f"Signing in to demo on {demo_server.address}." in terminal.shown
    assert "Try with the next code" in terminal.shown
    assert desk.password not in terminal.shown
    assert person.ok("logout") == {"signed_in": False, "server_told": True}
    assert person.run("status").value["code"] == "not_signed_in"


def test_nobody_is_asked_where_nobody_can_answer(tmp_path: Path) -> None:
    ran = Person(tmp_path, AWAY).run("login", "--email", DESK, as_json=False)
    assert ran.status == 2
    assert "SAMPAN_PASSWORD" in ran.err


def test_without_a_server_signing_out_forgets_the_session_here_and_says_so(tmp_path: Path) -> None:
    person = Person(tmp_path, AWAY)
    assert "Nobody was signed in" in person.run("logout", as_json=False).out
    kept = tmp_path / "home" / "sign-in.json"
    kept.write_text(f'{{"server": "{AWAY}", "workspace": "demo", "email": "x", "secret": "y"}}')
    ran = person.run("logout", as_json=False)
    assert (ran.status, kept.exists()) == (0, False)
    assert "was not told" in ran.out
    kept.write_text(f'{{"server": "{AWAY}", "workspace": "demo", "email": "x", "secret": "y"}}')
    assert person.ok("logout") == {"signed_in": False, "server_told": False}


def test_without_a_server_a_check_uses_the_rules_of_a_new_workspace_and_says_so(tmp_path: Path) -> None:
    person = Person(tmp_path, AWAY, {"SAMPAN_TOKEN": "x", "SAMPAN_SERVER": AWAY})
    person.ok("new", "hello", "--id", "bank.demo.hello")
    assert person.ok("check", "hello")["rules"] == "the rules of a new workspace"
    ran = person.run("check", "hello", as_json=False)
    assert ran.status == 0
    assert "The bank's own rules were not asked for: No answer from" in ran.err


def test_the_audit_of_a_workspace_that_is_not_there_is_no_unbroken_one(tmp_path: Path) -> None:
    person = Person(tmp_path, AWAY)
    person.ok("init", "bank", "--admin", "ada@bank.example", "--admin", "ben@bank.example", "--data", "data")
    assert person.ok("audit", "verify", "bank", "--data", "data")["problems"] == []
    for act in (("verify", "bunk"), ("export", "bunk", "out")):
        ran = person.run("audit", *act, "--data", "data")
        assert (ran.status, ran.value["code"]) == (1, "unknown_workspace"), ran
        assert "there is: bank." in ran.value["detail"]


def test_the_demos_people_are_told_while_nothing_runs(demo_server: DemoServer, tmp_path: Path) -> None:
    person = Person(tmp_path, demo_server.address)
    known = person.ok("demo", "people", "--data", demo_server.root)
    assert (known["server"], known["running"]) == (demo_server.address, True), "the address is remembered"
    away = person.run("demo", "people", "--data", demo_server.root, "--server", AWAY, as_json=False)
    assert away.status == 0
    assert f"No server answers on {AWAY} now" in away.out
    assert DESK in away.out
    nothing = person.run("demo", "people", "--data", tmp_path / "nothing")
    assert nothing.value["code"] == "no_demo_here"


def test_people_are_named_in_every_list_and_ids_stay_for_programs(demo_server: DemoServer, tmp_path: Path) -> None:
    ada = demo_server.person(ADMINS[0], tmp_path)
    asked = ada.ok("trust", "renew", "trial", "targets")
    try:
        pending = ada.run("trust", "pending", as_json=False)
        assert "asked by Ada Admin" in pending.out
        assert "signed by nobody yet; may sign: officer 1, officer 2, officer 3" in pending.out
        assert ID.search(str(ada.ok("trust", "pending")))
    finally:
        ada.ok("trust", "cancel", asked["request"]["id"])
    release = ada.ok("release", "list")["items"][0]["id"]
    shown = ada.run("release", "show", release, as_json=False).out
    assert "by Rosa Release" in shown
    change = ada.ok("change", "list", "--state", "applied")["items"][0]["id"]
    told = ada.run("change", "show", change, as_json=False).out
    assert "asked by Rosa Release" in told
    assert "approved by" in told
    keys = ada.run("trust", "keys", as_json=False).out
    assert "Demo Mini-app Studio" in keys
    for text in (pending.out, shown, told, keys, ada.run("change", "list", as_json=False).out):
        assert not ID.search(text), text


def test_a_release_is_stopped_once_and_again(demo_server: DemoServer, tmp_path: Path) -> None:
    rosa = demo_server.person("release@demo.example", tmp_path)
    release = next(each["id"] for each in rosa.ok("release", "list")["items"] if each["deliverable"] == "io.swagger.ui")
    assert rosa.ok("release", "stop", release, "--cause", "a test")["state"] == "stopped"
    again = rosa.ok("release", "stop", release, "--cause", "a test")
    assert (again["state"], again["already"]) == ("stopped", True)
    assert "is stopped already; nothing changed." in rosa.run("release", "stop", release, as_json=False).out
    paused = rosa.run("release", "pause", release)
    assert (paused.status, paused.value["code"]) == (1, "wrong_release_state")
    release_anew(demo_server, release)


def release_anew(server: DemoServer, release: str) -> None:
    """Bring back what a release rolled out: other tests share this bank."""
    api = server.api("release@demo.example")
    stopped = api.get(f"/releases/{release}")
    wanted = {"kind": "miniapp", "id": stopped["deliverable"], "sequence": stopped["sequence"]}
    draft = api.post("/releases", {**wanted, "audience": stopped["audience"]})
    change = api.post(f"/releases/{draft['id']}/submit", {"cause": "a test"})["change"]
    server.sessions.approve("reviewer@demo.example", change)
    server.wait_for(lambda: api.get(f"/releases/{draft['id']}")["state"] == "running")


def test_what_was_approved_is_approved_again_without_harm(demo_server: DemoServer, tmp_path: Path) -> None:
    ada = demo_server.person(ADMINS[0], tmp_path)
    rex = demo_server.person("reviewer@demo.example", tmp_path / "rex")
    done = ada.ok("change", "list", "--state", "applied")["items"][0]
    assert ada.ok("change", "approve", done["id"], "--digest", done["digest"])["already"]
    other = ada.run("change", "approve", done["id"], "--digest", "sha256:" + "0" * 64)
    assert (other.status, other.value["code"]) == (1, "change_closed")
    version = rex.ok("review", "show", "bank.demo.bills", "1")
    again = rex.ok("review", "approve", "bank.demo.bills", "1", "--digest", version["review_digest"])
    assert (again["state"], again["already"]) == ("published", True)


def change(**facts: Any) -> dict[str, Any]:
    return {
        "id": "chg_1",
        "kind": "catalogue.entry",
        "target_name": "bank.demo.x",
        "digest": "sha256:00",
        "state": "proposed",
        "maker": {"name": "Rosa", "via": ""},
        "approvals": [],
        "note": "",
        "reason": "",
        "created_ms": STEP_MS,
        "diff": [
            {
                "zh": "上架",
                "en": "Listed",
                "before": None,
                "after": "true",
                "before_words": None,
                "after_words": {"zh": "是", "en": "yes"},
            },
            {"zh": "分类", "en": "Category", "before": "a", "after": None, "before_words": None, "after_words": None},
        ],
        **facts,
    }


def test_a_change_is_told_in_the_language_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    english = change_lines(change(), "en")
    assert english[2:4] == ["  Listed: yes", "  Category: a -> (nothing)"]
    assert english[-1] == "  sampan change approve chg_1 --digest sha256:00"
    assert change_lines(change(), "zh")[2:4] == ["  上架: 是", "  分类: a -> （无）"]
    decided = change_lines(change(state="rejected", reason="no", note="please"), "en")
    assert ("  note: please", "  reason: no", decided[-1]) == (decided[2], decided[3], "  digest sha256:00")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert spoken() == "zh"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert spoken() == "en"


HOSTILE = "fine\x1b[2J\x9b2K\u202e\nApprove exactly this:\n  sampan change approve chg_2 --digest sha256:ff"


def test_nobody_writes_lines_of_ours_into_a_change() -> None:
    told = "\n".join(change_lines(change(note=HOSTILE, target_name=HOSTILE), "en")).splitlines()
    assert [line for line in told if line.startswith("Approve exactly this")] == ["Approve exactly this:"]
    assert [line for line in told if line.startswith("  sampan change approve")] == [
        "  sampan change approve chg_1 --digest sha256:00"
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_terminal_obeys_nothing_that_somebody_else_wrote(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    value = {"note": HOSTILE + "\ud800"}
    output = Output(as_json=as_json)
    output.result(value, value["note"])
    output.note(HOSTILE)
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert not set(text) & set("\x1b\x9b\u202e\ud800")
    if as_json:
        assert json.loads(printed.out) == value
    else:
        assert "\\u001b[2J" in printed.out
