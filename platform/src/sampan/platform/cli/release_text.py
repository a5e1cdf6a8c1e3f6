"""What happened to a release, told to people in the order of time."""

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.platform.cli.output import moment, said

NOT_BEGUN = ("draft", "submitted", "approved")
LOOKS = 5
"""So many looks of gates are shown, the last ones."""


def history_lines(found: Mapping[str, Any], looks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what people and gates did, the oldest first; states of a release in stages name theirs."""
    told = [(each["at_ms"], _state(found["stages"], each)) for each in found["history"]]
    told += [(each["at_ms"], _look(each)) for each in looks[-LOOKS:]]
    return [f"  {moment(at_ms)}  {text}" for at_ms, text in sorted(told, key=lambda each: each[0])]


def _state(stages: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> str:
    number = entry["stage"]
    is_at_stage = len(stages) > 1 and entry["state"] not in NOT_BEGUN
    stage = f", stage {number + 1} “{stages[number]['name']}”" if is_at_stage else ""
    cause = f": {entry['cause']}" if entry["cause"] else ""
    return f"{said(entry['state'])}{stage} by {entry['by']}{cause}"


def _look(look: Mapping[str, Any]) -> str:
    return f"{look['failures']} of {look['devices']} devices failed, {look['most']} may: {said(look['why'])}"
