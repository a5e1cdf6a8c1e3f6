"""Versions: what intake computed of each package, with the state of its candidate. Records, and the SQL."""

from collections.abc import Callable, Collection
from typing import Any

import orjson
from msgspec import Struct, json
from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update

from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.tables import apps, candidates, versions
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page, read_seen


class Dependency(Struct, frozen=True):
    """A shared package that a version mounts: pinned by digest, or any sequence of a closed range."""

    id: str
    digest: str | None = None
    min_sequence: int | None = None
    max_sequence: int | None = None


class Package(Struct, frozen=True):
    """The facts of a package, all recomputed from its bytes; sizes in bytes, digests with their algorithm."""

    app_id: str
    sequence: int
    kind: str
    version: str
    package_digest: str
    index_bytes: int
    archive_digest: str
    archive_bytes: int
    files: int
    min_host: int
    floor: int
    dependencies: tuple[Dependency, ...]
    name: str
    icon_digest: str


class Version(Struct, frozen=True):
    """A version as it stands now; `source_id` names its files among the candidates."""

    package: Package
    candidate_id: str
    source_id: str
    publisher_id: str
    state: VersionState
    cause: str
    is_urgent: bool
    queued_ms: int
    is_trial: bool
    trial_note: str
    killed_code: str
    resequenced_from: int | None
    submitted_ms: int
    submitted_by: str
    submitted_person_id: str
    signed_person_id: str
    decided_ms: int | None
    decided_by: str | None
    published_ms: int | None

    @property
    def app_id(self) -> str:
        """The app that this is a version of."""
        return self.package.app_id

    @property
    def sequence(self) -> int:
        """Its rising number, unique for ever."""
        return self.package.sequence


_V, _C, _A = versions.c, candidates.c, apps.c
_COLUMNS = (
    _V.app_id,
    _V.sequence,
    _V.candidate_id,
    _V.source_id,
    _V.kind,
    _V.version,
    _V.is_urgent,
    _V.queued_ms,
    _V.is_trial,
    _V.trial_note,
    _V.package_digest,
    _V.index_bytes,
    _V.archive_digest,
    _V.archive_bytes,
    _V.files,
    _V.min_host,
    _V.floor,
    _V.dependencies,
    _V.name,
    _V.icon_digest,
    _V.killed_code,
    _V.resequenced_from,
    _A.publisher_id,
    _C.state,
    _C.cause,
    _C.submitted_ms,
    _C.submitted_by,
    _C.submitted_person_id,
    _C.signed_person_id,
    _C.decided_ms,
    _C.decided_by,
    _C.published_ms,
)


async def insert_version(
    tx: Transaction,
    package: Package,
    *,
    candidate_id: str,
    source_id: str,
    is_urgent: bool,
    resequenced_from: int | None,
    now_ms: int,
) -> None:
    """Store a version whose candidate row exists."""
    await tx.execute(
        insert(versions).values(
            workspace_id=tx.workspace_id,
            app_id=package.app_id,
            sequence=package.sequence,
            candidate_id=candidate_id,
            source_id=source_id,
            kind=package.kind,
            version=package.version,
            is_urgent=is_urgent,
            queued_ms=now_ms,
            is_trial=False,
            trial_note="",
            package_digest=package.package_digest,
            index_bytes=package.index_bytes,
            archive_digest=package.archive_digest,
            archive_bytes=package.archive_bytes,
            files=package.files,
            min_host=package.min_host,
            floor=package.floor,
            dependencies=json.encode(package.dependencies),
            name=package.name,
            icon_digest=package.icon_digest,
            killed_code="",
            resequenced_from=resequenced_from,
        )
    )


async def update_version(tx: Transaction, app_id: str, sequence: int, **values: Any) -> None:
    """Change columns of a version."""
    await tx.execute(
        update(versions)
        .where(_V.workspace_id == tx.workspace_id, _V.app_id == app_id, _V.sequence == sequence)
        .values(**values)
    )


