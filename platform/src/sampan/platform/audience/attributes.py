"""The attributes that rules may look at: who says them, who may see them, which operators they take.

A `server` attribute comes from the token and the server's own state alone; a `claimed` one is what a client says of
itself. `privacy` decides who sees a value in an explanation.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sampan.platform.audience import conditions
from sampan.platform.audience.buckets import STEPS, Buckets
from sampan.platform.audience.conditions import Tests, fact
from sampan.platform.audience.facts import Facts, first_seen_ms
from sampan.platform.audience.problems import RuleValueInvalid
from sampan.platform.audience.versions import FIRST, Key, Span, parse_range, parse_version
from sampan.platform.identity.tiers import Tier

MAX_VALUES = 1000
MAX_TEXT = 200
MAX_MOMENT_MS = 2**53 - 1
TAG_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LANGUAGE = re.compile(r"\*|[a-z]{1,8}(-[a-z0-9]{1,8}){0,8}")
_ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{32}")


class Source(StrEnum):
    """Who says the value."""

    SERVER = "server"
    CLAIMED = "claimed"


class Privacy(StrEnum):
    """Who may see the value; see docs/operations/audiences.md."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"


class Bucketing(Struct, frozen=True):
    """How a rule's percentages are drawn: under which salt, by device or by customer, in how many steps."""

    salt: str = ""
    by: str = "device"
    steps: int = STEPS


class Form(Struct, frozen=True):
    """What the values of an operator are: their JSON Schema, how many, and what builds the tests from them.

    `build` takes the values as parsed by `parse`, each at its place, and the rule's bucketing.
    """

    item: Mapping[str, Any]
    parse: Callable[[Any], Any]
    build: Callable[[Sequence[Any], Bucketing], Tests]
    least: int = 1
    most: int = MAX_VALUES


class Attribute(Struct, frozen=True):
    """An attribute; `seen` gives the value for an explanation, None when it is not known."""

    name: str
    source: Source
    privacy: Privacy
    zh: str
    en: str
    ops: Mapping[str, Form]
    seen: Callable[[Facts], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise RuleValueInvalid(f"A value has 1 to {MAX_TEXT} printable characters; here: {value!r}.")
    return value


def _folded(value: Any) -> str:
    return _text(value).lower()


def _tag(value: Any) -> str:
    if not isinstance(value, str) or TAG_NAME.fullmatch(value) is None:
        raise RuleValueInvalid(f"{value!r} is not the name of a tag.")
    return value


def _id(value: Any) -> str:
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise RuleValueInvalid(f"{value!r} is not an id such as cus_0192f0c8a7b47c0e9d3f5a6b7c8d9e0f.")
    return value


def _language(value: Any) -> str:
    if _LANGUAGE.fullmatch(text := _folded(value)) is None:
        raise RuleValueInvalid(f"{value!r} is not a language such as zh or en-GB.")
    return text


def _place(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= STEPS:
        raise RuleValueInvalid(f"A place is a whole number from 0 to {STEPS}; 100 of them are 1 %.")
    return value


def parse_moment(value: Any) -> int:
    """Return milliseconds since the epoch of a number or of an RFC 3339 text with its zone."""
    if type(value) is int and 0 <= value <= MAX_MOMENT_MS:
        return value
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.timestamp() < 0:
        raise RuleValueInvalid(f"{value!r} is not a time such as 2026-11-22T09:00:00+08:00, nor milliseconds.")
    return round(moment.timestamp() * 1000)


TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
TIERS = {"enum": [tier.label for tier in Tier]}
ID = {"type": "string", "pattern": f"^{_ID.pattern}$"}
TAG = {"type": "string", "pattern": f"^{TAG_NAME.pattern}$"}
PLACE = {"type": "integer", "minimum": 0, "maximum": STEPS}
MOMENT = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_MOMENT_MS}, {"type": "string", "format": "date-time"}]
}
VERSION = {"type": "string", "minLength": 1, "maxLength": 64}
RANGE = {"type": "string", "minLength": 1, "maxLength": 200}


def _membership(name: str, item: Mapping[str, Any], parse: Callable[[Any], Any], unknown: Any = "") -> dict[str, Form]:
    of = fact(name)

    def inside(values: Sequence[Any], _bucketing: Bucketing) -> Tests:
        return conditions.one_of(of, frozenset(values), unknown)

    return _with_opposite("in", "not_in", Form(item, parse, inside))


