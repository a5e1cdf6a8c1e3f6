"""Use cases of switches. What gives anybody more takes a second person; what takes away does not.

Drafts are nobody's yet and are edited freely. An active switch changes at once where the change surely gives nobody
anything new (`definition.widens`), else by a change request that holds what was and what will be.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.references import checked_rule
from sampan.platform.core import Core
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.outbox import emit
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_rows import DiffLine
from sampan.platform.operators.changes import MAX_PAYLOAD_BYTES, Change, propose_in
from sampan.platform.release.repository import releases_of
from sampan.platform.release.states import ReleaseState
from sampan.platform.release.transitions import change_state
from sampan.platform.switches.definition import Definition, at_rule, from_text, parse, to_text, widens
from sampan.platform.switches.differences import STATES, differences
from sampan.platform.switches.part import KIND, PART
from sampan.platform.switches.problems import (
    BadSwitch,
    SwitchExists,
    SwitchMoved,
    TooManySwitches,
    UnknownSwitch,
    WrongSwitchState,
)
from sampan.platform.switches.repository import (
    Switch,
    SwitchState,
    count_switches,
    get_switch,
    list_switches,
    put_switch,
)
from sampan.platform.workspaces.revisions import raise_revision

CHANGE = "switch.change"
MANY = "*"
MAX_SWITCHES = 2000
MAX_IMPORTED = 500
FORMAT = "sampan.switches/1"
BECOMES = {SwitchState.ACTIVE: "activated", SwitchState.ARCHIVED: "archived"}
OVERTAKEN = frozenset({ReleaseState.APPROVED, ReleaseState.RUNNING, ReleaseState.PAUSED, ReleaseState.COMPLETED})


class Outcome(Struct, frozen=True):
    """What came of a change: the switch as it stands, and the change request that waits, if any."""

    switch: Switch
    change: Change | None = None


class Imported(Struct, frozen=True):
    """What came of a file: `done` says of each key `created`, `changed`, `unchanged` or `waits`."""

    done: Mapping[str, str]
    change: Change | None = None


class Step(Struct, frozen=True):
    """One switch of a change request: `edition` is what the maker saw, `before` is served, `after` will be."""

    key: str
    edition: int
    state: str
    before: str
    after: str


async def create_switch(core: Core, workspace_id: str, actor: Actor, plain: Mapping[str, Any]) -> Switch:
    """Create a draft."""
    actor.require("switch:edit")
    definition = parse(plain)
    async with core.store.workspace(workspace_id).write() as tx:
        return await _create(core, tx, actor, definition)


async def change_switch(
    core: Core, workspace_id: str, actor: Actor, key: str, plain: Mapping[str, Any], *, edition: int, note: str = ""
) -> Outcome:
    """Change a switch whose present edition is `edition`: at once, or by a change request."""
    actor.require("switch:edit")
    definition = parse({**plain, "key": key})
    async with core.store.workspace(workspace_id).write() as tx:
        switch = await present(tx, key)
        if switch.edition != edition:
            raise SwitchMoved("Read the switch again, then change it.", edition=switch.edition)
        if switch.state is SwitchState.ARCHIVED:
            raise WrongSwitchState("This switch is archived. Activate it first.", state=str(switch.state))
        await check_names(tx, definition)
        if to_text(definition) == to_text(switch.definition):
            return Outcome(switch)
        if switch.state is SwitchState.DRAFT or not widens(switch.definition, definition):
            return Outcome(await next_edition(core, tx, actor, switch, definition, switch.state, cause=note))
        return Outcome(switch, await _propose(core, tx, actor, key, [_step(switch, definition)], note))


async def activate_switch(core: Core, workspace_id: str, actor: Actor, key: str, *, note: str = "") -> Outcome:
    """Propose to serve a draft, or an archived switch again."""
    actor.require("switch:edit")
    async with core.store.workspace(workspace_id).write() as tx:
        switch = await present(tx, key)
        if switch.state is SwitchState.ACTIVE:
            raise WrongSwitchState("This switch is active already.", state=str(switch.state))
        return Outcome(switch, await _propose(core, tx, actor, key, [_step(switch, switch.definition)], note))


async def turn_off(core: Core, workspace_id: str, actor: Actor, key: str, *, cause: str) -> Switch:
    """Give everybody the default: take all rules away, and stop its releases. One person may; giving back takes two."""
    actor.require("switch:lower")
    async with core.store.workspace(workspace_id).write() as tx:
        switch = await present(tx, key)
        if switch.state is not SwitchState.ACTIVE:
            raise WrongSwitchState("Only an active switch gives anybody anything.", state=str(switch.state))
        if not switch.definition.rules and not await _is_released(tx, switch):
            return switch
        bare = replace(switch.definition, rules=())
        return await next_edition(core, tx, actor, switch, bare, switch.state, cause=cause)


async def archive_switch(core: Core, workspace_id: str, actor: Actor, key: str, *, cause: str) -> Switch:
    """Serve a switch no more: clients fall back to the value in their own code."""
    actor.require("switch:lower")
    async with core.store.workspace(workspace_id).write() as tx:
        switch = await present(tx, key)
        if switch.state is SwitchState.ARCHIVED:
            raise WrongSwitchState("This switch is archived already.", state=str(switch.state))
        return await next_edition(core, tx, actor, switch, switch.definition, SwitchState.ARCHIVED, cause=cause)


async def export_switches(core: Core, workspace_id: str) -> list[Switch]:
    """Return all switches that are not archived, by key."""
    async with core.store.workspace(workspace_id).read() as tx:
        return await list_switches(tx, SwitchState.DRAFT, SwitchState.ACTIVE)


async def import_switches(
    core: Core, workspace_id: str, actor: Actor, plains: Sequence[Any], *, activate: bool, note: str = ""
) -> Imported:
    """Take the switches of a file over, all or none; what is not in the file stays as it is.

    New ones become drafts. What widens, and with `activate` every draft among them, goes into one change request.
    """
    actor.require("switch:edit")
    definitions = _parsed_file(plains)
    done: dict[str, str] = {}
    steps: list[Step] = []
    async with core.store.workspace(workspace_id).write() as tx:
        for definition in definitions:
            done[definition.key] = await _import(core, tx, actor, definition, steps, activate=activate, note=note)
        change = await _propose(core, tx, actor, MANY, steps, note) if steps else None
    return Imported(done, change)


async def apply_change(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Carry out what a change request describes; runs in the approving transaction."""
    for step in steps_of(change.payload):
        switch = await present(tx, step.key)
        if switch.edition != step.edition:
            raise SwitchMoved(f"{step.key} was changed meanwhile. Propose the change again.", edition=switch.edition)
        definition = from_text(step.after)
        await check_names(tx, definition)
        await next_edition(core, tx, actor, switch, definition, SwitchState.ACTIVE, cause=change.note)


