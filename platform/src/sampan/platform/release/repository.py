"""The rows of releases and all SQL on them."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    Row,
    String,
    Text,
    func,
    insert,
    select,
    update,
)

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict, NotFound
from sampan.platform.release import caps, client_rules, schedule, stages
from sampan.platform.release.caps import Cap
from sampan.platform.release.client_rules import NO_RULES, ClientRules
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.schedule import Schedule
from sampan.platform.release.stages import Stage
from sampan.platform.release.states import OFFERING, ReleaseState

releases = scoped_table(
    "releases",
    Column("id", String(40), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("deliverable_id", String(200), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("version", String(64), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("min_host", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("client_app", String(64)),
    Column("audience", Text, nullable=False),
    Column("stages", Text, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("stage_since_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("judged_from_ms", BigInteger, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("before_devices", BigInteger, nullable=False),
    Column("before_failures", BigInteger, nullable=False),
    Column("update_mode", String(16), nullable=False),
    Column("rollback_to", BigInteger),
    Column("rollback_digest", String(80), nullable=False),
    Column("drawn_as", String(40), nullable=False),
    Column("cap", Text),
    Column("client_rules", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_exposed", Boolean, nullable=False),
    Column("cause", Text, nullable=False),
    Column("row_revision", Integer, nullable=False),
    Column("made_by", String(40), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
Index(
    "ix_releases_deliverable",
    releases.c.workspace_id,
    releases.c.kind,
    releases.c.deliverable_id,
    releases.c.sequence,
)
Index("ix_releases_changed", releases.c.workspace_id, releases.c.changed_ms, releases.c.id)
NEWEST = Order("-created", (releases.c.id,), descending=True)
OLDEST = Order("created", (releases.c.id,))
STAYING = OFFERING | {ReleaseState.PAUSED, ReleaseState.STOPPED}  # what devices have of these, they keep
LAST_CHANGED = Order("-changed", (releases.c.changed_ms, releases.c.id), descending=True)
release_history = scoped_table(
    "release_history",
    Column("release_id", String(40), primary_key=True),
    Column("row_revision", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    Column("made_by", String(40), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


class UnknownRelease(NotFound):
    """No release of this id in this workspace."""

    code = "unknown_release"


class ReleaseMoved(Conflict):
    """The release was moved or changed by another since it was read; nothing was changed."""

    code = "release_moved"


class Release(Struct, frozen=True):
    """The rollout of one deliverable. Its percentages are drawn under its id, which all its stages share.

    `started_ms`, `stage_since_ms` and `judged_from_ms` are 0 before the start; what devices told before the last of
    them judges nothing. `before` is how the version before fared when this one started.

    What devices are told of the version stands here too, as it was when the release was made. `is_exposed`: the
    control file that lets devices take it is visible in the trust tree; before that nothing is offered.
    `rollback_digest` is of the version to go back to, as it was when the release was made.

    `drawn_as`: what a roll-back made draws its percentages under the id of the release that it took back, so that it
    means the same people. It is empty for what people drafted.
    """

    id: str
    kind: str
    deliverable_id: str
    sequence: int
    version: str
    digest: str
    size_bytes: int
    min_host: int
    url: str
    client_app: str | None
    audience: Mapping[str, Any]
    stages: tuple[Stage, ...]
    stage: int
    stage_since_ms: int
    started_ms: int
    judged_from_ms: int
    schedule: Schedule
    before: Evidence
    update_mode: str
    rollback_to: int | None
    state: ReleaseState
    is_exposed: bool
    cause: str
    row_revision: int
    made_by: str
    created_ms: int
    changed_ms: int
    cap: Cap | None = None
    client_rules: ClientRules = NO_RULES
    rollback_digest: str = ""
    drawn_as: str = ""


class HistoryEntry(Struct, frozen=True):
    """One state that a release was in, since when and by whom."""

    row_revision: int
    state: ReleaseState
    stage: int
    cause: str
    made_by: str
    at_ms: int


async def add_release(tx: Transaction, release: Release) -> None:
    """Insert a new release."""
    await tx.execute(insert(releases).values(workspace_id=tx.workspace_id, **_row(release)))
    await _add_history(tx, release)


async def rewrite_draft(tx: Transaction, release: Release, draft: Release) -> Release:
    """Put what a draft says in the place of what it said before; its id, its maker and its history stay.

    `changed_ms` always rises, so that it tells what was read.
    """
    kept = {"id", "made_by", "created_ms", "row_revision", "kind", "deliverable_id"}
    values = {name: value for name, value in _row(draft).items() if name not in kept}
    values["changed_ms"] = max(draft.changed_ms, release.changed_ms + 1)
    statement = (
        update(releases)
        .where(
            releases.c.workspace_id == tx.workspace_id,
            releases.c.id == release.id,
            releases.c.row_revision == release.row_revision,
            releases.c.state == ReleaseState.DRAFT,
        )
        .values(**values, row_revision=releases.c.row_revision + 1)
        .returning(*_COLUMNS)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise ReleaseMoved("Somebody changed or submitted the draft at the same moment; look at it again.")
    changed = _release(row)
    await _add_history(tx, changed, made_by=draft.made_by)
    return changed


async def get_release(tx: Transaction, release_id: str) -> Release:
    """Return a release; raise `UnknownRelease`."""
    statement = select(*_COLUMNS).where(releases.c.workspace_id == tx.workspace_id, releases.c.id == release_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise UnknownRelease(f"There is no release {release_id!r} in this workspace.")
    return _release(row)


async def release_revision(tx: Transaction, release_id: str) -> str:
    """Return the row's revision, the base of change requests on it."""
    return str((await get_release(tx, release_id)).row_revision)


