"""The places of capped releases: who has one, and the count that every claim locks first.

One statement takes the lock of the release's row; what is read and written after it belongs to one claim at a time,
whatever the number of workers. The count and the places change in one transaction or not at all.

A place of a device goes to the first customer who signs in there. Workers remember who holds a place; the number of the
log `HANDED`, which has no entries, rises with every place that was handed on and tells them to read again.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Index, String, insert, literal, or_, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import take_numbers
from sampan.platform.engines.tables import scoped_table
from sampan.platform.release.caps import HANDED, Cap

ASKED_AT_ONCE = 500

release_caps = scoped_table(
    "release_caps",
    Column("release_id", String(40), primary_key=True),
    Column("places", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("is_closed", Boolean, nullable=False),
)
release_places = scoped_table(
    "release_places",
    Column("release_id", String(40), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)
_C, _P = release_caps.c, release_places.c
Index("ix_release_places_subject", _P.workspace_id, _P.subject)
Subjects = Sequence[str]


class Places(Struct, frozen=True):
    """How many places a release has, how many are taken, and whether no more are given."""

    places: int
    taken: int
    is_closed: bool


async def open_places(tx: Transaction, release_id: str, cap: Cap) -> None:
    """Let a release that starts give places."""
    row = {"release_id": release_id, "places": cap.customers, "taken": 0, "is_closed": False}
    await tx.execute(insert(release_caps).values(workspace_id=tx.workspace_id, **row))


async def claim_places(
    tx: Transaction, release_id: str, asked: Sequence[Subjects], *, now_ms: int, is_over: bool
) -> tuple[set[str], bool]:
    """Give places in the order asked; return which of the asked subjects hold one now, and whether no more are given.

    Each of `asked` is one caller, who gets a place under the first of its ids: the one that another of them holds,
    which is handed on even when no more are given, or else a new one. `is_over` closes the release for good.
    """
    here = (_C.workspace_id == tx.workspace_id, _C.release_id == release_id)
    locking = update(release_caps).where(*here).values(is_closed=or_(_C.is_closed, literal(is_over)))
    row = (await tx.execute(locking.returning(_C.places, _C.taken, _C.is_closed))).one_or_none()
    if row is None:
        return set(), False
    holding = await _holding(tx, release_id, {subject for subjects in asked for subject in subjects})
    free = 0 if row.is_closed else row.places - row.taken
    given: dict[str, None] = {}
    handed: dict[str, str] = {}
    for first, *others in asked:
        if first in holding or first in given:
            continue
        if device := next((each for each in others if each in given), None):
            del given[device]  # asked just now, before its customer signed in
            given[first] = None
        elif device := next((each for each in others if each in holding), None):
            handed[device] = first
            holding = holding - {device} | {first}
        elif len(given) < free:
            given[first] = None
    is_closed = bool(row.is_closed) or row.taken + len(given) >= row.places
    if handed:
        await _hand_on(tx, release_id, handed)
    if given:
        rows = [{"release_id": release_id, "subject": subject, "at_ms": now_ms} for subject in given]
        await tx.execute(insert(release_places), [{"workspace_id": tx.workspace_id, **each} for each in rows])
        await tx.execute(update(release_caps).where(*here).values(taken=row.taken + len(given), is_closed=is_closed))
    return holding | set(given), is_closed


async def _hand_on(tx: Transaction, release_id: str, handed: Mapping[str, str]) -> None:
    for device, customer in handed.items():
        await tx.execute(
            update(release_places)
            .where(_P.workspace_id == tx.workspace_id, _P.release_id == release_id, _P.subject == device)
            .values(subject=customer)
        )
    await take_numbers(tx, HANDED, 1)
    tx.wake()


async def all_places(tx: Transaction, release_id: str) -> set[str]:
    """Return everybody who holds a place; once the release gives no more, it changes only as places are handed on."""
    statement = select(_P.subject).where(_P.workspace_id == tx.workspace_id, _P.release_id == release_id)
    return {row.subject for row in await tx.execute(statement)}


async def places_of(tx: Transaction, release_id: str) -> Places | None:
    """Return how many places are taken; None for a release that was never started with a cap."""
    statement = select(_C.places, _C.taken, _C.is_closed).where(
        _C.workspace_id == tx.workspace_id, _C.release_id == release_id
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else Places(row.places, row.taken, row.is_closed)


async def places_held(tx: Transaction, subjects: Collection[str]) -> frozenset[str]:
    """Return the releases in which one of these subjects holds a place."""
    statement = select(_P.release_id).where(_P.workspace_id == tx.workspace_id, _P.subject.in_(sorted(subjects)))
    return frozenset(row.release_id for row in await tx.execute(statement))


async def _holding(tx: Transaction, release_id: str, subjects: Collection[str]) -> set[str]:
    ordered, found = sorted(subjects), set()
    for start in range(0, len(ordered), ASKED_AT_ONCE):
        statement = select(_P.subject).where(
            _P.workspace_id == tx.workspace_id,
            _P.release_id == release_id,
            _P.subject.in_(ordered[start : start + ASKED_AT_ONCE]),
        )
        found |= {row.subject for row in await tx.execute(statement)}
    return found