async def bring_switch(
    core: Core, tx: Transaction, actor: Actor, definition: Definition, *, edition: int, cause: str
) -> Switch:
    """Serve this definition in place of that edition, 0 for a new key; part of a transaction that approves it.

    Raises `SwitchMoved`, or `WrongSwitchState` for an archived switch.
    """
    switch = await get_switch(tx, definition.key)
    if (switch.edition if switch else 0) != edition:
        raise SwitchMoved(f"{definition.key} was changed meanwhile. Propose the change again.")
    if switch is None:
        switch = await _create(core, tx, actor, definition)
    if switch.state is SwitchState.ARCHIVED:
        raise WrongSwitchState(f"{switch.key} is archived here. Activate it first.", state=str(switch.state))
    await check_names(tx, definition)
    return await next_edition(core, tx, actor, switch, definition, SwitchState.ACTIVE, cause=cause)


async def base_of(tx: Transaction, target: str) -> str:
    """Return the revision that a change request on `target` stands on."""
    if target == MANY:
        return str((await count_switches(tx))[1])
    return str((await present(tx, target)).edition)


def describe_change(payload: dict[str, Any]) -> list[DiffLine]:
    """Return the readable diff of a change request."""
    steps = steps_of(payload)
    lines: list[DiffLine] = []
    for step in steps:
        key = step.key if len(steps) > 1 else ""
        is_new = step.state != SwitchState.ACTIVE
        if is_new:
            lines.append(DiffLine(f"{key} 状态".strip(), f"{key} State".strip(), step.state, "active", STATES))
        lines += differences(None if is_new else from_text(step.before), from_text(step.after), key=key)
    return lines


def steps_of(payload: Mapping[str, Any]) -> list[Step]:
    """Return the switches of a change request's payload."""
    return [Step(**each) for each in payload["switches"]]


def named(payload: Mapping[str, Any]) -> str:
    """Return what people call the target of a change request."""
    steps = steps_of(payload)
    return steps[0].key if len(steps) == 1 else f"{steps[0].key} + {len(steps) - 1}"


async def present(tx: Transaction, key: str) -> Switch:
    """Return a switch; raise `UnknownSwitch`."""
    switch = await get_switch(tx, key)
    if switch is None:
        raise UnknownSwitch(f"There is no switch {key!r} in this workspace.")
    return switch


def _parsed_file(plains: Sequence[Any]) -> list[Definition]:
    if len(plains) > MAX_IMPORTED:
        raise TooManySwitches(f"A file holds at most {MAX_IMPORTED} switches; send several.")
    found: dict[str, Definition] = {}
    for n, plain in enumerate(plains):
        try:
            definition = parse(_without_state(plain))
        except (BadSwitch, BadRule) as problem:
            problem.facts["at"] = f"switches[{n}].{problem.facts.get('at', '')}".rstrip(".")
            raise
        if definition.key in found:
            raise BadSwitch(f"{definition.key} stands in the file twice.", at=f"switches[{n}].key")
        found[definition.key] = definition
    return list(found.values())


def _without_state(plain: Any) -> Any:
    return {name: value for name, value in plain.items() if name != "state"} if isinstance(plain, dict) else plain