async def page_releases(
    tx: Transaction,
    paging: Paging,
    order: Order,
    *,
    deliverable_id: str | None = None,
    state: ReleaseState | None = None,
    client_app: str | None = None,
) -> Found[Release]:
    """Return a page of releases."""
    statement = select(*_COLUMNS).where(releases.c.workspace_id == tx.workspace_id)
    wanted = {"deliverable_id": deliverable_id, "state": state, "client_app": client_app}
    for column, value in wanted.items():
        if value is not None:
            statement = statement.where(releases.c[column] == value)
    return await read_page(tx, statement, order, paging, _release)


async def offering_releases(
    tx: Transaction, *, deliverable_id: str | None = None, kind: str | None = None
) -> list[Release]:
    """Return the releases that offer now, of one deliverable, one kind or all, the highest sequence first."""
    statement = select(*_COLUMNS).where(
        releases.c.workspace_id == tx.workspace_id, releases.c.state.in_(sorted(OFFERING))
    )
    if deliverable_id is not None:
        statement = statement.where(releases.c.deliverable_id == deliverable_id)
    if kind is not None:
        statement = statement.where(releases.c.kind == kind)
    order = (releases.c.kind, releases.c.deliverable_id, releases.c.sequence.desc(), releases.c.id.desc())
    return [_release(row) for row in await tx.execute(statement.order_by(*order))]


async def read_release_rows(tx: Transaction, condition: ColumnElement[bool]) -> list[Release]:
    """Return the releases of the workspace for which a condition on their columns holds."""
    statement = select(*_COLUMNS).where(releases.c.workspace_id == tx.workspace_id, condition)
    return [_release(row) for row in await tx.execute(statement)]


async def releases_of(tx: Transaction, kind: str, deliverable_id: str) -> list[Release]:
    """Return all releases of one deliverable, whatever became of them, the newest first."""
    statement = select(*_COLUMNS).where(
        releases.c.workspace_id == tx.workspace_id,
        releases.c.kind == kind,
        releases.c.deliverable_id == deliverable_id,
    )
    return [_release(row) for row in await tx.execute(statement.order_by(releases.c.id.desc()))]