def _with_opposite(op: str, opposite: str, form: Form) -> dict[str, Form]:
    def turned(values: Sequence[Any], bucketing: Bucketing) -> Tests:
        return form.build(values, bucketing).opposite()

    return {op: form, opposite: Form(form.item, form.parse, turned, form.least, form.most)}


def _texts(name: str) -> dict[str, Form]:
    of = fact(name)

    def by(method: str) -> Form:
        def build(values: Sequence[str], _bucketing: Bucketing) -> Tests:
            if method == "contains":
                return conditions.tested(of, lambda text: any(value in text for value in values), "")
            ends = tuple(values)
            if method == "starts_with":
                return conditions.tested(of, lambda text: text.startswith(ends), "")
            return conditions.tested(of, lambda text: text.endswith(ends), "")

        return Form(TEXT, _folded, build)

    ops = _membership(name, TEXT, _folded)
    for method in ("starts_with", "ends_with", "contains"):
        ops |= _with_opposite(method, f"not_{method}", by(method))
    return ops


def _versions(name: str) -> dict[str, Form]:
    of = fact(name)

    def spans(values: Sequence[tuple[Span, ...]], _bucketing: Bucketing) -> Tests:
        return conditions.in_spans(of, tuple(span for value in values for span in value))

    def exact(value: Any) -> tuple[Span, ...]:
        key = parse_version(value)
        return ((key, (*key[:4], (*key[4], (0, 0, "")))),)

    def from_(value: Any) -> tuple[Span, ...]:
        return ((parse_version(value), None),)

    def below(value: Any) -> tuple[Span, ...]:
        key: Key = parse_version(value)
        return ((FIRST, key),)

    return {
        **_with_opposite("in", "not_in", Form(VERSION, exact, spans)),
        **_with_opposite("matches", "not_matches", Form(RANGE, parse_range, spans, most=50)),
        "at_least": Form(VERSION, from_, spans, most=1),
        "below": Form(VERSION, below, spans, most=1),
    }


def _moments(of: Callable[[Facts], int | None]) -> dict[str, Form]:
    def from_(values: Sequence[int], _bucketing: Bucketing) -> Tests:
        return conditions.tested(of, lambda moment: moment >= values[0], None)

    def below(values: Sequence[int], _bucketing: Bucketing) -> Tests:
        return conditions.tested(of, lambda moment: moment < values[0], None)

    def between(values: Sequence[int], _bucketing: Bucketing) -> Tests:
        low, high = _rising(values)
        return conditions.tested(of, lambda moment: low <= moment < high, None)

    return {
        "at_least": Form(MOMENT, parse_moment, from_, most=1),
        "below": Form(MOMENT, parse_moment, below, most=1),
        "between": Form(MOMENT, parse_moment, between, least=2, most=2),
    }


def _rising(values: Sequence[int]) -> tuple[int, int]:
    low, high = values
    if low >= high:
        raise RuleValueInvalid("between takes the first value that belongs and the first that no longer does.")
    return low, high


def _percentage() -> dict[str, Form]:
    def between(values: Sequence[int], bucketing: Bucketing) -> Tests:
        low, high = _rising(values)
        return _bucket(bucketing, low, high)

    def below(values: Sequence[int], bucketing: Bucketing) -> Tests:
        return _bucket(bucketing, 0, values[0])

    return {
        "below": Form(PLACE, _place, below, most=1),
        "between": Form(PLACE, _place, between, least=2, most=2),
    }


def _bucket(bucketing: Bucketing, low: int, high: int) -> Tests:
    return conditions.bucket_between(bucketing.by, Buckets(bucketing.salt, bucketing.steps), low, high)


def _tiers(values: Sequence[Tier], _bucketing: Bucketing) -> Tests:
    holds = tuple(tier in values for tier in Tier)  # by number: an enumeration's hash costs more than the whole test
    fails = tuple(not each for each in holds)
    return Tests(lambda facts: holds[facts.tier], lambda facts: fails[facts.tier])


def _tier_from(values: Sequence[Tier], _bucketing: Bucketing) -> Tests:
    least = values[0]
    return Tests(lambda facts: facts.tier >= least, lambda facts: facts.tier < least)


def _tier_below(values: Sequence[Tier], bucketing: Bucketing) -> Tests:
    return _tier_from(values, bucketing).opposite()