async def _import(
    core: Core, tx: Transaction, actor: Actor, definition: Definition, steps: list[Step], *, activate: bool, note: str
) -> str:
    switch = await get_switch(tx, definition.key)
    if switch is None:
        switch = await _create(core, tx, actor, definition)
        if activate:
            steps.append(_step(switch, definition))
        return "created"
    if switch.state is SwitchState.ARCHIVED:
        raise WrongSwitchState(f"{switch.key} is archived here. Activate it first.", state=str(switch.state))
    await check_names(tx, definition)
    is_same = to_text(definition) == to_text(switch.definition)
    if switch.state is SwitchState.ACTIVE and not is_same and widens(switch.definition, definition):
        steps.append(_step(switch, definition))
        return "waits"
    if not is_same:
        switch = await next_edition(core, tx, actor, switch, definition, switch.state, cause=note)
    if activate and switch.state is SwitchState.DRAFT:
        steps.append(_step(switch, definition))
        return "waits"
    return "unchanged" if is_same else "changed"


async def _create(core: Core, tx: Transaction, actor: Actor, definition: Definition) -> Switch:
    if await get_switch(tx, definition.key) is not None:
        raise SwitchExists(f"There is a switch {definition.key!r} already. Change that one, or take another key.")
    if (await count_switches(tx))[0] >= MAX_SWITCHES:
        raise TooManySwitches(f"A workspace has at most {MAX_SWITCHES} switches, archived ones included.")
    await check_names(tx, definition)
    now_ms = core.now_ms()
    salt, by = new_id("swt"), actor.person_id
    switch = Switch(definition.key, salt, SwitchState.DRAFT, definition, 1, 1, by, now_ms, now_ms)
    await put_switch(tx, switch, cause="", made_by=actor.person_id)
    await record_switch(core, tx, actor, switch, "created", "")
    return switch


async def next_edition(
    core: Core, tx: Transaction, actor: Actor, switch: Switch, definition: Definition, state: SwitchState, *, cause: str
) -> Switch:
    """Make the next edition the present one, in the caller's transaction; what it overtakes is stopped."""
    is_served = SwitchState.ACTIVE in (switch.state, state)
    what = "changed" if switch.state is state else BECOMES[state]
    edition = switch.last_edition + 1
    changed = replace(
        switch,
        state=state,
        definition=definition,
        edition=edition,
        last_edition=edition,
        changed_ms=core.now_ms(),
    )
    await put_switch(tx, changed, cause=cause, made_by=actor.person_id)
    await _end_releases(core, tx, actor, switch, changed)
    await record_switch(core, tx, actor, changed, what, cause)
    if is_served:
        await raise_revision(tx, PART)
        facts = {"key": changed.key, "edition": changed.edition, "state": str(state)}
        await emit(tx, "switch.changed", facts, now_ms=core.now_ms())
    return changed


async def _is_released(tx: Transaction, switch: Switch) -> bool:
    """Whether a release gives, or would when it starts or goes on, another edition than everybody's."""
    found = await releases_of(tx, KIND, switch.key)
    return any(each.state in OVERTAKEN and each.sequence > switch.edition for each in found)


async def _end_releases(core: Core, tx: Transaction, actor: Actor, before: Switch, after: Switch) -> None:
    """Stop the releases of editions that the new present one is newer than: they mean nobody from now on."""
    for release in await releases_of(tx, KIND, after.key):
        if release.state in OVERTAKEN and before.edition < release.sequence < after.edition:
            cause = f"edition {after.edition} of the switch is served to everyone instead"
            await change_state(core, tx, actor, release, "stop", cause=cause)


async def _propose(core: Core, tx: Transaction, actor: Actor, target: str, steps: list[Step], note: str) -> Change:
    payload = {"switches": [{name: getattr(step, name) for name in Step.__struct_fields__} for step in steps]}
    if len(canonical_json(payload)) > MAX_PAYLOAD_BYTES:
        raise TooManySwitches("What waits is more than one change request holds. Send the file in parts.")
    return await propose_in(core, tx, actor, kind=CHANGE, target=target, payload=payload, note=note)


def _step(switch: Switch, after: Definition) -> Step:
    before = to_text(switch.definition) if switch.state is SwitchState.ACTIVE else ""  # what is served now
    return Step(switch.key, switch.edition, str(switch.state), before, to_text(after))


async def check_names(tx: Transaction, definition: Definition) -> None:
    """Refuse rules that name tags or saved audiences that are not there: they would hold for nobody."""
    for n, rule in enumerate(definition.rules):
        with at_rule(n):
            await checked_rule(tx, rule.audience)


async def record_switch(core: Core, tx: Transaction, actor: Actor, switch: Switch, what: str, cause: str) -> None:
    """Note in the audit log what became of a switch."""
    detail = {"edition": switch.edition, "state": str(switch.state), "cause": cause}
    await audit.record(tx, actor, f"switch.{what}", target=switch.key, detail=detail, now_ms=core.now_ms())
