"""What explanations are read from: deliverables in pages, the releases that may have a say, what a device holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select, tuple_

from sampan.offline_packages.control import parse_control
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.insight.repository import inventory
from sampan.platform.release.cap_rows import places_held, places_of
from sampan.platform.release.caps import Cap, is_over
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.repository import Release, read_release_rows, releases, standing_still
from sampan.platform.release.snapshot import control_state
from sampan.platform.release.states import ReleaseState
from sampan.platform.release.sync import ControlState
from sampan.platform.trust.control_rows import control_docs

ENDED = (ReleaseState.STOPPED, ReleaseState.ROLLED_BACK)
ENDED_KEPT = 3
BY_ID = Order("id", (releases.c.kind, releases.c.deliverable_id))
Deliverable = tuple[str, str]


class Holding(Struct, frozen=True):
    """What a device said it holds of a deliverable, and when."""

    sequence: int
    digest: str
    seen_ms: int


class Controlled(Struct, frozen=True):
    """What an app's control file says: of its versions, and which packages with hotfixes devices may have."""

    of_versions: ControlState
    stacks: frozenset[str]


class Room(Struct, frozen=True):
    """A capped release as the subject meets it; `would_get` tells whether its next sync gives it a place."""

    cap: Cap
    taken: int
    has_place: bool
    would_get: bool

    @property
    def is_kept(self) -> bool:
        """Whether the subject has a place or is about to get one."""
        return self.has_place or self.would_get


async def page_deliverables(
    tx: Transaction, paging: Paging, *, kind: str | None, deliverable_id: str | None
) -> Found[Deliverable]:
    """Return a page of the deliverables that were ever handed in for release, as (kind, id).

    `deliverable_id` narrows to one, and to what is released for versions of it, as `<id>@<sequence>`.
    """
    table = releases.c
    statement = select(table.kind, table.deliverable_id).where(
        table.workspace_id == tx.workspace_id, table.state != ReleaseState.DRAFT
    )
    if kind is not None:
        statement = statement.where(table.kind == kind)
    if deliverable_id is not None:
        of_a_version = table.deliverable_id.startswith(f"{deliverable_id}@", autoescape=True)
        statement = statement.where((table.deliverable_id == deliverable_id) | of_a_version)
    grouped = statement.group_by(table.kind, table.deliverable_id)
    return await read_page(tx, grouped, BY_ID, paging, lambda row: (row.kind, row.deliverable_id))


async def releases_of(tx: Transaction, wanted: Sequence[Deliverable]) -> dict[Deliverable, list[Release]]:
    """Return the releases of some deliverables: all that are neither drafts nor ended, and the last that ended."""
    found: dict[Deliverable, list[Release]] = {each: [] for each in wanted}
    if not wanted:
        return found
    table = releases.c
    is_ended = table.state.in_(ENDED)
    place = func.row_number().over(
        partition_by=(table.kind, table.deliverable_id, is_ended), order_by=(table.changed_ms.desc(), table.id.desc())
    )
    ranked = (
        select(table.id, is_ended.label("is_ended"), place.label("place"))
        .where(
            table.workspace_id == tx.workspace_id,
            table.state != ReleaseState.DRAFT,
            tuple_(table.kind, table.deliverable_id).in_(wanted),
        )
        .subquery()
    )
    kept = select(ranked.c.id).where(ranked.c.is_ended.is_(False) | (ranked.c.place <= ENDED_KEPT))
    for release in await read_release_rows(tx, table.id.in_(kept)):
        found[release.kind, release.deliverable_id].append(release)
    return found


async def controls_of(tx: Transaction, wanted: Sequence[Deliverable]) -> dict[str, Controlled]:
    """Return by app what control says, for those of these deliverables that have a control file."""
    table = control_docs.c
    statement = select(table.app_id, table.body).where(
        table.workspace_id == tx.workspace_id, table.app_id.in_(sorted({app_of(each) for _kind, each in wanted}))
    )
    rows, still = await tx.execute(statement), await standing_still(tx)
    found: dict[str, Controlled] = {}
    for row in rows:
        control = parse_control(row.body, row.app_id)
        stacks = frozenset(each.digest for each in control.stacks)
        found[row.app_id] = Controlled(control_state(control, still.get(row.app_id, ())), stacks)
    return found


async def holdings_of(tx: Transaction, device_id: str, wanted: Sequence[Deliverable]) -> dict[Deliverable, Holding]:
    """Return what a device last said it holds of these deliverables, and of the apps that they are parts of."""
    table, ids = inventory.c, {each for _kind, each in wanted}
    statement = select(table.kind, table.artefact_id, table.sequence, table.digest, table.seen_ms).where(
        table.workspace_id == tx.workspace_id,
        table.device_id == device_id,
        table.artefact_id.in_(sorted(ids | {app_of(each) for each in ids})),
    )
    rows: Any = await tx.execute(statement)
    return {(row.kind, row.artefact_id): Holding(row.sequence, row.digest, row.seen_ms) for row in rows}


async def rooms_of(
    tx: Transaction, capped: Mapping[str, Cap], subjects: Sequence[str], *, now_ms: int
) -> dict[str, Room]:
    """Return by release what its cap means for the subject; nothing is claimed by asking."""
    held = await places_held(tx, subjects) if capped else frozenset()
    rooms: dict[str, Room] = {}
    for release_id, cap in capped.items():
        places = await places_of(tx, release_id)
        has_place = release_id in held
        is_free = places is not None and not places.is_closed and places.taken < places.places
        would_get = not has_place and is_free and not is_over(cap, now_ms)
        rooms[release_id] = Room(cap, places.taken if places is not None else 0, has_place, would_get)
    return rooms
