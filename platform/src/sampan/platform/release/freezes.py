"""The freeze calendar of a workspace: times in which nothing starts or moves on. Stopping never waits."""

from sqlalchemy import BigInteger, Column, Index, String, Text, delete, insert, select

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict, Invalid, NotFound
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.schedule import Freeze

MOST = 200
MAX_REASON = 200

freezes = scoped_table(
    "release_freezes",
    Column("id", String(40), primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", String(40), nullable=False),
)
_F = freezes.c
Index("ix_release_freezes_from", _F.workspace_id, _F.from_ms, _F.id)
BY_TIME = Order("from", (_F.from_ms, _F.id))


class BadFreeze(Invalid):
    """A freeze ends before it begins, lies in the past, or has no reason."""

    code = "bad_freeze"


class TooManyFreezes(Conflict):
    """The calendar is full."""

    code = "too_many_freezes"


class FreezeUnknown(NotFound):
    """No freeze of this id in this workspace."""

    code = "freeze_unknown"


async def list_freezes(tx: Transaction, *, now_ms: int) -> list[Freeze]:
    """Return the freezes that are not over, the first to begin first."""
    statement = (
        select(_F.id, _F.from_ms, _F.until_ms, _F.reason)
        .where(_F.workspace_id == tx.workspace_id, _F.until_ms > now_ms)
        .order_by(_F.from_ms, _F.id)
    )
    return [Freeze(row.id, row.from_ms, row.until_ms, row.reason) for row in await tx.execute(statement)]


async def page_freezes(tx: Transaction, paging: Paging, *, now_ms: int) -> Found[Freeze]:
    """Return a page of the freezes that are not over, the first to begin first."""
    statement = select(_F.id, _F.from_ms, _F.until_ms, _F.reason).where(
        _F.workspace_id == tx.workspace_id, _F.until_ms > now_ms
    )
    return await read_page(
        tx, statement, BY_TIME, paging, lambda row: Freeze(row.id, row.from_ms, row.until_ms, row.reason)
    )


async def add_freeze(
    core: Core, workspace_id: str, actor: Actor, *, from_ms: int, until_ms: int, reason: str
) -> Freeze:
    """Freeze a time; one person may, because it only holds back."""
    actor.require("release:freeze")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise BadFreeze(f"Say in 1 to {MAX_REASON} characters why, for those who must wait.", field="reason")
    if from_ms >= until_ms or until_ms <= core.now_ms():
        raise BadFreeze("A freeze ends after it begins, and in the future.", field="until_ms")
    freeze = Freeze(new_id("frz"), from_ms, until_ms, reason.strip())
    async with core.store.workspace(workspace_id).write() as tx:
        if len(await list_freezes(tx, now_ms=core.now_ms())) >= MOST:
            raise TooManyFreezes(f"A calendar holds {MOST} freezes that are not over; remove one first.")
        row = {"id": freeze.id, "from_ms": from_ms, "until_ms": until_ms, "reason": freeze.reason}
        await tx.execute(insert(freezes).values(workspace_id=tx.workspace_id, made_by=actor.person_id, **row))
        await audit.record(tx, actor, "release.frozen", target=freeze.id, detail=row, now_ms=core.now_ms())
    return freeze


async def remove_freeze(core: Core, workspace_id: str, actor: Actor, freeze_id: str) -> None:
    """End or cancel a freeze."""
    actor.require("release:freeze")
    async with core.store.workspace(workspace_id).write() as tx:
        statement = delete(freezes).where(_F.workspace_id == tx.workspace_id, _F.id == freeze_id).returning(_F.reason)
        gone = (await tx.execute(statement)).one_or_none()
        if gone is None:
            raise FreezeUnknown(f"There is no freeze {freeze_id!r}; it may be over already.")
        detail = {"reason": gone.reason}
        await audit.record(tx, actor, "release.unfrozen", target=freeze_id, detail=detail, now_ms=core.now_ms())
