"""Candidates and the bodies they carry: records, and the SQL."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, delete, insert, select, update

from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.tables import candidate_bodies, candidates
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page

VERSION, RENEWAL, ARCHIVE, HOTFIX = "version", "renewal", "archive", "hotfix"


class Candidate(Struct, frozen=True):
    """Something that waits for the review key, or did; `kind` is `version`, `renewal`, `archive` or `hotfix`."""

    id: str
    app_id: str
    kind: str
    state: VersionState
    cause: str
    submitted_ms: int
    submitted_by: str
    submitted_person_id: str
    signed_person_id: str
    decided_ms: int | None
    decided_by: str | None
    published_ms: int | None


class Body(Struct, frozen=True):
    """The role body that a publisher signed for one tree profile, exactly as it came."""

    candidate_id: str
    profile: str
    role_version: int
    body: bytes
    body_digest: str
    is_countersigned: bool
    is_exposed: bool


_C = candidates.c
_CANDIDATE = (
    _C.id,
    _C.app_id,
    _C.kind,
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
_B = candidate_bodies.c
_BODY = (
    _B.candidate_id,
    _B.profile,
    _B.role_version,
    _B.body,
    _B.body_digest,
    _B.is_countersigned,
    _B.is_exposed,
)


async def insert_candidate(tx: Transaction, candidate: Candidate) -> None:
    """Store a new candidate."""
    await tx.execute(
        insert(candidates).values(
            workspace_id=tx.workspace_id,
            id=candidate.id,
            app_id=candidate.app_id,
            kind=candidate.kind,
            state=candidate.state.value,
            cause=candidate.cause,
            submitted_ms=candidate.submitted_ms,
            submitted_by=candidate.submitted_by,
            submitted_person_id=candidate.submitted_person_id,
            signed_person_id=candidate.signed_person_id,
        )
    )


async def find_candidate(tx: Transaction, candidate_id: str) -> Candidate | None:
    """Return one candidate, or None."""
    statement = select(*_CANDIDATE).where(_C.workspace_id == tx.workspace_id, _C.id == candidate_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _candidate(row)


async def candidates_of(
    tx: Transaction, app_id: str, *, kind: str, states: Collection[VersionState] | None = None
) -> list[Candidate]:
    """Return an app's candidates of one kind, newest first."""
    statement = select(*_CANDIDATE).where(_C.workspace_id == tx.workspace_id, _C.app_id == app_id, _C.kind == kind)
    if states is not None:
        statement = statement.where(_C.state.in_([each.value for each in states]))
    rows = await tx.execute(statement.order_by(_C.submitted_ms.desc(), _C.id.desc()))
    return [_candidate(row) for row in rows]


async def page_candidates(tx: Transaction, app_id: str, kinds: Collection[str], paging: Paging) -> Found[Candidate]:
    """Return a page of an app's candidates of these kinds, newest first."""
    statement = select(*_CANDIDATE).where(
        _C.workspace_id == tx.workspace_id, _C.app_id == app_id, _C.kind.in_(sorted(kinds))
    )
    return await read_page(tx, statement, Order("-id", (_C.id,), descending=True), paging, _candidate)


async def candidates_in(tx: Transaction, kinds: Collection[str], state: VersionState, *, limit: int) -> list[Candidate]:
    """Return candidates of all apps of these kinds in a state, the longest waiting first."""
    statement = select(*_CANDIDATE).where(
        _C.workspace_id == tx.workspace_id, _C.state == state.value, _C.kind.in_(sorted(kinds))
    )
    return [_candidate(row) for row in await tx.execute(statement.order_by(_C.id).limit(limit))]


async def update_candidate(tx: Transaction, candidate_id: str, *, present: VersionState, **values: Any) -> bool:
    """Change columns of a candidate that is still in the state `present`; return whether it was."""
    statement = (
        update(candidates)
        .where(_C.workspace_id == tx.workspace_id, _C.id == candidate_id, _C.state == present.value)
        .values(**values)
    )
    return bool((await tx.execute(statement)).rowcount)