async def find_version(tx: Transaction, app_id: str, sequence: int) -> Version | None:
    """Return one version, or None."""
    found = await _select(tx, _V.app_id == app_id, _V.sequence == sequence)
    return found[0] if found else None


async def version_of_candidate(tx: Transaction, candidate_id: str) -> Version | None:
    """Return the version behind a candidate, or None when it is a body without a package."""
    found = await _select(tx, _V.candidate_id == candidate_id)
    return found[0] if found else None


async def versions_of(
    tx: Transaction, app_id: str, states: Collection[VersionState] | None = None, *, limit: int | None = None
) -> list[Version]:
    """Return an app's versions, in these states or all, highest sequence first."""
    return await _select(tx, *_in_states(app_id, states), limit=limit)


async def page_versions(
    tx: Transaction,
    app_id: str,
    paging: Paging,
    *,
    states: Collection[VersionState] | None = None,
    trial: bool | None = None,
) -> Found[Version]:
    """Return a page of an app's versions, in these states or all, highest sequence first."""
    conditions = _in_states(app_id, states)
    if trial is not None:
        conditions.append(_V.is_trial.is_(trial))
    order = Order("-sequence", (_V.sequence,), descending=True)
    return await read_page(tx, _matching(tx, *conditions), order, paging, _version)


async def page_waiting(
    tx: Transaction,
    states: Collection[VersionState],
    paging: Paging,
    may_see: Callable[[Version], bool] | None = None,
) -> Found[Version]:
    """Return a page of the versions of all apps in these states, the longest waiting first.

    With `may_see`, only those that it lets through, uncounted.
    """
    statement = _matching(tx, _C.state.in_([each.value for each in states]))
    order = Order("queued", (_V.queued_ms, _V.app_id, _V.sequence))
    if may_see is None:
        return await read_page(tx, statement, order, paging, _version)
    return await read_seen(tx, statement, order, paging, _version, may_see)


async def versions_in(
    tx: Transaction, states: Collection[VersionState], *, app_ids: Collection[str] | None = None
) -> list[Version]:
    """Return the versions of these apps, or of all, in these states; by app, highest sequence first."""
    conditions = [_C.state.in_([each.value for each in states])]
    if app_ids is not None:
        conditions.append(_V.app_id.in_(sorted(app_ids)))
    return await _select(tx, *conditions)


async def trial_versions(tx: Transaction) -> list[Version]:
    """Return every version that the trial tree lists."""
    return await _select(tx, _V.is_trial.is_(True))


async def highest_sequence(tx: Transaction, app_id: str) -> int:
    """Return the highest sequence that the app has ever used, 0 before the first."""
    statement = select(func.coalesce(func.max(_V.sequence), 0)).where(
        _V.workspace_id == tx.workspace_id, _V.app_id == app_id
    )
    return int((await tx.execute(statement)).scalar_one())


async def highest_published(tx: Transaction, app_id: str) -> int:
    """Return the highest sequence that was ever published, killed and archived ones included; 0 for none."""
    published = [VersionState.PUBLISHED.value, VersionState.KILLED.value, VersionState.ARCHIVED.value]
    statement = (
        select(func.coalesce(func.max(_V.sequence), 0))
        .join(candidates, _C.id == _V.candidate_id)
        .where(
            _V.workspace_id == tx.workspace_id,
            _C.workspace_id == tx.workspace_id,
            _V.app_id == app_id,
            _C.state.in_(published),
        )
    )
    return int((await tx.execute(statement)).scalar_one())


