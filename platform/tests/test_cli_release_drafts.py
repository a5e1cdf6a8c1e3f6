"""`sampan release`: a draft is limited, checked, changed and submitted; a release goes back to any earlier version."""

from pathlib import Path
from typing import Any

import pytest

from sampan.platform.testing_cli import DemoServer, Person

APP = "bank.demo.bills"


@pytest.fixture
def maker(demo_server: DemoServer, tmp_path: Path) -> Person:
    return demo_server.person("release@demo.example", tmp_path / "maker")


@pytest.fixture
def checker(demo_server: DemoServer, tmp_path: Path) -> Person:
    return demo_server.person("reviewer@demo.example", tmp_path / "checker")


def test_a_draft_from_its_limit_to_its_approval(maker: Person, checker: Person) -> None:
    limit = ("--customers", "50", "--until", "2099-01-01T00:00:00+08:00")
    draft = maker.ok("release", "create", APP, "1", "--tier", "full", *limit, "--no-submit")["release"]
    found = maker.ok("release", "edit", draft, "--customers", "20", "--update", "sync")
    assert (found["cap"], found["update_mode"]) == ({"customers": 20, "until_ms": None}, "sync")
    checked = maker.ok("release", "check", draft)
    assert checked["conflicts"] == []
    assert "Nothing speaks against it" not in maker.run("release", "check", draft, as_json=False).out
    asked = maker.ok("release", "submit", draft, "--note", "as agreed")
    shown = checker.run("change", "show", asked["change"], as_json=False)
    assert "at most 20 customers" in shown.out
    checker.ok("change", "approve", asked["change"], "--digest", asked["digest"])
    assert "0 of 20 places taken" in maker.run("release", "show", draft, as_json=False).out
    refused = maker.run("release", "edit", draft, "--customers", "30")
    assert (refused.status, refused.value["code"]) == (1, "wrong_release_state")
    _conflicts(maker)
    backwards = maker.run("release", "rollback", draft, "--to", "1", "--cause", "no")
    assert (backwards.status, backwards.value["code"]) == (1, "no_rollback_target")
    maker.ok("release", "stop", draft, "--cause", "the test is over")


def _conflicts(maker: Person) -> None:
    """While the limited release runs, a second partial one for the same customers is refused."""
    refused = maker.run("release", "create", APP, "1", "--tier", "full", "--percent", "10", "--percent", "100")
    assert (refused.status, refused.value["code"]) == (1, "release_conflict")
    assert "both may mean the same devices" in refused.value["detail"]
    assert [each["code"] for each in refused.value["conflicts"]] == ["overlapping_release"]
    left = refused.value["release"]
    assert f"`sampan release submit {left}`" in refused.value["detail"]
    assert maker.ok("release", "show", left)["state"] == "draft"


def test_a_time_without_a_number_is_refused(maker: Person) -> None:
    refused = maker.run("release", "create", APP, "1", "--tier", "full", "--until", "2099-01-01T00:00:00+08:00")
    assert (refused.status, refused.value["code"]) == (1, "bad_plan")


def test_whom_a_release_means(maker: Person) -> None:
    maker.ok("tag", "create", "friends", "--title", "Friends")
    (maker.folder / "rule.json").write_text('{"attr": "region", "op": "in", "values": ["CN-31"]}')
    (maker.folder / "plan.json").write_text(
        '[{"name": "testers", "basis_points": 1000, "advance": "auto", "min_minutes": 120, "gate": {}},'
        ' {"name": "all", "basis_points": 10000}]'
    )

    def made(*options: str) -> dict[str, Any]:
        draft = maker.ok("release", "create", APP, "1", *options, "--no-submit")["release"]
        found: dict[str, Any] = maker.ok("release", "show", draft)
        return found

    tag = {"attr": "tag", "op": "in", "values": ["friends"]}
    by_tag = made("--tag", "friends", "--percent", "10", "--percent", "100", "--healthy", "1.5")
    assert by_tag["audience"] == tag
    assert [(each["gate"] or {}).get("most_basis_points") for each in by_tag["stages"]] == [150, None]
    both = made("--tier", "full", "--tag", "friends", "--audience", "rule.json", "--plan", "plan.json")
    assert [each["attr"] for each in both["audience"]["all"]] == ["tier", "tag", "region"]
    assert [each["name"] for each in both["stages"]] == ["testers", "all"]
    edited = maker.ok("release", "edit", both["id"], "--tag", "friends")
    assert edited["audience"] == tag
    for options, code in (
        ((), "audience_needed"),
        (("--audience", "Nobody"), "audience_unknown"),
        (("--tier", "full", "--healthy", "1"), "bad_plan"),
    ):
        refused = maker.run("release", "create", APP, "1", *options)
        assert (refused.status, refused.value["code"]) == (1, code)
