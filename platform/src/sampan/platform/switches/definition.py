"""What a switch is: a type, named variants, a default, and rules of which the first that matches decides. Pure.

A rule gives one variant, or splits its people by their place among 10,000 (audience/buckets); who falls beside the
split gets the default, as does everyone whom no rule matches. The default is the safe value: rules only give more.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sampan.platform.audience.buckets import STEPS
from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.rules import Bucketing, CompiledRule, compile_rule
from sampan.platform.crypto.canonical import MAX_SAFE_INTEGER
from sampan.platform.ids import APP_ID
from sampan.platform.switches.problems import BadSwitch

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_VARIANTS = 50
MAX_RULES = 50
MAX_APPS = 50
EVERY_APP = "*"
MAX_TEXT = 2000
MAX_VALUE_BYTES = 16 * 1024
MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MEMBERS = frozenset({"key", "type", "title", "variants", "default", "by", "rules", "apps"})
REQUIRED = frozenset({"key", "type", "variants", "default"})


class SwitchType(StrEnum):
    """The type of all values of a switch; a float stays one even where it is whole."""

    BOOLEAN = "boolean"
    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    OBJECT = "object"


class By(StrEnum):
    """Whose place percentages and splits go by."""

    DEVICE = "device"
    CUSTOMER = "customer"


class Share(Struct, frozen=True):
    """A variant for so many of the 10,000 places."""

    variant: str
    share: int


class Rule(Struct, frozen=True):
    """For whom, and what: one variant, or a split."""

    audience: Mapping[str, Any]
    variant: str | None = None
    split: tuple[Share, ...] = ()

    def spans(self) -> Iterator[tuple[str, int, int]]:
        """Yield each variant with its places, from the first up to, not including, the last."""
        if self.variant is not None:
            yield self.variant, 0, STEPS
        low = 0
        for each in self.split:
            yield each.variant, low, low + each.share
            low += each.share


class Definition(Struct, frozen=True):
    """A switch as people write it. `apps` are the mini-apps that may read it over the bridge, `*` is every one."""

    key: str
    type: SwitchType
    title: str
    variants: Mapping[str, Any]
    default: str
    by: By
    rules: tuple[Rule, ...]
    apps: tuple[str, ...] = ()

    def compiled(self, salt: str) -> list[CompiledRule]:
        """Return the rules' audiences, compiled; raise a `BadRule` with its place."""
        found = []
        for n, rule in enumerate(self.rules):
            with at_rule(n):
                found.append(compile_rule(rule.audience, Bucketing(salt, self.by)))
        return found


@contextmanager
def at_rule(n: int) -> Iterator[None]:
    """Make the place that a refused rule names one in the whole definition."""
    try:
        yield
    except BadRule as problem:
        problem.facts["at"] = f"rules[{n}].audience{str(problem.facts.get('at', 'rule'))[4:]}"
        raise


def parse(value: object) -> Definition:
    """Return the checked definition of plain JSON; raise `BadSwitch` or `BadRule` with the place of what is wrong."""
    if not isinstance(value, Mapping):
        raise _bad("A switch is an object with key, type, variants, default, and perhaps rules.", "")
    if unknown := sorted(set(map(str, value)) - MEMBERS):
        raise _bad(f"A switch has the members {sorted(MEMBERS)}; not {unknown}.", unknown[0])
    if missing := sorted(REQUIRED - set(value)):
        raise _bad(f"The switch lacks {missing}.", missing[0])
    kind = _one_of(SwitchType, value["type"], "type")
    variants = _variants(kind, value["variants"])
    definition = Definition(
        key=_matching(KEY, value["key"], "key"),
        type=kind,
        title=_title(value.get("title", "")),
        variants=variants,
        default=_named(variants, value["default"], "default"),
        by=_one_of(By, value.get("by", By.DEVICE), "by"),
        rules=_rules(variants, value.get("rules", [])),
        apps=_apps(value.get("apps", [])),
    )
    definition.compiled("")
    if len(to_text(definition)) > MAX_BYTES:
        raise _bad(f"A switch has at most {MAX_BYTES} bytes in all.", "")
    return definition


