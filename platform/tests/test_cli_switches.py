"""`sampan switch` against a real server: made, given to some, taken back, exported and imported."""

import json
from pathlib import Path

import httpx2
import pytest

from sampan.platform.testing_cli import DemoServer, Person

KEY = "transfer.new-look"


@pytest.fixture
def maker(demo_server: DemoServer, tmp_path: Path) -> Person:
    return demo_server.person("release@demo.example", tmp_path / "maker")


@pytest.fixture
def checker(demo_server: DemoServer, tmp_path: Path) -> Person:
    return demo_server.person("reviewer@demo.example", tmp_path / "checker")


def value(server: DemoServer, tier: str) -> object:
    """Return what a device of this tier gets, None for nothing."""
    asked = {"tier": tier, "client_app": "retail"}
    token = httpx2.post(f"{server.address}/client/v1/demo/token", json=asked, trust_env=False).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.post(
        f"{server.address}/ofrep/v1/evaluate/flags/{KEY}", json={}, headers=headers, trust_env=False
    ).json()
    return answer.get("value")


def test_switches_from_the_command_line(demo_server: DemoServer, maker: Person, checker: Person) -> None:
    asked = maker.ok("switch", "set", KEY, "--give", "on", "--tier", "full", "--activate", "--note", "new look")
    assert asked["state"] == "draft"
    assert value(demo_server, "full") is None
    shown = checker.run("change", "show", asked["change"], as_json=False)
    assert KEY in shown.out
    assert "full customers: on" in shown.out
    checker.ok("change", "approve", asked["change"], "--digest", asked["digest"])
    demo_server.wait_for(lambda: value(demo_server, "full") is True)
    assert value(demo_server, "visitor") is False
    text = maker.run("switch", "show", KEY, as_json=False).out
    assert "full customers: on" in text
    assert "new look" in text
    narrower = maker.ok("switch", "set", KEY, "--give", "on", "--tier", "full", "--percent", "0")
    assert (narrower["change"], narrower["edition"]) == (None, 3)
    assert maker.ok("switch", "off", KEY, "--cause", "trouble")["definition"]["rules"] == []
    maker.ok("switch", "export", "--out", "switches.json")
    file = maker.folder / "switches.json"
    assert maker.ok("switch", "import", file)["done"][KEY] == "unchanged"
    again = json.loads(file.read_text())
    again["switches"] = [each for each in again["switches"] if each["key"] == KEY]
    again["switches"][0]["rules"] = [{"audience": {"all": []}, "variant": "on"}]
    file.write_text(json.dumps(again))
    assert maker.ok("switch", "import", file)["change"]
    file.write_text("no json")
    refused = maker.run("switch", "import", file)
    assert (refused.status, refused.value["code"]) == (1, "bad_switch_file")
    assert maker.ok("switch", "archive", KEY)["state"] == "archived"
    assert maker.ok("switch", "archive", KEY)["state"] == "archived"
    assert KEY in [each["key"] for each in maker.ok("switch", "list", "--state", "archived")["items"]]


def test_an_edition_and_an_upgrade_are_proposed_and_released(
    demo_server: DemoServer, maker: Person, checker: Person
) -> None:
    key = "released.by-hand"
    asked = maker.ok("switch", "set", key, "--activate")
    checker.ok("change", "approve", asked["change"], "--digest", asked["digest"])
    made = maker.ok("switch", "propose", key, "--give", "on", "--note", "pilot")
    tiers = [word for tier in ("visitor", "registered", "e_account", "full") for word in ("--tier", tier)]
    plan = ("--kind", "switch", "--percent", "10", "--percent", "100")
    asked = maker.ok("release", "create", key, str(made["edition"]), *tiers, *plan)
    checker.ok("change", "approve", asked["change"], "--digest", asked["digest"])
    assert maker.ok("release", "show", asked["release"])["state"] == "running"
    told = maker.run("release", "complete", asked["release"], as_json=False).out
    assert f"edition {made['edition']} to 10 % of " in told
    assert f"instead, edition {made['edition']} to 10 % of " in maker.run("switch", "show", key, as_json=False).out
    assert maker.ok("switch", "show", key)["edition"] < made["edition"], "only a stage of all makes it everybody's"

    said = ("--zh", "\u65b0", "--en", "new")
    words = ("app-upgrade", "set", "retail", "77", "--version", "7.7.0", "--url", "https://example.com/app", *said)
    assert maker.ok(*words)["mode"] == "reminder"
    assert maker.ok(*words, "--forced")["mode"] == "forced"
    assert "https://example.com/app" in maker.run("app-upgrade", "list", "retail", as_json=False).out
    maker.ok("app-upgrade", "remove", "retail", "77")
    assert 77 not in [each["build"] for each in maker.ok("app-upgrade", "list", "retail")["items"]]