async def latest_versions(
    tx: Transaction, app_ids: Collection[str], states: Collection[VersionState] = tuple(VersionState)
) -> dict[str, Version]:
    """Return by app the version with the highest sequence in these states; apps without one are left out."""
    highest = (
        select(_V.app_id, func.max(_V.sequence).label("sequence"))
        .join(candidates, _C.id == _V.candidate_id)
        .where(
            _V.workspace_id == tx.workspace_id,
            _C.workspace_id == tx.workspace_id,
            _V.app_id.in_(sorted(app_ids)),
            _C.state.in_([each.value for each in states]),
        )
        .group_by(_V.app_id)
        .subquery()
    )
    found = await _select(tx, _V.app_id == highest.c.app_id, _V.sequence == highest.c.sequence)
    return {each.app_id: each for each in found}


async def count_by_app(tx: Transaction, app_ids: Collection[str], states: Collection[VersionState]) -> dict[str, int]:
    """Return by app how many versions are in these states; apps without one are left out."""
    statement = (
        select(_V.app_id, func.count().label("number"))
        .join(candidates, _C.id == _V.candidate_id)
        .where(
            _V.workspace_id == tx.workspace_id,
            _C.workspace_id == tx.workspace_id,
            _V.app_id.in_(sorted(app_ids)),
            _C.state.in_([each.value for each in states]),
        )
        .group_by(_V.app_id)
    )
    return {row.app_id: row.number for row in await tx.execute(statement)}


async def version_before(
    tx: Transaction, app_id: str, sequence: int, states: Collection[VersionState]
) -> Version | None:
    """Return the highest version below a sequence in these states, or None."""
    found = await _select(tx, *_in_states(app_id, states), _V.sequence < sequence, limit=1)
    return found[0] if found else None


async def is_source_used(tx: Transaction, source_id: str) -> bool:
    """Whether a version's files stand under this id among the candidates."""
    statement = select(_V.sequence).where(_V.workspace_id == tx.workspace_id, _V.source_id == source_id).limit(1)
    return (await tx.execute(statement)).one_or_none() is not None


def _in_states(app_id: str, states: Collection[VersionState] | None) -> list[ColumnElement[bool]]:
    conditions = [_V.app_id == app_id]
    if states is not None:
        conditions.append(_C.state.in_([each.value for each in states]))
    return conditions


async def _select(tx: Transaction, *conditions: Any, limit: int | None = None) -> list[Version]:
    statement = _matching(tx, *conditions).order_by(_V.app_id, _V.sequence.desc()).limit(limit)
    return [_version(row) for row in await tx.execute(statement)]


def _matching(tx: Transaction, *conditions: Any) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(candidates, _C.id == _V.candidate_id)
        .join(apps, _A.app_id == _V.app_id)
        .where(
            _V.workspace_id == tx.workspace_id,
            _C.workspace_id == tx.workspace_id,
            _A.workspace_id == tx.workspace_id,
            *conditions,
        )
    )


def _version(row: Row[Any]) -> Version:
    package = Package(
        app_id=row.app_id,
        sequence=row.sequence,
        kind=row.kind,
        version=row.version,
        package_digest=row.package_digest,
        index_bytes=row.index_bytes,
        archive_digest=row.archive_digest,
        archive_bytes=row.archive_bytes,
        files=row.files,
        min_host=row.min_host,
        floor=row.floor,
        dependencies=tuple(Dependency(**each) for each in orjson.loads(row.dependencies)),
        name=row.name,
        icon_digest=row.icon_digest,
    )
    return Version(
        package=package,
        candidate_id=row.candidate_id,
        source_id=row.source_id,
        publisher_id=row.publisher_id,
        state=VersionState(row.state),
        cause=row.cause,
        is_urgent=row.is_urgent,
        queued_ms=row.queued_ms,
        is_trial=row.is_trial,
        trial_note=row.trial_note,
        killed_code=row.killed_code,
        resequenced_from=row.resequenced_from,
        submitted_ms=row.submitted_ms,
        submitted_by=row.submitted_by,
        submitted_person_id=row.submitted_person_id,
        signed_person_id=row.signed_person_id,
        decided_ms=row.decided_ms,
        decided_by=row.decided_by,
        published_ms=row.published_ms,
    )