async def standing_still(tx: Transaction) -> dict[str, set[int]]:
    """Return, by deliverable, the versions that began after the last roll-back that meant them, and live or stopped.

    A release that lives is meant by a roll-back of its own version alone: others end it with them where they mean it.
    One that was stopped is meant by a roll-back of any version from its own up.
    """
    here, packages = releases.c.workspace_id == tx.workspace_id, releases.c.url != ""
    version = (releases.c.deliverable_id, releases.c.sequence)
    ended = (
        select(*version, func.max(releases.c.changed_ms).label("at_ms"))
        .where(here, packages, releases.c.state == ReleaseState.ROLLED_BACK)
        .group_by(*version)
    )
    rolled_back: dict[str, dict[int, int]] = {}
    for row in await tx.execute(ended):
        rolled_back.setdefault(row.deliverable_id, {})[row.sequence] = row.at_ms
    if not rolled_back:
        return {}  # nothing ever opened a way back
    began = (
        select(*version, releases.c.state, func.max(releases.c.started_ms).label("at_ms"))
        .where(here, packages, releases.c.state.in_(sorted(STAYING)), releases.c.started_ms > 0)
        .group_by(*version, releases.c.state)
    )
    found: dict[str, set[int]] = {}
    for row in await tx.execute(began):
        backs = rolled_back.get(row.deliverable_id, {})
        is_stopped = row.state == ReleaseState.STOPPED
        last = max(
            (at for of, at in backs.items() if of == row.sequence or (is_stopped and of > row.sequence)), default=0
        )
        if row.at_ms > last:
            found.setdefault(row.deliverable_id, set()).add(row.sequence)
    return found


async def mark_exposed(tx: Transaction, deliverable_ids: Collection[str], *, kind: str | None = None) -> None:
    """Mark what offers now of these deliverables, of one kind or of all packages, as visible to devices."""
    which = releases.c.url != "" if kind is None else releases.c.kind == kind
    await tx.execute(
        update(releases)
        .where(
            releases.c.workspace_id == tx.workspace_id,
            releases.c.is_exposed.is_(False),
            releases.c.state.in_(sorted(OFFERING)),
            releases.c.deliverable_id.in_(sorted(deliverable_ids)),
            which,
        )
        .values(is_exposed=True)
    )


async def repoint(
    tx: Transaction, kind: str, deliverable_id: str, sequence: int, *, digest: str, size_bytes: int, now_ms: int
) -> None:
    """Let what was approved of a version go on with another digest, when part of what it stood on was taken away.

    Nothing is offered before the control file with that digest is visible. What nobody approved yet keeps the digest
    that was proposed, and so cannot start.
    """
    await tx.execute(
        update(releases)
        .where(
            releases.c.workspace_id == tx.workspace_id,
            releases.c.kind == kind,
            releases.c.deliverable_id == deliverable_id,
            releases.c.sequence == sequence,
            releases.c.state.in_(sorted(STAYING | {ReleaseState.APPROVED})),
        )
        .values(
            digest=digest,
            size_bytes=size_bytes,
            is_exposed=False,
            changed_ms=now_ms,
            row_revision=releases.c.row_revision + 1,
        )
    )


