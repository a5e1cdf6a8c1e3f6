"""The console says every attribute, operator and signal in words, and knows the reasons of looks: compared with it."""

import re
from pathlib import Path

from sampan.platform.audience.attributes import ATTRIBUTES
from sampan.platform.release.progress import Why
from sampan.platform.release.stages import Signal

TEXTS = Path(__file__).parents[2] / "console" / "src" / "i18n" / "texts"


def test_every_attribute_and_operator_has_words() -> None:
    words = _keys("rules")
    ops = {op for attribute in ATTRIBUTES.values() for op in attribute.ops}
    assert len(ops) > 10
    assert {f"attr_{name}" for name in ATTRIBUTES} - words == set()
    assert {f"op_{op}" for op in ops} - words == set()


def test_every_signal_and_every_reason_has_words() -> None:
    assert {f"signal_{signal}" for signal in Signal} - _keys("plan") == set()
    assert {f"why_{why}" for why in Why} - _keys("releases") == set()


def _keys(area: str) -> set[str]:
    return set(re.findall(r"^  (\w+): \[", (TEXTS / f"{area}.ts").read_text(), re.MULTILINE))
