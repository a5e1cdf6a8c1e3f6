"""What a promotion would change here: every thing compared with what stands here, under this workspace's own ids.

What is missing here is refused with all of it named, before anything is proposed.
"""

from collections.abc import Iterable, Mapping
from graphlib import CycleError
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.audience.audience_rows import SavedAudience, list_audiences
from sampan.platform.audience.tag_rows import list_tags
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.repository_client_apps import list_client_apps
from sampan.platform.ids import new_id
from sampan.platform.promotion.names import Named, in_order, named_in, with_audiences
from sampan.platform.promotion.problems import (
    PromotionAmbiguousName,
    PromotionAudiencesMissing,
    PromotionCircle,
    PromotionClientAppsMissing,
    PromotionIdsInRule,
    PromotionTagsMissing,
    PromotionTargetMoved,
)
from sampan.platform.switches.definition import Definition, parse, to_text
from sampan.platform.switches.problems import BadSwitch, WrongSwitchState
from sampan.platform.switches.repository import SwitchState, get_switch


class Source(Struct, frozen=True):
    """Where things come from, as the promoting person says."""

    server: str
    workspace: str


class Claim(Struct, frozen=True):
    """What is said of a thing there: its edition, who made it so, and when."""

    edition: int
    approved_by: str
    approved_ms: int


class WantedSwitch(Struct, frozen=True):
    """A switch as it is there; `edition` is the one that it replaces here, 0 where there is none."""

    definition: Mapping[str, Any]
    edition: int
    claim: Claim


class WantedAudience(Struct, frozen=True):
    """A saved audience as it is there, with its id there; `edition` is the one that it replaces here."""

    id: str
    name: str
    note: str
    rule: Mapping[str, Any]
    edition: int
    claim: Claim


class Wanted(Struct, frozen=True):
    """A promotion; `names` says what saved audiences are called that rules name by their ids there."""

    source: Source
    switches: tuple[WantedSwitch, ...]
    audiences: tuple[WantedAudience, ...]
    names: Mapping[str, str]


class AudienceStep(Struct, frozen=True):
    """A saved audience of a change request, under its id here; `before` is the rule that it has now."""

    id: str
    name: str
    edition: int
    note: str
    note_before: str
    rule: Mapping[str, Any]
    before: Mapping[str, Any] | None
    claim: Mapping[str, Any]


class SwitchStep(Struct, frozen=True):
    """A switch of a change request; definitions as text, since a float keeps its point there."""

    key: str
    edition: int
    state: str
    before: str
    after: str
    claim: Mapping[str, Any]


class Plan(Struct, frozen=True):
    """What has to change here, in the order in which it can, and what becomes of each thing."""

    audiences: list[AudienceStep]
    switches: list[SwitchStep]
    done: dict[str, str]


def ordered(wanted: Wanted) -> Wanted:
    """Return the promotion with saved audiences behind those that they name, as they can be saved.

    Raises `PromotionCircle`, a `BadRule`, or `BadSwitch` for what stands in it twice.
    """
    _refuse_twice([each.name for each in wanted.audiences])
    by_id = {each.id: each for each in wanted.audiences}
    try:
        order = in_order({key: named_in([each.rule]).audiences for key, each in by_id.items()})
    except CycleError as problem:
        names = sorted({by_id[key].name for key in problem.args[1]})
        raise PromotionCircle(
            f"These saved audiences contain each other: {', '.join(names)}. Take one out of another's rule.",
            names=names,
        ) from problem
    return replace(wanted, audiences=tuple(by_id[key] for key in order))


async def planned(tx: Transaction, wanted: Wanted) -> Plan:
    """Compare an `ordered` promotion with this workspace; raise the refusals of `problems`, `BadRule`, `BadSwitch`."""
    definitions = [parse(_without_state(each.definition)) for each in wanted.switches]
    _refuse_twice([each.key for each in definitions])
    rules = [each.rule for each in wanted.audiences]
    rules += [rule.audience for definition in definitions for rule in definition.rules]
    named = named_in(rules)
    await _refuse_missing(tx, named)
    by_name = _by_name(await list_audiences(tx), {each.name for each in wanted.audiences} | set(wanted.names.values()))
    ids = _ids(wanted, by_name)
    if missing := sorted(named.audiences - ids.keys()):
        names = sorted({wanted.names.get(each, each) for each in missing})
        raise PromotionAudiencesMissing(
            f"Rules name saved audiences that are not here: {', '.join(names)}. Promote them along "
            "(`audience:NAME`), or save them here first.",
            names=names,
        )
    plan = Plan([], [], {})
    for audience in wanted.audiences:
        _plan_audience(plan, audience, by_name.get(audience.name), ids)
    for switch, definition in zip(wanted.switches, definitions, strict=True):
        await _plan_switch(tx, plan, switch, definition, ids)
    return plan


