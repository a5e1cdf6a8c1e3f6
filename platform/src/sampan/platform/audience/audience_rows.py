"""Rows of saved audiences and of their editions, and the snapshot part that rules look them up in."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import delete, insert, select, update

from sampan.platform.audience.rules import Bucketing, CompiledRule, compile_rule
from sampan.platform.audience.tables import audience_editions, audiences
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.workspaces.replica import SnapshotPart

PART = "audiences"
NEWEST = Order("-changed", (audiences.c.changed_ms, audiences.c.id), descending=True)
BY_NAME = Order("name", (audiences.c.name, audiences.c.id))
LATEST = Order("-edition", (audience_editions.c.edition,), descending=True)


class SavedAudience(Struct, frozen=True):
    """A rule under a name; `edition` rises with every change."""

    id: str
    name: str
    note: str
    rule: Mapping[str, Any]
    edition: int
    made_by: str
    created_ms: int
    changed_ms: int


class Edition(Struct, frozen=True):
    """What a saved audience was, and who made it so."""

    edition: int
    name: str
    note: str
    rule: Mapping[str, Any]
    made_by: str
    at_ms: int


class AudiencesPart(Mapping[str, CompiledRule]):
    """All saved audiences, compiled. A percentage in one is drawn under the audience's own id, wherever it is used."""

    def __init__(self, saved: Sequence[SavedAudience]) -> None:
        self._rules = {each.id: compile_rule(each.rule, Bucketing(each.id)) for each in saved}
        self.moments_ms = sorted({moment for rule in self._rules.values() for moment in rule.moments_ms})

    def __getitem__(self, audience_id: str) -> CompiledRule:
        return self._rules[audience_id]

    def get(self, audience_id: str, default: Any = None) -> Any:
        """Return one audience, or `default`."""
        return self._rules.get(audience_id, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def era(self, now_ms: int) -> int:
        """Return the number of the stretch of time in which the audiences' answers do not change by themselves."""
        return bisect_right(self.moments_ms, now_ms)


_COLUMNS = tuple(column for column in audiences.c if column.name != "workspace_id")
_EDITION = tuple(getattr(audience_editions.c, name) for name in ("edition", "name", "note", "rule", "made_by", "at_ms"))


async def put_audience(tx: Transaction, audience: SavedAudience) -> None:
    """Store a new audience or the next edition of one, and keep the edition."""
    rule = canonical_json(audience.rule).decode()
    values = {name: getattr(audience, name) for name in SavedAudience.__struct_fields__} | {"rule": rule}
    if audience.edition == 1:
        await tx.execute(insert(audiences).values(workspace_id=tx.workspace_id, **values))
    else:
        await tx.execute(
            update(audiences)
            .where(audiences.c.workspace_id == tx.workspace_id, audiences.c.id == audience.id)
            .values({name: value for name, value in values.items() if name not in ("id", "created_ms")})
        )
    await tx.execute(
        insert(audience_editions).values(
            workspace_id=tx.workspace_id,
            audience_id=audience.id,
            edition=audience.edition,
            name=audience.name,
            note=audience.note,
            rule=rule,
            made_by=audience.made_by,
            at_ms=audience.changed_ms,
        )
    )


async def delete_audience(tx: Transaction, audience_id: str) -> None:
    """Remove a saved audience and its editions."""
    of_it = audience_editions.c.audience_id == audience_id
    await tx.execute(delete(audience_editions).where(audience_editions.c.workspace_id == tx.workspace_id, of_it))
    await tx.execute(
        delete(audiences).where(audiences.c.workspace_id == tx.workspace_id, audiences.c.id == audience_id)
    )


async def get_audience(tx: Transaction, audience_id: str) -> SavedAudience | None:
    """Return one saved audience."""
    statement = select(*_COLUMNS).where(audiences.c.workspace_id == tx.workspace_id, audiences.c.id == audience_id)
    row = (await tx.execute(statement)).one_or_none()
    return _record(row) if row else None


async def list_audiences(tx: Transaction) -> list[SavedAudience]:
    """Return all saved audiences."""
    statement = select(*_COLUMNS).where(audiences.c.workspace_id == tx.workspace_id).order_by(audiences.c.id)
    return [_record(row) for row in await tx.execute(statement)]


async def page_audiences(tx: Transaction, paging: Paging, order: Order, *, search: str = "") -> Found[SavedAudience]:
    """Return a page of saved audiences; `search` is a part of the name."""
    statement = select(*_COLUMNS).where(audiences.c.workspace_id == tx.workspace_id)
    if search:
        statement = statement.where(audiences.c.name.icontains(search, autoescape=True))
    return await read_page(tx, statement, order, paging, _record)


async def page_editions(tx: Transaction, audience_id: str, paging: Paging) -> Found[Edition]:
    """Return a page of what an audience was, the present edition first."""
    statement = select(*_EDITION).where(
        audience_editions.c.workspace_id == tx.workspace_id, audience_editions.c.audience_id == audience_id
    )
    return await read_page(tx, statement, LATEST, paging, _edition)


async def get_edition(tx: Transaction, audience_id: str, edition: int) -> Edition | None:
    """Return one edition of a saved audience."""
    statement = select(*_EDITION).where(
        audience_editions.c.workspace_id == tx.workspace_id,
        audience_editions.c.audience_id == audience_id,
        audience_editions.c.edition == edition,
    )
    row = (await tx.execute(statement)).one_or_none()
    return _edition(row) if row else None


def _record(row: Any) -> SavedAudience:
    values = {name: getattr(row, name) for name in SavedAudience.__struct_fields__}
    return SavedAudience(**values | {"rule": json.loads(row.rule)})


def _edition(row: Any) -> Edition:
    return Edition(row.edition, row.name, row.note, json.loads(row.rule), row.made_by, row.at_ms)


snapshot_part = SnapshotPart(PART, list_audiences, AudiencesPart)
