"""Use cases of saved audiences. A change waits for a second person: a rule that uses it may be running."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from sampan.platform.audience.audience_rows import (
    PART,
    Edition,
    SavedAudience,
    delete_audience,
    get_audience,
    put_audience,
)
from sampan.platform.audience.problems import AudienceMoved, AudienceUnknown, BadAudience
from sampan.platform.audience.references import checked_rule, require_unused
from sampan.platform.audience.rules import Bucketing
from sampan.platform.audience.words import rule_words
from sampan.platform.core import Core
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.ids import new_id
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, propose_in
from sampan.platform.workspaces.revisions import raise_revision

KIND = "audience.change"
MAX_NAME = 200
MAX_NOTE = 2000


async def create_audience(
    core: Core, workspace_id: str, actor: Actor, *, name: str, note: str, rule: Mapping[str, Any]
) -> SavedAudience:
    """Save a rule under a name; nothing uses it yet, so one person is enough."""
    now_ms, audience_id = core.now_ms(), new_id("aud")
    _check_texts(name, note)
    async with core.store.workspace(workspace_id).write() as tx:
        await checked_rule(tx, rule, Bucketing(audience_id), within=audience_id)
        made = SavedAudience(audience_id, name, note, rule, 1, actor.operator_id, now_ms, now_ms)
        await put_audience(tx, made)
        await record(tx, actor, "audience.create", target=audience_id, detail={"rule": dict(rule)}, now_ms=now_ms)
        await raise_revision(tx, PART)
    return made


async def known_audience(tx: Transaction, audience_id: str) -> SavedAudience:
    """Return a saved audience; raise `AudienceUnknown`."""
    found = await get_audience(tx, audience_id)
    if found is None:
        raise AudienceUnknown("No saved audience of this id here.")
    return found


async def propose_change(
    core: Core,
    workspace_id: str,
    actor: Actor,
    audience_id: str,
    *,
    edition: int,
    name: str,
    note: str,
    rule: Mapping[str, Any],
) -> Change:
    """Ask for another edition of a saved audience; it takes effect everywhere at once when it is approved.

    `edition` is the one that was read. Raises `AudienceUnknown`, and `AudienceMoved` when it is another by now.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        now = await known_audience(tx, audience_id)
        if now.edition != edition:
            raise AudienceMoved("Read the saved audience again, then change it.", edition=now.edition)
        payload = {
            "name": name,
            "note": note,
            "rule": dict(rule),
            "before": {"name": now.name, "note": now.note, "rule": dict(now.rule)},
        }
        return await propose_in(core, tx, actor, kind=KIND, target=audience_id, payload=payload, note=note)


async def remove_audience(core: Core, workspace_id: str, actor: Actor, audience_id: str) -> None:
    """Remove a saved audience that no rule names, with what it was; raise `AudienceUnknown` and `InUse`."""
    async with core.store.workspace(workspace_id).write() as tx:
        gone = await known_audience(tx, audience_id)
        await require_unused(core, tx, audience=audience_id)
        await delete_audience(tx, audience_id)
        detail = {"name": gone.name, "rule": dict(gone.rule)}
        await record(tx, actor, "audience.delete", target=audience_id, detail=detail, now_ms=core.now_ms())
        await raise_revision(tx, PART)


async def _base(tx: Transaction, target: str) -> str:
    found = await get_audience(tx, target)
    return str(found.edition) if found else ""


async def _check(_core: Core, tx: Transaction, _actor: Actor, target: str, payload: dict[str, Any]) -> None:
    await known_audience(tx, target)
    _check_texts(payload["name"], payload["note"])
    await checked_rule(tx, payload["rule"], Bucketing(target), within=target)


async def _apply(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    now = await known_audience(tx, change.target)
    await _check(core, tx, actor, change.target, change.payload)  # other audiences may have changed meanwhile
    wanted = {name: change.payload[name] for name in ("name", "note", "rule")}
    made = replace(now, **wanted, edition=now.edition + 1, made_by=change.maker_operator_id, changed_ms=core.now_ms())
    await put_audience(tx, made)
    detail = {"edition": made.edition, "rule": dict(made.rule)}
    await record(tx, actor, "audience.change", target=change.target, detail=detail, now_ms=core.now_ms())
    await raise_revision(tx, PART)


def differences(old: Edition | None, new: Edition) -> list[DiffLine]:
    """Return the lines in which an edition differs from the one before; all of them of the first."""
    lines = [
        DiffLine("名称", "Name", old.name if old else None, new.name),
        DiffLine("说明", "Note", old.note if old else None, new.note),
        _rule_line(old.rule if old else None, new.rule),
    ]
    return [line for line in lines if line.before != line.after and (line.before or line.after)]


def _describe(payload: dict[str, Any]) -> list[DiffLine]:
    before = payload["before"]
    return [
        DiffLine("名称", "Name", before["name"], payload["name"]),
        _rule_line(before["rule"], payload["rule"]),
    ]


def _rule_line(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> DiffLine:
    texts = {canonical_json(rule).decode(): rule_words(dict(rule)) for rule in (before, after) if rule is not None}
    was = canonical_json(before).decode() if before is not None else None
    return DiffLine("受众", "Audience", was, canonical_json(after).decode(), texts)


def _named(_target: str, payload: dict[str, Any]) -> str:
    return str(payload["name"])


def _check_texts(name: str, note: str) -> None:
    if not 0 < len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise BadAudience(f"A name has 1 to {MAX_NAME} printable characters.")
    if len(note) > MAX_NOTE:
        raise BadAudience(f"A note has at most {MAX_NOTE} characters.", field="note")


CHANGE = ChangeKind(
    KIND,
    propose="audience:edit",
    approve="audience:approve",
    base=_base,
    apply=_apply,
    describe=_describe,
    check=_check,
    named=_named,
    zh="变更受众",
    en="Change a saved audience",
)