def _plan_audience(plan: Plan, wanted: WantedAudience, present: SavedAudience | None, ids: Mapping[str, str]) -> None:
    if (present.edition if present else 0) != wanted.edition:
        raise _moved(f"The saved audience {wanted.name}")
    rule = with_audiences(wanted.rule, ids)
    is_same = present is not None and canonical_json(present.rule) == canonical_json(rule)
    if present is not None and is_same and present.note == wanted.note:
        plan.done[f"audience:{wanted.name}"] = "unchanged"
        return
    plan.done[f"audience:{wanted.name}"] = "waits"
    plan.audiences.append(
        AudienceStep(
            id=ids[wanted.id],
            name=wanted.name,
            edition=wanted.edition,
            note=wanted.note,
            note_before=present.note if present else "",
            rule=rule,
            before=present.rule if present else None,
            claim=_plain(wanted.claim),
        )
    )


async def _plan_switch(
    tx: Transaction, plan: Plan, wanted: WantedSwitch, definition: Definition, ids: Mapping[str, str]
) -> None:
    key, present = definition.key, await get_switch(tx, definition.key)
    if (present.edition if present else 0) != wanted.edition:
        raise _moved(f"The switch {key}")
    if present is not None and present.state is SwitchState.ARCHIVED:
        raise WrongSwitchState(f"{key} is archived here. Activate it first.", state=str(present.state))
    rules = tuple(replace(rule, audience=with_audiences(rule.audience, ids)) for rule in definition.rules)
    after = to_text(replace(definition, rules=rules))
    is_served = present is not None and present.state is SwitchState.ACTIVE
    before = to_text(present.definition) if present is not None else ""
    if is_served and before == after:
        plan.done[f"switch:{key}"] = "unchanged"
        return
    plan.done[f"switch:{key}"] = "waits"
    state = str(present.state) if present is not None else ""
    claim = _plain(wanted.claim)
    plan.switches.append(SwitchStep(key, wanted.edition, state, before if is_served else "", after, claim))


async def _refuse_missing(tx: Transaction, named: Named) -> None:
    if named.has_single:
        raise PromotionIdsInRule(
            "A rule lists single customers or devices, whose ids mean nothing here. Give them a tag in both "
            "workspaces, and let the rule name the tag."
        )
    if missing := sorted(named.tags - {tag.name for tag in await list_tags(tx)}):
        raise PromotionTagsMissing(
            f"Rules name tags that are not here: {', '.join(missing)}. Make them (`sampan tag create {missing[0]}`) "
            "and fill them with the customers of this workspace.",
            tags=missing,
        )
    if absent := sorted(named.client_apps - {app.id for app in await list_client_apps(tx)}):
        raise PromotionClientAppsMissing(
            f"Rules name client apps that are not here: {', '.join(absent)}.", client_apps=absent
        )


def _by_name(saved: Iterable[SavedAudience], wanted: set[str]) -> dict[str, SavedAudience]:
    found: dict[str, SavedAudience] = {}
    for each in saved:
        if each.name in found and each.name in wanted:
            raise PromotionAmbiguousName(
                f"Two saved audiences are called {each.name!r} here. Give one of them another name.", name=each.name
            )
        found[each.name] = each
    return found


def _ids(wanted: Wanted, by_name: Mapping[str, SavedAudience]) -> dict[str, str]:
    """Return the ids here of saved audiences by their ids there; those that come along and are new get one."""
    ids = {there: by_name[name].id for there, name in wanted.names.items() if name in by_name}
    for each in wanted.audiences:
        ids[each.id] = by_name[each.name].id if each.name in by_name else new_id("aud")
    return ids


def _refuse_twice(names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadSwitch(f"{', '.join(twice)} stands in the promotion twice.")


def _without_state(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if name != "state"}


def _plain(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in Claim.__struct_fields__}


def _moved(what: str) -> PromotionTargetMoved:
    return PromotionTargetMoved(f"{what} was changed here meanwhile. Look at it, then promote again.")
