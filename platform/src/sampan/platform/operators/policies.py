"""Numbers that a bank sets for its whole workspace, each with a default, limits and a trace. One row a number."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Integer, String, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Invalid
from sampan.platform.operators.audit import record
from sampan.platform.workspaces.revisions import raise_revision

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.operators.actor import Actor

policies = scoped_table(
    "policies",
    Column("name", String(64), primary_key=True),
    Column("value", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
_P = policies.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a number is called and may be, how its changes stand in the audit log, and who reads it from memory."""

    name: str
    default: int
    least: int
    most: int
    permission: str
    action: str
    refusal: type[Invalid]
    """Raised with `rule`, where {least} and {most} stand for the limits."""
    rule: str
    part: str | None = None
    """The part of a workspace's memory that holds the number."""

    async def read(self, tx: Transaction) -> int:
        """Return what is in force."""
        statement = select(_P.value).where(_P.workspace_id == tx.workspace_id, _P.name == self.name)
        return (await tx.execute(statement)).scalar_one_or_none() or self.default

    async def put(self, core: "Core", workspace_id: str, actor: "Actor", value: int) -> int:
        """Set it from now on, and return it; raise `refusal` for what is out of the limits."""
        if not self.least <= value <= self.most:
            raise self.refusal(self.rule.format(least=self.least, most=f"{self.most:,}"))
        now_ms = core.now_ms()
        async with core.store.workspace(workspace_id).write() as tx:
            before = await self.read(tx)
            if value != before:
                values = {"value": value, "changed_ms": now_ms}
                statement = insert_or(tx, policies).values(workspace_id=tx.workspace_id, name=self.name, **values)
                await tx.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=values))
                if self.part is not None:
                    await raise_revision(tx, self.part)
                detail = {"before": before, "after": value}
                await record(tx, actor, self.action, target=self.name, detail=detail, now_ms=now_ms)
        return value
