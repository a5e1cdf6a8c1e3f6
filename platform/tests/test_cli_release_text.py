"""What happened to a release, as `sampan release show` tells it."""

from typing import Any

from sampan.platform.cli.output import moment
from sampan.platform.cli.release_text import history_lines

MINUTE = 60_000
STAGES = [{"name": "10 %"}, {"name": "all"}]


def entry(minute: int, state: str, stage: int = 0, cause: str = "") -> dict[str, Any]:
    return {"at_ms": minute * MINUTE, "state": state, "stage": stage, "by": "opr_1", "cause": cause}


def look(minute: int, why: str = "too_early") -> dict[str, Any]:
    return {"at_ms": minute * MINUTE, "failures": 0, "devices": 3, "most": 1, "why": why}


def texts(found: dict[str, Any], looks: list[dict[str, Any]]) -> list[str]:
    """Return what is said of each minute, by that minute."""
    return [each.split("  ")[2] for each in history_lines(found, looks)]


def test_gates_and_people_stand_in_the_order_of_time_and_a_move_names_its_stage() -> None:
    history = [
        entry(1, "draft"), entry(2, "submitted", cause="as agreed"), entry(3, "running"), entry(6, "running", 1),
        entry(8, "stopped", 1, "wrong fees"),
    ]  # fmt: skip
    lines = history_lines({"stages": STAGES, "history": history}, [look(4), look(5, "passed"), look(7)])
    assert [each.split("  ")[1] for each in lines] == [moment(minute * MINUTE) for minute in range(1, 9)]
    assert [each.split("  ")[2] for each in lines] == [
        "draft by opr_1",
        "submitted by opr_1: as agreed",
        "running, stage 1 “10 %” by opr_1",
        "0 of 3 devices failed, 1 may: too early",
        "0 of 3 devices failed, 1 may: passed",
        "running, stage 2 “all” by opr_1",
        "0 of 3 devices failed, 1 may: too early",
        "stopped, stage 2 “all” by opr_1: wrong fees",
    ]


def test_a_release_for_everybody_at_once_names_no_stage_and_only_the_last_looks_are_shown() -> None:
    found = {"stages": STAGES[1:], "history": [entry(1, "running")]}
    assert texts(found, []) == ["running by opr_1"]
    assert len(texts(found, [look(minute) for minute in range(2, 20)])) == 6
