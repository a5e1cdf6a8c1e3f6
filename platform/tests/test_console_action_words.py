"""The console says every act of the audit in words: its texts and the program's actions are compared."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXTS = ROOT / "console" / "src" / "i18n" / "texts" / "actions.ts"
# Made of parts: the states of a release, the requests about a mini-app's list of versions, how a change ends.
MADE = {
    *(f"release.{state}" for state in ("created", "submitted", "approved", "running", "paused", "stopped")),
    *(f"app.{kind}{end}" for kind in ("renewal", "archive") for end in ("", "_approve", "_reject", "_withdraw")),
    *(f"app.hotfix{end}" for end in ("_approve", "_reject")),
    *(f"change.{end}" for end in ("apply", "reject", "withdraw", "stale")),
}


def test_every_act_has_words() -> None:
    words = set(re.findall(r"^  (\w+): \[", TEXTS.read_text(), re.MULTILINE))
    acts = set(_recorded()) | MADE
    assert len(acts) > 60
    assert sorted(act for act in acts if act.replace(".", "_") not in words) == []


def _recorded() -> Iterator[str]:
    for path in ROOT.glob("*/src/sampan/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _is_record(node.func) and len(node.args) > 2:
                action = node.args[2]
                if isinstance(action, ast.Constant) and isinstance(action.value, str):
                    yield action.value


def _is_record(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name == "record"
