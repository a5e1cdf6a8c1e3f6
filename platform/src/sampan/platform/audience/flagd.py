"""A rule as flagd's targeting: JsonLogic with flagd's own `sem_ver`, `starts_with`, `ends_with` and `fractional`. Pure.

The context that the result is for has the facts under the attributes' names, `tags` as a list, claimed texts in lower
case and times in milliseconds; what is not known is left out. See https://flagd.dev/reference/custom-operations/.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.platform.audience.attributes import Source
from sampan.platform.audience.buckets import STEPS
from sampan.platform.audience.rules import CompiledRule, Condition, Negation, Node
from sampan.platform.audience.versions import FIRST, LOWEST, RELEASE, Key, Span

Logic = Any
NOBODY: Logic = False
_NO_AUDIENCES: Mapping[str, CompiledRule] = {}


class Exported(Struct, frozen=True):
    """The JsonLogic of a rule. `inexact` names what flagd cannot say as we mean it, and where: then it is not the rule.

    A percentage reaches the same share of other people; a saved audience that was not given, and a version of four
    numbers, reach nobody.
    """

    logic: Logic
    inexact: tuple[str, ...]


def to_flagd(rule: CompiledRule, audiences: Mapping[str, CompiledRule] = _NO_AUDIENCES) -> Exported:
    """Return the rule in JsonLogic; it gives true, or something that is not, for whoever does not surely belong."""
    writer = _Writer(rule, audiences)
    logic = writer.node(rule.root, positive=True)
    return Exported(logic, tuple(writer.inexact))


class _Writer:
    """Writes one rule; `inexact` collects what cannot be said."""

    def __init__(self, rule: CompiledRule, audiences: Mapping[str, CompiledRule]) -> None:
        self._rule, self._audiences = rule, audiences
        self.inexact: list[str] = []

    def node(self, node: Node, *, positive: bool) -> Logic:
        match node:
            case Condition():
                return self._condition(node, positive=positive)
            case Negation():
                return self.node(node.part, positive=not positive)
        parts = [self.node(part, positive=positive) for part in node.parts]
        return _all(parts) if (node.word == "all") is positive else _any(parts)

    def _condition(self, condition: Condition, *, positive: bool) -> Logic:
        name, values = condition.attribute.name, condition.values
        is_opposite = condition.op.startswith("not_") or condition.op == "below"
        says = positive is not is_opposite
        match name:
            case "percentage":
                return self._percentage(condition, positive)
            case "audience":
                return self._audience(condition, says)
            case "tag":
                has = [{"in": [value, {"var": "tags"}]} for value in values]
                found = _all(has) if condition.op == "has_all" else _any(has)
                return found if says else {"!": [found]}
            case "tier" if condition.op in ("at_least", "below"):
                labels = [tier.label for tier in type(values[0]) if tier >= values[0]]
                found = {"in": [{"var": name}, labels]}
                return found if says else {"!": [found]}
            case "tier":
                found = {"in": [{"var": name}, [tier.label for tier in values]]}
                return found if says else {"!": [found]}
            case "time" | "first_seen":
                return _moment(condition, positive)
            case "os_version" | "app_version":
                return self._versions(condition, positive)
        found = _any([_text(condition.op.removeprefix("not_"), name, value) for value in values])
        if says:
            return found if condition.attribute.source is Source.SERVER else _all([_known(name), found])
        return {"!": [found]} if name == "customer" else _all([_known(name), {"!": [found]}])

    def _percentage(self, condition: Condition, positive: bool) -> Logic:
        self.inexact.append(f"{condition.at}: flagd draws other people")
        low, high = condition.values if condition.op == "between" else (0, condition.values[0])
        key = "targetingKey" if self._rule.bucketing.by == "device" else "customer"
        parts = [["before", low], ["in", high - low], ["after", STEPS - high]]
        salted = {"cat": [self._rule.bucketing.salt, ":", {"var": key}]}
        drawn = {"fractional": [salted, *(part for part in parts if part[1])]}
        found = {"==": [drawn, "in"]}
        return _all([_known(key), found if positive else {"!": [found]}])

    def _audience(self, condition: Condition, says: bool) -> Logic:
        parts = []
        for value in condition.values:
            saved = self._audiences.get(value)
            if saved is None:
                self.inexact.append(f"{condition.at}: the saved audience {value} was not given")
            parts.append(NOBODY if saved is None else self.node(saved.root, positive=says))
        return _any(parts) if says else _all(parts)

    def _versions(self, condition: Condition, positive: bool) -> Logic:
        name = condition.attribute.name
        # The positive form of every operator on versions is "lies in one of the spans", `below` included.
        says = positive is not condition.op.startswith("not_")
        spans: list[Span] = [span for value in condition.values for span in value]
        if any(not _is_sayable(key) for span in spans for key in span if key is not None):
            self.inexact.append(f"{condition.at}: a version of four numbers")
            return NOBODY
        found = _any([_span(name, span) for span in spans])
        return found if says else _all([_compared(name, ">=", "0.0.0-0"), {"!": [found]}])


def _span(name: str, span: Span) -> Logic:
    low, high = span
    if high is not None and high[:4] == low[:4] and high[4] == (*low[4], (0, 0, "")):
        return _compared(name, "=", _written(low))
    bounds = [] if low == FIRST else [_compared(name, ">=", _written(low))]
    if high is not None:
        bounds.append(_compared(name, "<", _written(high)))
    return _all(bounds) if bounds else _compared(name, ">=", "0.0.0-0")


def _is_sayable(key: Key) -> bool:
    return key[3] == 0


def _written(key: Key) -> str:
    a, b, c, _d, order = key
    text = f"{a}.{b}.{c}"
    if order == RELEASE:
        return text
    if order == LOWEST:
        return f"{text}-0"
    return text + "-" + ".".join(str(number) if kind == 0 else word for kind, number, word in order)


def _compared(name: str, sign: str, version: str) -> Logic:
    return {"sem_ver": [{"var": name}, sign, version]}


def _moment(condition: Condition, positive: bool) -> Logic:
    values, name = condition.values, condition.attribute.name
    now = {"*": [{"var": "$flagd.timestamp"}, 1000]} if name == "time" else {"var": name}
    match condition.op:
        case "at_least":
            found: Logic = {">=": [now, values[0]]}
        case "below":
            found = {"<": [now, values[0]]}
        case _:
            found = {"and": [{">=": [now, values[0]]}, {"<": [now, values[1]]}]}
    found = found if positive else {"!": [found]}
    return found if name == "time" else _all([{"!=": [{"var": name}, None]}, found])


def _text(op: str, name: str, value: str) -> Logic:
    var = {"var": name}
    match op:
        case "in":
            return {"==": [var, value]}
        case "contains":
            return {"in": [value, var]}
        case "matches":
            return (
                {"!": [False]} if value == "*" else {"or": [{"==": [var, value]}, {"starts_with": [var, f"{value}-"]}]}
            )
    return {op: [var, value]}


def _known(name: str) -> Logic:
    return {"!!": [{"var": name}]}


def _all(parts: Sequence[Logic]) -> Logic:
    return parts[0] if len(parts) == 1 else {"and": list(parts)} if parts else True


def _any(parts: Sequence[Logic]) -> Logic:
    return parts[0] if len(parts) == 1 else {"or": list(parts)} if parts else False