async def change_release(
    tx: Transaction,
    release: Release,
    *,
    state: ReleaseState,
    cause: str,
    made_by: str,
    now_ms: int,
    stage: int | None = None,
    before: Evidence | None = None,
) -> Release:
    """Move a release to a state, or to a stage, and note it in its history; return it as it is then.

    `before` comes with its first start. What stood still is judged anew when it runs again.
    """
    values: dict[str, Any] = {"state": state, "cause": cause, "changed_ms": now_ms}
    if stage is not None:
        values |= {"stage": stage, "stage_since_ms": now_ms}
    if state is ReleaseState.RUNNING and release.state is not ReleaseState.RUNNING:
        values |= {"judged_from_ms": now_ms, "stage_since_ms": now_ms}
    if before is not None:
        values |= {"started_ms": now_ms, "before_devices": before.devices, "before_failures": before.failures}
    statement = (
        update(releases)
        .where(
            releases.c.workspace_id == tx.workspace_id,
            releases.c.id == release.id,
            releases.c.row_revision == release.row_revision,
        )
        .values(**values, row_revision=releases.c.row_revision + 1)
        .returning(*_COLUMNS)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise ReleaseMoved("Somebody, or its gate, moved the release at the same moment; look at it again.")
    changed = _release(row)
    await _add_history(tx, changed, made_by=made_by)
    return changed


async def history(tx: Transaction, release_id: str) -> list[HistoryEntry]:
    """Return the states of a release in the order it had them."""
    table = release_history
    statement = (
        select(table.c.row_revision, table.c.state, table.c.stage, table.c.cause, table.c.made_by, table.c.at_ms)
        .where(table.c.workspace_id == tx.workspace_id, table.c.release_id == release_id)
        .order_by(table.c.row_revision)
    )
    return [
        HistoryEntry(row.row_revision, ReleaseState(row.state), row.stage, row.cause, row.made_by, row.at_ms)
        for row in await tx.execute(statement)
    ]


async def stages_of(tx: Transaction, release_id: str) -> list[int]:
    """Return the stages at which a release ran, in order: what narrowing left is among them."""
    table = release_history
    statement = select(table.c.stage).where(
        table.c.workspace_id == tx.workspace_id,
        table.c.release_id == release_id,
        table.c.state == ReleaseState.RUNNING,
    )
    return sorted({row.stage for row in await tx.execute(statement.distinct())})


async def _add_history(tx: Transaction, release: Release, *, made_by: str | None = None) -> None:
    await tx.execute(
        insert(release_history).values(
            workspace_id=tx.workspace_id,
            release_id=release.id,
            row_revision=release.row_revision,
            state=release.state,
            stage=release.stage,
            cause=release.cause,
            made_by=made_by or release.made_by,
            at_ms=release.changed_ms,
        )
    )


_COLUMNS = tuple(column for column in releases.c if column.name != "workspace_id")


def _release(row: Row[Any]) -> Release:
    fields = {name: getattr(row, name) for name in Release.__struct_fields__ if name != "before"}
    fields["audience"] = json.loads(row.audience)
    fields["stages"] = stages.read_stages(json.loads(row.stages))
    fields["schedule"] = schedule.read_schedule(json.loads(row.schedule))
    fields["state"] = ReleaseState(row.state)
    fields["client_rules"] = client_rules.read_client_rules(json.loads(row.client_rules))
    fields["cap"] = None if row.cap is None else caps.read_cap(json.loads(row.cap))
    return Release(**fields, before=Evidence(row.before_devices, row.before_failures))


def _row(release: Release) -> dict[str, Any]:
    return {
        "id": release.id,
        "kind": release.kind,
        "deliverable_id": release.deliverable_id,
        "sequence": release.sequence,
        "version": release.version,
        "digest": release.digest,
        "size_bytes": release.size_bytes,
        "min_host": release.min_host,
        "url": release.url,
        "client_app": release.client_app,
        "audience": canonical_json(release.audience).decode(),
        "stages": canonical_json(stages.written(release.stages)).decode(),
        "stage": release.stage,
        "stage_since_ms": release.stage_since_ms,
        "started_ms": release.started_ms,
        "judged_from_ms": release.judged_from_ms,
        "schedule": canonical_json(schedule.written(release.schedule)).decode(),
        "before_devices": release.before.devices,
        "before_failures": release.before.failures,
        "update_mode": release.update_mode,
        "rollback_to": release.rollback_to,
        "rollback_digest": release.rollback_digest,
        "drawn_as": release.drawn_as,
        "client_rules": canonical_json(client_rules.written(release.client_rules)).decode(),
        "cap": None if release.cap is None else canonical_json(caps.written(release.cap)).decode(),
        "state": release.state,
        "is_exposed": release.is_exposed,
        "cause": release.cause,
        "row_revision": release.row_revision,
        "made_by": release.made_by,
        "created_ms": release.created_ms,
        "changed_ms": release.changed_ms,
    }