def _tags(values: Sequence[str], _bucketing: Bucketing) -> Tests:
    return conditions.any_tag(values)


def _all_tags(values: Sequence[str], _bucketing: Bucketing) -> Tests:
    return conditions.all_tags(values)


def _audiences(values: Sequence[str], _bucketing: Bucketing) -> Tests:
    return conditions.any_audience(values)


def _in_languages(values: Sequence[str], _bucketing: Bucketing) -> Tests:
    """Basic filtering of RFC 4647: `zh` means zh, zh-CN and zh-Hant-TW; `*` any language."""
    whole, starts = frozenset(values), tuple(f"{value}-" for value in values)
    is_any = "*" in whole
    return conditions.tested(fact("language"), lambda tag: is_any or tag in whole or tag.startswith(starts), "")


def _tier_label(facts: Facts) -> str:
    return facts.tier.label


def _claimed(name: str, zh: str, en: str, ops: Mapping[str, Form], privacy: Privacy = Privacy.INTERNAL) -> Attribute:
    of = fact(name)
    return Attribute(name, Source.CLAIMED, privacy, zh, en, ops, lambda facts: of(facts) or None)


def _known(
    name: str, zh: str, en: str, ops: Mapping[str, Form], seen: Callable[[Facts], Any], privacy: Privacy
) -> Attribute:
    return Attribute(name, Source.SERVER, privacy, zh, en, ops, seen)


ATTRIBUTES: Mapping[str, Attribute] = {
    each.name: each
    for each in (
        _known(
            "tier",
            "客户等级",
            "tier",
            {
                **_with_opposite("in", "not_in", Form(TIERS, Tier.parse, _tiers)),
                "at_least": Form(TIERS, Tier.parse, _tier_from, most=1),
                "below": Form(TIERS, Tier.parse, _tier_below, most=1),
            },
            _tier_label,
            Privacy.PUBLIC,
        ),
        _known(
            "customer",
            "客户",
            "customer",
            _membership("customer", ID, _id, unknown=object()),  # that nobody is signed in is known
            lambda facts: facts.customer,
            Privacy.PERSONAL,
        ),
        _known("device", "设备", "device", _membership("device", ID, _id), fact("device"), Privacy.PERSONAL),
        _known(
            "tag",
            "标签",
            "tag",
            {
                **_with_opposite("in", "not_in", Form(TAG, _tag, _tags, most=100)),
                "has_all": Form(TAG, _tag, _all_tags, most=100),
            },
            lambda _facts: None,
            Privacy.INTERNAL,
        ),
        _known(
            "audience",
            "已存受众",
            "saved audience",
            _with_opposite("in", "not_in", Form(ID, _id, _audiences, most=20)),
            lambda _facts: None,
            Privacy.INTERNAL,
        ),
        _known("percentage", "百分比", "percentage", _percentage(), lambda _facts: None, Privacy.PUBLIC),
        _known(
            "client_app",
            "客户端应用",
            "client app",
            _membership("client_app", TEXT, _text),
            lambda facts: facts.client_app or None,
            Privacy.PUBLIC,
        ),
        _known(
            "channel",
            "渠道",
            "channel",
            _membership("channel", TEXT, _folded),
            lambda facts: facts.channel or None,
            Privacy.PUBLIC,
        ),
        _known("first_seen", "首次使用时间", "first seen", _moments(first_seen_ms), first_seen_ms, Privacy.INTERNAL),
        _known("time", "时间", "time", _moments(fact("now_ms")), fact("now_ms"), Privacy.PUBLIC),
        _claimed("platform", "平台", "platform", _membership("platform", TEXT, _folded), Privacy.PUBLIC),
        _claimed("os_version", "系统版本", "OS version", _versions("os_version"), Privacy.PUBLIC),
        _claimed("app_version", "应用版本", "app version", _versions("app_version"), Privacy.PUBLIC),
        _claimed("model", "机型", "device model", _texts("model")),
        _claimed("network", "网络", "network", _membership("network", TEXT, _folded), Privacy.PUBLIC),
        _claimed("region", "地区", "region", _texts("region")),
        _claimed(
            "language",
            "语言",
            "language",
            {
                **_membership("language", TEXT, _folded),
                **_with_opposite("matches", "not_matches", Form(TEXT, _language, _in_languages)),
            },
            Privacy.PUBLIC,
        ),
    )
}
