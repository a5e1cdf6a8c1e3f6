"""Tiers and rules as people say them, in Chinese and English. Pure; a rule that was never checked is quoted."""

import json
from collections.abc import Mapping
from typing import Any

from sampan.platform.operators.change_rows import Words

TIERS: Mapping[str, Words] = {
    "visitor": Words("访客", "visitors"),
    "registered": Words("注册用户", "registered customers"),
    "e_account": Words("电子账户客户", "e-account customers"),
    "full": Words("全功能客户", "full customers"),
}
EVERYONE = Words("所有人", "everyone")
NOBODY = Words("无人", "nobody")


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
        case {"attr": str(name), "op": "in" | "not_in" as op, "values": list(values)}:
            return _condition(name, op, values)
    quoted = json.dumps(rule, ensure_ascii=False, sort_keys=True)
    return Words(quoted, quoted)


def _condition(name: str, op: str, values: list[Any]) -> Words:
    if name == "tier" and op == "in" and set(values) == set(TIERS):
        return EVERYONE
    said = [TIERS.get(str(each), Words(str(each), str(each))) for each in values]
    zh, en = "、".join(each.zh for each in said), " or ".join(each.en for each in said)
    if name != "tier":
        return Words(f"{name}{'为' if op == 'in' else '不为'}{zh}", f"{name} is {'' if op == 'in' else 'not '}{en}")
    return Words(zh, en) if op == "in" else Words(f"非{zh}", f"everyone but {en.replace(' or ', ' and ')}")


def _joined(parts: list[Any], zh: str, en: str) -> Words:
    said = [rule_words(part) for part in parts]
    if len(said) == 1:
        return said[0]
    return Words(zh.join(f"（{each.zh}）" for each in said), en.join(f"({each.en})" for each in said))
