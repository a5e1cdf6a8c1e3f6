"""Hotfixes told to people, line by line."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sampan.platform.cli.output import moment, said

SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def line(found: Mapping[str, Any]) -> str:
    """Return a hotfix in one line."""
    title = f"  {found['title']}" if found["title"] else ""
    on = f"  on {', '.join(map(str, found['on']))}" if found["on"] else ""
    given = "".join(f"  release {said(each['state'])}" for each in found["releases"][:1])
    devices = f"runs on {found['devices']} device{'' if found['devices'] == 1 else 's'}"
    return f"{found['n']}  {said(found['state'])}{title}{on}  {found['bytes']:,} bytes{given}  {devices}"


def waiting_hotfixes(groups: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return which hotfixes the overview says wait for this reviewer, and how many more there are."""
    found: list[dict[str, Any]] = []
    count = 0
    for group in groups:
        if group["kind"] == "hotfix_waiting":
            count += group["count"]
            parts = [
                each["link"].split("/") for each in group["matters"]
            ]  # /apps/<id>/versions/<sequence>/hotfixes/<n>
            found += [{"app": each[2], "sequence": int(each[4]), "n": int(each[6])} for each in parts]
    return found, count - len(found)


def detail(found: Mapping[str, Any], diffs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a hotfix with what it changes in each file."""
    name = f"hotfix {found['n']} of {found['app']}, sequence {found['sequence']}"
    lines = [f"{name}: {said(found['state'])}", *([found["title"]] if found["title"] else [])]
    lines += [f"sent in by     {found['submitted_by']}, {moment(found['submitted_ms'])}"]
    lines += [f"applied        {' + '.join(map(str, found['stack']))}"] if found["stack"] else []
    lines += [f"gives package  {found['digest']}", f"review digest  {found['review_digest']}"]
    if found["dependents"]:
        lines.append(f"falling with it: {', '.join(map(str, found['dependents']))}")
    if (withdrawn := found["withdrawn"]) is not None:
        lines.append(f"withdrawn by {withdrawn['by']}, {moment(withdrawn['at_ms'])}: {withdrawn['cause']}")
    lines += [f"release {each['id']} is {said(each['state'])}" for each in found["releases"]]
    for each in found["findings"]:
        place = f" ({each['file']}:{each['line']})" if each["file"] else ""
        lines.append(f"{each['severity']}: {each['message']}{place}")
    for change, diff in zip(found["changes"], diffs, strict=True):
        lines += [f"{SIGNS[change['change']]} {change['path']}", *_diff(diff)]
    return lines


def _operation(operation: Mapping[str, Any], taken: str | None) -> list[str]:
    """Return an operation, and below it the value that it removes or replaces, on one line."""
    was = [] if taken is None else [f"      was {json.dumps(json.loads(taken), ensure_ascii=False)}"]
    return [f"    {json.dumps(operation, ensure_ascii=False)}", *was]


def _diff(found: Mapping[str, Any]) -> list[str]:
    if found["patch"] is not None:
        return [line for pair in zip(found["patch"], found["taken"], strict=True) for line in _operation(*pair)]
    if found["refusal"]:
        return [f"    {said(found['refusal'])}"]
    lines = [f"    {SIGNS.get(each['change'], ' ')} {each['text']}" for each in found["lines"]]
    return [*lines, "    (and more)"] if found["is_cut"] else lines
