"""What rules name: that tags and saved audiences exist when a rule is saved, and who still names one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.platform.audience.audience_rows import list_audiences
from sampan.platform.audience.problems import InUse, RuleAudienceUnknown, RuleCustomerErased, RuleTagUnknown
from sampan.platform.audience.rules import Bucketing, CompiledRule, compile_rule, conditions_of
from sampan.platform.audience.tag_rows import list_tags
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.repository_customers import erased_among


class Use(Struct, frozen=True):
    """What keeps a rule: `kind` is `release`, `switch`, `audience` and so on, `name` is what people call it."""

    kind: str
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class RulesInUse(Struct, frozen=True):
    """A floor or component that keeps rules: `find` returns those that are in force or may come into force.

    Each is its owner and the rule. Contributed, so that nothing that a rule names can vanish.
    """

    name: str
    find: Callable[[Transaction], Awaitable[Sequence[tuple[Use, Mapping[str, Any]]]]]


async def checked_rule(
    tx: Transaction, rule: object, bucketing: Bucketing | None = None, *, within: str | None = None
) -> CompiledRule:
    """Compile a rule that is to be saved; raise a `BadRule`, also for a tag or a saved audience that is not there.

    `within` is the saved audience that the rule is for: it may not contain itself, however far down.
    """
    compiled = compile_rule(rule, bucketing or Bucketing())
    if compiled.tags:
        known = {tag.name for tag in await list_tags(tx)}
        _refuse(compiled, "tag", compiled.tags - known, RuleTagUnknown, "There is no tag {!r}; create it first.")
    if compiled.audiences:
        saved = {each.id: compile_rule(each.rule).audiences for each in await list_audiences(tx)}
        unknown = compiled.audiences - saved.keys()
        _refuse(compiled, "audience", unknown, RuleAudienceUnknown, "There is no saved audience {!r}.")
        if within is not None:
            around = {each for each in compiled.audiences if within in _reached(each, saved)}
            _refuse(compiled, "audience", around, RuleAudienceUnknown, "{!r} contains this audience itself.")
    if customers := _named(compiled, "customer"):
        erased = await erased_among(tx, customers)  # a request that waited since before brings no id back
        _refuse(compiled, "customer", erased, RuleCustomerErased, "{!r} was erased; take the id out of the rule.")
    return compiled


async def uses_of(core: Core, tx: Transaction, *, tag: str | None = None, audience: str | None = None) -> list[Use]:
    """Return what names a tag or a saved audience: saved audiences, and what floors and components keep; by name."""
    saved = [each for each in await list_audiences(tx) if each.id != audience]
    kept = [(Use("audience", each.id, each.name), each.rule) for each in saved]
    for source in core.contributions(RulesInUse):
        kept += await source.find(tx)
    found: set[Use] = set()
    for use, rule in kept:
        if use not in found:
            compiled = compile_rule(rule)
            if tag in compiled.tags or audience in compiled.audiences:
                found.add(use)
    return sorted(found, key=lambda use: (str(use), use.id))


async def require_unused(core: Core, tx: Transaction, *, tag: str | None = None, audience: str | None = None) -> None:
    """Raise `InUse` when a saved audience, or any rule that a floor or component keeps, names it."""
    if used_by := [str(use) for use in await uses_of(core, tx, tag=tag, audience=audience)]:
        raise InUse(f"Take it out of these rules first: {', '.join(used_by[:5])}.", used_by=used_by)


def _named(compiled: CompiledRule, attribute: str) -> frozenset[str]:
    found = [each for each in conditions_of(compiled.root) if each.attribute.name == attribute]
    return frozenset(str(value) for each in found for value in each.values)


def _reached(audience: str, saved: Mapping[str, frozenset[str]]) -> set[str]:
    found, waiting = set[str](), [audience]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += saved.get(name, frozenset())
    return found


def _refuse(compiled: CompiledRule, attribute: str, names: frozenset[str] | set[str], error: type, says: str) -> None:
    for condition in conditions_of(compiled.root):
        if condition.attribute.name == attribute:
            for n, value in enumerate(condition.values):
                if value in names:
                    raise error(says.format(value), at=f"{condition.at}.values[{n}]")