async def bodies_of(tx: Transaction, candidate_ids: Collection[str]) -> list[Body]:
    """Return the bodies of these candidates, by profile."""
    statement = (
        select(*_BODY)
        .where(_B.workspace_id == tx.workspace_id, _B.candidate_id.in_(sorted(candidate_ids)))
        .order_by(_B.candidate_id, _B.profile)
    )
    return [_body(row) for row in await tx.execute(statement)]


async def base_versions(tx: Transaction, candidate_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Return by candidate and profile the role version that its body follows."""
    statement = select(_B.candidate_id, _B.profile, _B.role_version).where(
        _B.workspace_id == tx.workspace_id, _B.candidate_id.in_(sorted(candidate_ids))
    )
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(statement):
        found.setdefault(row.candidate_id, {})[row.profile] = row.role_version - 1
    return found


async def put_body(tx: Transaction, body: Body, *, now_ms: int) -> None:
    """Store a body in place of an earlier one of the same profile that was not countersigned."""
    await tx.execute(
        delete(candidate_bodies).where(
            _B.workspace_id == tx.workspace_id,
            _B.candidate_id == body.candidate_id,
            _B.profile == body.profile,
            _B.is_countersigned.is_(False),
        )
    )
    await tx.execute(
        insert(candidate_bodies).values(
            workspace_id=tx.workspace_id,
            candidate_id=body.candidate_id,
            profile=body.profile,
            role_version=body.role_version,
            body=body.body,
            body_digest=body.body_digest,
            received_ms=now_ms,
            is_countersigned=body.is_countersigned,
            is_exposed=body.is_exposed,
        )
    )


async def mark_countersigned(tx: Transaction, candidate_id: str, profile: str) -> None:
    """Note that the server's key has signed a body."""
    await _mark_body(tx, candidate_id, profile, is_countersigned=True)


async def mark_exposed(tx: Transaction, candidate_id: str, profile: str) -> None:
    """Note that devices can see a body."""
    await _mark_body(tx, candidate_id, profile, is_exposed=True)


async def countersigned_not_exposed(tx: Transaction, profile: str) -> list[tuple[str, str, int]]:
    """Return (candidate id, app id, role version) of every body of a tree that waits to become visible."""
    statement = (
        select(_B.candidate_id, _C.app_id, _B.role_version)
        .join(candidates, _C.id == _B.candidate_id)
        .where(
            _B.workspace_id == tx.workspace_id,
            _C.workspace_id == tx.workspace_id,
            _B.profile == profile,
            _B.is_countersigned.is_(True),
            _B.is_exposed.is_(False),
        )
    )
    return [(row.candidate_id, row.app_id, row.role_version) for row in await tx.execute(statement)]


async def apps_with_waiting(tx: Transaction) -> list[str]:
    """Return the ids of all apps that have a candidate waiting."""
    waiting = [VersionState.UPLOADED.value, VersionState.IN_REVIEW.value, VersionState.NEEDS_SIGNATURE.value]
    statement = select(_C.app_id).where(_C.workspace_id == tx.workspace_id, _C.state.in_(waiting)).distinct()
    return [row.app_id for row in await tx.execute(statement)]


async def _mark_body(tx: Transaction, candidate_id: str, profile: str, **values: bool) -> None:
    await tx.execute(
        update(candidate_bodies)
        .where(_B.workspace_id == tx.workspace_id, _B.candidate_id == candidate_id, _B.profile == profile)
        .values(**values)
    )


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        id=row.id,
        app_id=row.app_id,
        kind=row.kind,
        state=VersionState(row.state),
        cause=row.cause,
        submitted_ms=row.submitted_ms,
        submitted_by=row.submitted_by,
        submitted_person_id=row.submitted_person_id,
        signed_person_id=row.signed_person_id,
        decided_ms=row.decided_ms,
        decided_by=row.decided_by,
        published_ms=row.published_ms,
    )


def _body(row: Row[Any]) -> Body:
    return Body(
        candidate_id=row.candidate_id,
        profile=row.profile,
        role_version=row.role_version,
        body=row.body,
        body_digest=row.body_digest,
        is_countersigned=row.is_countersigned,
        is_exposed=row.is_exposed,
    )
