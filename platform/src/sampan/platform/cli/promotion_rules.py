"""Promoting switches and saved audiences: what the source serves now, against what the target has.

The target has diverged when what it has was never what the source had: somebody changed it there, or took it away.
Ids of saved audiences differ between workspaces, so rules are compared with names in their place.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sampan.platform.audience.words import rule_words
from sampan.platform.cli.promotion_places import (
    PromotionDiverged,
    PromotionNotInForce,
    PromotionUnknown,
    Side,
    found_or_none,
    name_of,
)
from sampan.platform.operators.change_rows import DiffLine
from sampan.platform.promotion.names import named_in, with_audiences
from sampan.platform.promotion.problems import PromotionAmbiguousName
from sampan.platform.switches.definition import parse
from sampan.platform.switches.differences import differences

Json = dict[str, Any]
AUDIENCE_ID = re.compile(r"\baud_[0-9a-f]{32}\b")
ACTIVE = "active"


class _Names(dict[str, str]):
    """Names of saved audiences by their ids; an id that is not known stands for itself."""

    def __missing__(self, key: str) -> str:
        return key


@dataclass
class RulesPlan:
    """What the target is asked for, and what people read."""

    switches: list[Json] = field(default_factory=list)
    audiences: list[Json] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def body(self, source: Side, note: str) -> Json:
        """Return the request to the target."""
        return {
            "source": {"server": source.sign_in.server, "workspace": source.sign_in.workspace},
            "switches": self.switches,
            "audiences": self.audiences,
            "names": self.names,
            "note": note,
        }


class RulesPlanner:
    """Plans switches and saved audiences of one promotion."""

    def __init__(self, source: Side, target: Side, *, is_over: bool) -> None:
        self._source, self._target, self._is_over = source, target, is_over
        self._saved = {side.name: _saved(side) for side in (source, target)}
        self._names = {name: _Names({each["id"]: each["name"] for each in all_}) for name, all_ in self._saved.items()}
        self.plan = RulesPlan()

    def add_switch(self, key: str) -> None:
        """Plan a switch; raise `PromotionUnknown`, `PromotionNotInForce` or `PromotionDiverged`."""
        found = found_or_none(self._source, f"/switches/{key}")
        if found is None:
            raise PromotionUnknown(f"{self._source} has no switch {key}.")
        if found["state"] != ACTIVE:
            raise PromotionNotInForce(f"{key} is {found['state']} in {self._source}; nobody gets it there.")
        present = found_or_none(self._target, f"/switches/{key}")
        history = self._source.api.items(f"/switches/{key}/history")
        if present is not None:
            self._refuse_diverged_switch(key, found, present, history)
        definition = found["definition"]
        self.plan.switches.append(
            {
                "definition": definition,
                "edition": present["edition"] if present else 0,
                "claim": _claim(self._source, found["edition"], history[0]["made_by"], history[0]["at_ms"]),
            }
        )
        self._name([each["audience"] for each in definition["rules"]])
        is_served = present is not None and present["state"] == ACTIVE
        old = parse(self._as_there(present["definition"])) if present is not None and is_served else None
        lines = differences(old, parse(definition))
        self._tell(f"switch {key}", present, [self._said(line) for line in lines])

    def add_audience(self, name: str) -> None:
        """Plan a saved audience, by its name; raise `PromotionUnknown` or `PromotionDiverged`."""
        found, present = self._called("source", name), self._called("target", name)
        if found is None:
            raise PromotionUnknown(f"{self._source} has no saved audience called {name!r}.")
        history = self._source.api.items(f"/audiences/{found['id']}/history")
        after = self._rule("source", found["audience"])
        if present is not None and not self._is_over:
            known = [_text(self._rule("source", each["audience"])) for each in history]
            if _text(self._rule("target", present["audience"])) not in known:
                raise self._diverged(f"the saved audience {name}", present["edition"])
        self.plan.audiences.append(
            {
                "id": found["id"],
                "name": found["name"],
                "note": found["note"],
                "audience": found["audience"],
                "edition": present["edition"] if present else 0,
                "claim": _claim(self._source, found["edition"], history[0]["made_by"], history[0]["at_ms"]),
            }
        )
        self._name([found["audience"]])
        before = self._rule("target", present["audience"]) if present else None
        self._tell(f"saved audience {name}", present, [_audience_line(before, after)] if before != after else [])

    def _refuse_diverged_switch(self, key: str, found: Json, present: Json, history: list[Json]) -> None:
        if self._is_over or self._same("source", found, "target", present):
            return
        known = {_text(self._plain("source", each["definition"])) for each in history}
        if _text(self._plain("target", present["definition"])) not in known:
            raise self._diverged(f"the switch {key}", present["edition"])
        if present["state"] == ACTIVE and not present["definition"]["rules"] and self._gave_once(key):
            raise PromotionDiverged(
                f"{key} was turned off in {self._target}: everybody gets the default there. Find out why; --over "
                "promotes it all the same.",
                edition=present["edition"],
            )

    def _gave_once(self, key: str) -> bool:
        """Whether the target's switch was ever served with rules."""
        history = self._target.api.items(f"/switches/{key}/history")
        return any(each["state"] == ACTIVE and each["definition"]["rules"] for each in history)

    def _same(self, side: str, one: Json, other_side: str, other: Json) -> bool:
        return _text(self._plain(side, one["definition"])) == _text(self._plain(other_side, other["definition"]))

    def _diverged(self, what: str, edition: int) -> PromotionDiverged:
        return PromotionDiverged(
            f"In {self._target}, {what} is as the source never had it: somebody changed it there. Look at edition "
            f"{edition}, and take it over in the source; --over replaces it all the same.",
            edition=edition,
        )

    def _called(self, side: str, name: str) -> Json | None:
        named = [each for each in self._saved[side] if name in (each["name"], each["id"])]
        if len(named) > 1:
            where = self._source if side == "source" else self._target
            raise PromotionAmbiguousName(f"{where} has {len(named)} saved audiences called {name!r}.", name=name)
        return named[0] if named else None

    def _name(self, rules: list[Json]) -> None:
        for each in named_in(rules).audiences:
            self.plan.names[each] = self._names["source"][each]

    def _rule(self, side: str, rule: Mapping[str, Any]) -> Json:
        return with_audiences(rule, self._names[side])

    def _plain(self, side: str, definition: Mapping[str, Any]) -> Json:
        rules = [{**rule, "audience": self._rule(side, rule["audience"])} for rule in definition["rules"]]
        return {**definition, "rules": rules}

    def _said(self, line: DiffLine) -> tuple[str, str | None, str | None]:
        """Return a line with its values in words, saved audiences by their names."""
        shown, names = line.as_json(), self._names["source"]
        texts = [words["en"] if (words := shown[f"{side}_words"]) else shown[side] for side in ("before", "after")]
        before, after = (text and AUDIENCE_ID.sub(lambda found: names[found[0]], text) for text in texts)
        return line.en, before, after

    def _as_there(self, definition: Mapping[str, Any]) -> Json:
        """Return the target's switch with the source's ids of the saved audiences that have the same names."""
        there = {each["name"]: each["id"] for each in self._saved["source"]}
        ids = _Names({key: there.get(name, key) for key, name in self._names["target"].items()})
        rules = [{**rule, "audience": with_audiences(rule["audience"], ids)} for rule in definition["rules"]]
        return {**definition, "rules": rules}

    def _tell(self, what: str, present: Json | None, lines: Iterable[tuple[str, str | None, str | None]]) -> None:
        told = [f"  {name}: {'' if before is None else f'{before} -> '}{after}" for name, before, after in lines]
        state = "" if present is None or present.get("state", ACTIVE) == ACTIVE else f", a {present['state']} there"
        head = f"{what}: {'new' if present is None else 'edition ' + str(present['edition'])}{state}"
        self.plan.lines += [head, *(told or ["  no difference"])]


def _saved(side: Side) -> list[Json]:
    return side.api.items("/audiences")


def _audience_line(before: Json | None, after: Json) -> tuple[str, str | None, str]:
    """Return both rules in words; word for word as they are where words tell no difference, as of long lists."""
    said = (rule_words(before).en if before is not None else None, rule_words(after).en)
    if said[0] == said[1]:
        return "Audience", _text(before), _text(after)
    return "Audience", *said


def _claim(side: Side, edition: int, made_by: str, at_ms: int) -> Json:
    return {"edition": edition, "approved_by": name_of(side, made_by), "approved_ms": at_ms}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
