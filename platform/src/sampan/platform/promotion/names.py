"""What rules name, and the same rule with other ids. Pure.

Tags go by name, which both workspaces share. Saved audiences go by ids that each workspace makes for itself, so they
are found by what people call them.
"""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from msgspec import Struct

from sampan.platform.audience.rules import compile_rule, conditions_of

SINGLE = ("customer", "device")
AUDIENCE, CLIENT_APP = "audience", "client_app"


class Named(Struct, frozen=True):
    """Everything in the rules of one thing that is known by a name or an id."""

    tags: frozenset[str]
    audiences: frozenset[str]
    client_apps: frozenset[str]
    has_single: bool
    """Whether customers or devices are listed one by one."""


def named_in(rules: Iterable[Mapping[str, Any]]) -> Named:
    """Return what these rules name; raise a `BadRule` for what is no rule."""
    compiled = [compile_rule(rule) for rule in rules]
    conditions = [each for rule in compiled for each in conditions_of(rule.root)]
    return Named(
        tags=frozenset(tag for rule in compiled for tag in rule.tags),
        audiences=frozenset(name for rule in compiled for name in rule.audiences),
        client_apps=frozenset(
            str(value) for each in conditions if each.attribute.name == CLIENT_APP for value in each.values
        ),
        has_single=any(each.attribute.name in SINGLE for each in conditions),
    )


def with_audiences(rule: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the rule, which compiled, with every saved audience's id replaced by the one it has in `ids`."""
    for word in ("all", "any"):
        if word in rule:
            return {word: [with_audiences(part, ids) for part in rule[word]]}
    if "not" in rule:
        return {"not": with_audiences(rule["not"], ids)}
    if rule["attr"] == AUDIENCE:
        return {**rule, "values": [ids[value] for value in rule["values"]]}
    return dict(rule)


def in_order(needs: Mapping[str, frozenset[str]]) -> Sequence[str]:
    """Return the keys so that each stands behind those that it needs; each is looked at once.

    Raises `graphlib.CycleError` with the circle as its second argument where keys need each other.
    """
    return tuple(TopologicalSorter({key: sorted(needs[key] & needs.keys()) for key in needs}).static_order())