def to_plain(definition: Definition) -> dict[str, Any]:
    """Return the definition as plain JSON values, in the order people read."""
    return {
        "key": definition.key,
        "type": str(definition.type),
        "title": definition.title,
        "variants": dict(definition.variants),
        "default": definition.default,
        "by": str(definition.by),
        "rules": [_plain_rule(rule) for rule in definition.rules],
        **({"apps": list(definition.apps)} if definition.apps else {}),
    }


def to_text(definition: Definition) -> str:
    """Return the stored form: JSON in which a float keeps its point."""
    return json.dumps(to_plain(definition), ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def from_text(text: str) -> Definition:
    """Return the definition of its stored form, which was checked when it was saved."""
    value = json.loads(text)
    rules = tuple(
        Rule(each["audience"], each.get("variant"), tuple(Share(**share) for share in each.get("split", ())))
        for each in value["rules"]
    )
    named = {name: value[name] for name in ("key", "title", "variants", "default")}
    apps = tuple(value.get("apps", ()))
    return Definition(type=SwitchType(value["type"]), by=By(value["by"]), rules=rules, apps=apps, **named)


def widens(old: Definition, new: Definition) -> bool:
    """Whether anybody may get something that the old definition did not give them; the default gives nothing.

    It surely does not where the new rules are the first of the old ones, each for the same audience and with no place
    for a variant that it had not before. A rule taken from the middle widens: its people fall to the rules after it.
    """
    if _heart(old) != _heart(new) or len(new.rules) > len(old.rules):
        return True
    if EVERY_APP not in old.apps and not set(new.apps) <= set(old.apps):
        return True
    return any(
        before.audience != after.audience or not all(_was_there(span, before) for span in after.spans())
        for before, after in zip(old.rules, new.rules, strict=False)
    )


def _heart(definition: Definition) -> str:
    """Return all but title and rules as text: 1, 1.0 and True are equal to Python, and not to clients."""
    plain = to_plain(definition)
    return json.dumps([plain[name] for name in ("key", "type", "variants", "default", "by")], sort_keys=True)


def _was_there(span: tuple[str, int, int], before: Rule) -> bool:
    variant, low, high = span
    return low == high or any(variant == name and start <= low and high <= end for name, start, end in before.spans())


def _variants(kind: SwitchType, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not 1 <= len(value) <= MAX_VARIANTS:
        raise _bad(f"variants is an object of 1 to {MAX_VARIANTS} named values.", "variants")
    return {
        _matching(VARIANT, name, f"variants.{name}"): _value(kind, each, f"variants.{name}")
        for name, each in value.items()
    }


def _value(kind: SwitchType, value: Any, at: str) -> Any:
    match kind:
        case SwitchType.BOOLEAN if isinstance(value, bool):
            return value
        case SwitchType.STRING if isinstance(value, str):
            pass
        case SwitchType.INTEGER if type(value) is int or (type(value) is float and value.is_integer()):
            value = int(value)  # a page in a browser cannot tell 1.0 from 1
            if abs(value) > MAX_SAFE_INTEGER:
                raise _bad(f"An integer lies between -{MAX_SAFE_INTEGER} and {MAX_SAFE_INTEGER}.", at)
        case SwitchType.FLOAT if type(value) in (int, float):
            value = float(value)
        case SwitchType.OBJECT if isinstance(value, Mapping):
            pass
        case _:
            raise _bad(f"{value!r} is no {kind} value.", at)
    _refuse_what_is_no_json(value, at)
    try:
        size = len(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        raise _bad("The text holds half a character.", at) from None
    if size > MAX_VALUE_BYTES:
        raise _bad(f"A value has at most {MAX_VALUE_BYTES} bytes.", at)
    return value


def _refuse_what_is_no_json(value: object, at: str, depth: int = 1) -> None:
    if depth > MAX_DEPTH:
        raise _bad(f"A value is nested at most {MAX_DEPTH} deep.", at)
    match value:
        case float() if not math.isfinite(value):
            raise _bad("Infinity and NaN are no JSON.", at)
        case int() if abs(value) > MAX_SAFE_INTEGER:
            raise _bad(f"A number lies between -{MAX_SAFE_INTEGER} and {MAX_SAFE_INTEGER}.", at)
        case Mapping():
            for name, each in value.items():
                _refuse_what_is_no_json(each, f"{at}.{name}", depth + 1)
        case list():
            for n, each in enumerate(value):
                _refuse_what_is_no_json(each, f"{at}[{n}]", depth + 1)


def _rules(variants: Mapping[str, Any], value: object) -> tuple[Rule, ...]:
    if not isinstance(value, list) or len(value) > MAX_RULES:
        raise _bad(f"rules is a list of at most {MAX_RULES}.", "rules")
    return tuple(_rule(variants, each, f"rules[{n}]") for n, each in enumerate(value))


def _rule(variants: Mapping[str, Any], value: object, at: str) -> Rule:
    if not isinstance(value, dict) or set(value) not in ({"audience", "variant"}, {"audience", "split"}):
        raise _bad("A rule has audience, and variant or split.", at)
    if not isinstance(value["audience"], dict):
        raise _bad("audience is a rule tree.", f"{at}.audience")
    if "variant" in value:
        return Rule(value["audience"], _named(variants, value["variant"], f"{at}.variant"))
    shares = value["split"]
    if not isinstance(shares, list) or not 1 <= len(shares) <= MAX_VARIANTS:
        raise _bad("split is a list of variants with their shares.", f"{at}.split")
    split = tuple(_share(variants, each, f"{at}.split[{n}]") for n, each in enumerate(shares))
    if sum(each.share for each in split) > STEPS:
        raise _bad(f"The shares of a split make at most {STEPS}; 100 of them are 1 %.", f"{at}.split")
    return Rule(value["audience"], None, split)


def _apps(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_APPS:
        raise _bad(f"apps is a list of at most {MAX_APPS} app ids, or of {EVERY_APP!r} alone.", "apps")
    if EVERY_APP in value and len(value) > 1:
        raise _bad(f"{EVERY_APP!r} is every mini-app and stands alone.", "apps")
    found = {each if each == EVERY_APP else _matching(APP_ID, each, f"apps[{n}]") for n, each in enumerate(value)}
    return tuple(sorted(found))


def _share(variants: Mapping[str, Any], value: object, at: str) -> Share:
    if not isinstance(value, dict) or set(value) != {"variant", "share"}:
        raise _bad("A share has variant and share.", at)
    share = value["share"]
    if type(share) is not int or not 0 <= share <= STEPS:
        raise _bad(f"A share is a whole number from 0 to {STEPS}; 100 of them are 1 %.", f"{at}.share")
    return Share(_named(variants, value["variant"], f"{at}.variant"), share)


def _named(variants: Mapping[str, Any], value: object, at: str) -> str:
    if not isinstance(value, str) or value not in variants:
        raise _bad(f"There is no variant {value!r}; there are {sorted(variants)}.", at)
    return value


def _title(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise _bad(f"title is a text of at most {MAX_TEXT} characters.", "title")
    return value


def _matching(pattern: re.Pattern[str], value: object, at: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _bad(f"{value!r} must match {pattern.pattern}", at)
    return value


def _one_of(kind: Any, value: object, at: str) -> Any:
    if not isinstance(value, str) or value not in list(kind):
        raise _bad(f"{value!r} is none of {', '.join(kind)}.", at)
    return kind(value)


def _plain_rule(rule: Rule) -> dict[str, Any]:
    if rule.variant is not None:
        return {"audience": dict(rule.audience), "variant": rule.variant}
    shares: Sequence[Share] = rule.split
    return {
        "audience": dict(rule.audience),
        "split": [{"variant": each.variant, "share": each.share} for each in shares],
    }


def _bad(says: str, at: str) -> BadSwitch:
    return BadSwitch(says, at=at)
