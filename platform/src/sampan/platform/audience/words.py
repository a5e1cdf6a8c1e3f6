"""Tiers and rules as people say them, in Chinese and English. Pure; a rule that was never checked is quoted."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sampan.platform.audience.attributes import ATTRIBUTES, parse_moment
from sampan.platform.errors import Invalid
from sampan.platform.operators.change_rows import Words

TIERS: Mapping[str, Words] = {
    "visitor": Words("访客", "visitors"),
    "registered": Words("注册用户", "registered customers"),
    "e_account": Words("电子账户客户", "e-account customers"),
    "full": Words("全功能客户", "full customers"),
}
EVERYONE = Words("所有人", "everyone")
NOBODY = Words("无人", "nobody")
SHOWN = 10
OPS: Mapping[str, Words] = {
    "in": Words("为", "is"),
    "not_in": Words("不为", "is not"),
    "at_least": Words("不低于", "is at least"),
    "below": Words("低于", "is below"),
    "between": Words("介于", "is between"),
    "matches": Words("符合", "matches"),
    "not_matches": Words("不符合", "does not match"),
    "has_all": Words("同时包含", "has all of"),
    "starts_with": Words("开头为", "starts with"),
    "not_starts_with": Words("开头不为", "does not start with"),
    "ends_with": Words("结尾为", "ends with"),
    "not_ends_with": Words("结尾不为", "does not end with"),
    "contains": Words("包含", "contains"),
    "not_contains": Words("不包含", "does not contain"),
}
OF_TAGS = {
    "in": Words("有标签", "tagged"),
    "not_in": Words("没有标签", "not tagged"),
    "has_all": Words("同时有标签", "tagged with all of"),
}
OF_TIMES = {"at_least": Words("不早于", "is not before"), "below": Words("早于", "is before")}


def rule_words(rule: Any) -> Words:
    """Return the sentence of a rule, such as "visitors or full customers"."""
    match rule:
        case {"all": []} | {"not": {"any": []}}:
            return EVERYONE
        case {"any": []} | {"not": {"all": []}}:
            return NOBODY
        case {"all": list(parts)}:
            return _joined(parts, "且", " and ")
        case {"any": list(parts)}:
            return _joined(parts, "或", " or ")
        case {"not": part}:
            said = rule_words(part)
            return Words(f"非（{said.zh}）", f"not ({said.en})")
        case {"attr": str(name), "op": str(op), "values": list(values)} if name in ATTRIBUTES and op in OPS:
            with suppress(Invalid, KeyError, TypeError, ValueError):  # of a rule that was never checked
                return _condition(name, op, values)
    quoted = json.dumps(rule, ensure_ascii=False, sort_keys=True)
    return Words(quoted, quoted)


def _condition(name: str, op: str, values: list[Any]) -> Words:
    if name == "tier":
        return _tier(op, values)
    if name == "percentage":
        return _percentage(values)
    attribute = ATTRIBUTES[name]
    is_time = name in ("time", "first_seen")
    said = [_time(value) if is_time else str(value) for value in values]
    if is_time and len(said) == 2:
        return Words(
            f"{attribute.zh}自{said[0]}起、早于{said[1]}", f"{attribute.en} is from {said[0]} to before {said[1]}"
        )
    words = OF_TAGS[op] if name == "tag" else OF_TIMES[op] if is_time else OPS[op]
    zh, en = (
        _listed(said, "、", "等{}个"),
        _listed(said, " or " if op != "has_all" else " and ", " and so on, {} in all"),
    )
    if name == "tag":
        return Words(f"{words.zh}{zh}", f"{words.en} {en}")
    return Words(f"{attribute.zh}{words.zh}{zh}", f"{attribute.en} {words.en} {en}")


def _tier(op: str, values: list[Any]) -> Words:
    if op == "in" and set(values) == set(TIERS):
        return EVERYONE
    said = [TIERS.get(str(each), Words(str(each), str(each))) for each in values]
    zh, en = "、".join(each.zh for each in said), " or ".join(each.en for each in said)
    match op:
        case "in":
            return Words(zh, en)
        case "not_in":
            return Words(f"非{zh}", f"everyone but {en.replace(' or ', ' and ')}")
        case "at_least":
            return Words(f"{zh}及以上", f"{en} and above")
    return Words(f"低于{zh}", f"those below {en}")


def _percentage(values: list[Any]) -> Words:
    low, high = (0, values[0]) if len(values) == 1 else values
    share, place = f"{(high - low) / 100:g}%", f"{low / 100:g}%–{high / 100:g}%"
    if low == 0:
        return Words(share, f"{share} of them")
    return Words(f"{share}（{place}）", f"{share} of them ({place})")


def _time(value: Any) -> str:
    return f"{datetime.fromtimestamp(parse_moment(value) / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _listed(said: list[str], between: str, more: str) -> str:
    shown = between.join(said[:SHOWN])
    return shown if len(said) <= SHOWN else shown + more.format(len(said))


def _joined(parts: list[Any], zh: str, en: str) -> Words:
    said = [rule_words(part) for part in parts]
    if len(said) == 1:
        return said[0]
    return Words(zh.join(f"（{each.zh}）" for each in said), en.join(f"({each.en})" for each in said))
