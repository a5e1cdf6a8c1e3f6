"""Looks at running releases: the rows of what gates saw, and the promise to look again."""

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Integer, String, insert, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.jobs import enqueue
from sampan.platform.engines.tables import scoped_table

LOOK = "release.look"
EVERY_MS = 15_000
SHOWN = 500

release_looks = scoped_table(
    "release_looks",
    Column("release_id", String(40), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("stage", Integer, nullable=False),
    Column("devices", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("most", BigInteger, nullable=False),
    Column("why", String(32), nullable=False),
)
_L = release_looks.c


class Look(Struct, frozen=True):
    """What was seen at a time: of so many devices so many failed, `most` were allowed; `why` is what followed."""

    at_ms: int
    stage: int
    devices: int
    failures: int
    most: int
    why: str


async def promise_look(tx: Transaction, release_id: str, *, now_ms: int) -> None:
    """Look at the release again soon, if `tx` commits."""
    await enqueue(tx, LOOK, {"release": release_id}, run_at_ms=now_ms + EVERY_MS, unique=release_id)


async def add_look(tx: Transaction, release_id: str, look: Look) -> None:
    """Note a look unless the last one saw and decided the same."""
    last = await read_looks(tx, release_id, limit=1)
    if last and (last[-1].stage, last[-1].devices, last[-1].failures, last[-1].why) == (
        look.stage,
        look.devices,
        look.failures,
        look.why,
    ):
        return
    values = {name: getattr(look, name) for name in Look.__struct_fields__}
    await tx.execute(insert(release_looks).values(workspace_id=tx.workspace_id, release_id=release_id, **values))


async def read_looks(tx: Transaction, release_id: str, *, limit: int = SHOWN) -> list[Look]:
    """Return the last looks at a release, in the order of time."""
    statement = (
        select(*(_L[name] for name in Look.__struct_fields__))
        .where(_L.workspace_id == tx.workspace_id, _L.release_id == release_id)
        .order_by(_L.at_ms.desc())
        .limit(limit)
    )
    rows = (await tx.execute(statement)).all()
    return [Look(*tuple(row)) for row in reversed(rows)]
