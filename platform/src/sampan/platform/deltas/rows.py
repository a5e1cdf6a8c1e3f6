"""Rows of deltas: between which versions there is one, and what it saves."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Integer, String, delete, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table

deltas = scoped_table(
    "deltas",
    Column("app_id", String(200), primary_key=True),
    Column("target_sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("base_sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("target_sha256", String(64), nullable=False),
    Column("base_sha256", String(64), nullable=False),
    Column("is_served", Boolean, nullable=False),
    Column("delta_bytes", BigInteger, nullable=False),
    Column("files_bytes", BigInteger, nullable=False),
    Column("whole_bytes", BigInteger, nullable=False),
    Column("make_ms", Integer, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)
_D = deltas.c


class Delta(Struct, frozen=True):
    """One delta. `files_bytes` and `whole_bytes` are what a device fetches without it, in the two other ways.

    One that saves too little is remembered and not served; its `is_served` is False. `make_ms` is time of a processor.
    """

    app_id: str
    target_sequence: int
    base_sequence: int
    target_sha256: str
    base_sha256: str
    is_served: bool
    delta_bytes: int
    files_bytes: int
    whole_bytes: int
    make_ms: int
    made_ms: int

    def key(self, workspace_id: str) -> Key:
        """Return where it stands in the object store."""
        return delta_key(workspace_id, self.base_sha256, self.target_sha256)


def delta_key(workspace_id: str, base_sha256: str, target_sha256: str) -> Key:
    """Return where the delta between two archives stands in the object store."""
    return workspace_key(workspace_id, "deltas", f"{base_sha256}-{target_sha256}")


async def read_deltas(tx: Transaction, app_id: str) -> list[Delta]:
    """Return an app's deltas, the newest target and base first."""
    statement = (
        select(*(_D[name] for name in Delta.__struct_fields__))
        .where(_D.workspace_id == tx.workspace_id, _D.app_id == app_id)
        .order_by(_D.target_sequence.desc(), _D.base_sequence.desc())
    )
    return [Delta(**row._asdict()) for row in await tx.execute(statement)]


async def note_delta(tx: Transaction, made: Delta) -> None:
    """Store or replace a row."""
    values = {name: getattr(made, name) for name in Delta.__struct_fields__}
    statement = insert_or(tx, deltas).values(workspace_id=tx.workspace_id, **values)
    keys = ["workspace_id", "app_id", "target_sequence", "base_sequence"]
    update = {name: statement.excluded[name] for name in values if name not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=update))


async def forget_deltas(tx: Transaction, gone: Sequence[Delta]) -> None:
    """Delete rows."""
    for each in gone:
        await tx.execute(
            delete(deltas).where(
                _D.workspace_id == tx.workspace_id,
                _D.app_id == each.app_id,
                _D.target_sequence == each.target_sequence,
                _D.base_sequence == each.base_sequence,
            )
        )
