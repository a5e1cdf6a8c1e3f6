"""A change request as people read it: who asks for what, each value in words, and how to decide."""

import os
from collections.abc import Mapping
from typing import Any

from sampan.platform.cli.output import lined, moment, said

Json = Mapping[str, Any]
NOTHING = {"zh": "（无）", "en": "(nothing)"}
EMPTY = {"zh": "（空）", "en": "(empty)"}


def change_lines(found: Json, language: str | None = None) -> list[str]:
    """Return the lines of a change request as `/changes/{id}` has it, in `zh` or `en`; else in the terminal's own."""
    language = language or spoken()
    maker = found["maker"]
    via = f", by the token {maker['via']}" if maker["via"] else ""
    lines = [
        f"{found['kind']}: {found['target_name']}",
        f"  {said(found['state'])}; asked by {maker['name']}{via}, {moment(found['created_ms'])}",
        *(f"  approved by {each['name']}, {moment(each['at_ms'])}" for each in found["approvals"]),
        *([f"  note: {found['note']}"] if found["note"] else []),
        *([f"  reason: {found['reason']}"] if found["reason"] else []),
        *(_line(line, language) for line in found["diff"]),
    ]
    lines = [lined([line]) for line in lines]
    if found["state"] == "proposed":
        lines += ["Approve exactly this:", f"  sampan change approve {found['id']} --digest {found['digest']}"]
    else:
        lines.append(f"  digest {found['digest']}")
    return lines


def spoken() -> str:
    """Return `zh` or `en`, by the terminal's locale."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if chosen.lower().startswith("zh") else "en"


def _line(line: Json, language: str) -> str:
    before, after = (_words(line, side, language) for side in ("before", "after"))
    if line["before"] is None or line["before"] == line["after"]:
        return f"  {line[language]}: {after}"
    return f"  {line[language]}: {before} -> {after}"


def _words(line: Json, side: str, language: str) -> str:
    if line[side] is None:
        return NOTHING[language]
    words = line[f"{side}_words"]
    return str(words[language] if words else line[side]) or EMPTY[language]
