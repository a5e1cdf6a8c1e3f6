"""What differs between two definitions of a switch, line by line, for approvers and in the history. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from sampan.platform.audience.words import rule_words
from sampan.platform.operators.change_rows import DiffLine, Words
from sampan.platform.switches.definition import Definition, Rule

STATES = {
    "draft": Words("草稿", "draft"),
    "active": Words("生效", "active"),
    "archived": Words("已归档", "archived"),
    "proposed": Words("已提议", "proposed"),
}


def differences(old: Definition | None, new: Definition, *, key: str = "") -> list[DiffLine]:
    """Return the lines in which `new` differs; all of them when there is no old one. `key` leads each line."""
    return [
        DiffLine(f"{key} {line.zh}".strip(), f"{key} {line.en}".strip(), line.before, line.after, line.words)
        for line in _lines(old, new)
    ]


def _lines(old: Definition | None, new: Definition) -> Iterator[DiffLine]:
    if old is None:
        yield DiffLine("类型", "Type", None, str(new.type))
    elif old.type != new.type:
        yield DiffLine("类型", "Type", str(old.type), str(new.type))
    for zh, en, name in (
        ("标题", "Title", "title"),
        ("默认取值", "Default", "default"),
        ("分桶依据", "Places by", "by"),
    ):
        before, after = str(getattr(old, name)) if old else None, str(getattr(new, name))
        if before != after and (before or after):
            yield DiffLine(zh, en, before, after)
    readers = (" ".join(old.apps) or None) if old else None, " ".join(new.apps) or None
    if readers[0] != readers[1]:
        yield DiffLine("可读取的小程序", "Read by mini-apps", *readers)
    names = [*(old.variants if old else ()), *(name for name in new.variants if not old or name not in old.variants)]
    for name in names:
        was, will = _value(old, name), _value(new, name)
        if was != will:
            yield DiffLine(f"取值 {name}", f"Variant {name}", was, will)
    yield from _rules(old.rules if old else (), new.rules)


def _rules(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> Iterator[DiffLine]:
    for n in range(max(len(old), len(new))):
        before, after = (_rule(rules[n]) if n < len(rules) else None for rules in (old, new))
        if before != after:
            words = {text: _words(rules[n]) for text, rules in ((before, old), (after, new)) if text is not None}
            yield DiffLine(f"规则 {n + 1}", f"Rule {n + 1}", before, after, words)


def _value(definition: Definition | None, name: str) -> str | None:
    if definition is None or name not in definition.variants:
        return None
    return _text(definition.variants[name])


def _rule(rule: Rule) -> str:
    split = [[each.variant, each.share] for each in rule.split]
    return _text({"audience": dict(rule.audience), **({"split": split} if split else {"variant": rule.variant})})


def _words(rule: Rule) -> Words:
    who = rule_words(dict(rule.audience))
    if rule.variant is not None:
        return Words(f"{who.zh}：{rule.variant}", f"{who.en}: {rule.variant}")
    zh = "、".join(f"{each.variant} {each.share / 100:g}%" for each in rule.split)
    en = ", ".join(f"{each.variant} {each.share / 100:g}%" for each in rule.split)
    return Words(f"{who.zh}：{zh}", f"{who.en}: {en}")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
