"""The guard refuses every statement that could leave its workspace, whoever wrote it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Integer,
    String,
    and_,
    bindparam,
    create_engine,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from sampan.platform.engines.database import SqliteDatabase
from sampan.platform.engines.tables import global_table, metadata, scoped_table
from sampan.platform.workspaces.guard import SystemDoor, UnscopedStatement
from sampan.platform.workspaces.store import Store

pytestmark = pytest.mark.anyio

boats = scoped_table(
    "test_boats", Column("id", Integer, primary_key=True), Column("name", String(20)), Column("crew", Integer)
)
sailors = scoped_table("test_sailors", Column("id", Integer, primary_key=True), Column("boat", Integer))
harbours = global_table("test_harbours", Column("id", Integer, primary_key=True))
MINE, OTHER = "bank-a", "bank-b"
DOOR = SystemDoor("census", "counts boats for the test", reads=frozenset({boats}), writes=frozenset({harbours}))
mine, other = boats.c.workspace_id == MINE, boats.c.workspace_id == OTHER
his, crewed = sailors.c.workspace_id == MINE, sailors.c.boat == boats.c.id
b2 = boats.alias("b2")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    engine = create_engine(f"sqlite:///{tmp_path / 'db'}")
    metadata.create_all(engine, tables=[boats, sailors, harbours])
    engine.dispose()
    database = SqliteDatabase(tmp_path / "db")
    yield Store(database)
    await database.close()


ALLOWED = {
    "plain": select(boats.c.name).where(mine),
    "turned round": select(boats.c.name).where(boats.c.workspace_id == MINE),
    "nested and": select(boats.c.name).where(and_(boats.c.crew > 1, and_(mine, boats.c.name == "x"))),
    "or beside it": select(boats.c.name).where(mine, or_(boats.c.crew == 1, boats.c.crew == 2)),
    "join, both in where": select(boats.c.id).join(sailors, crewed).where(mine, his),
    "join, right side in on": select(boats.c.id).join(sailors, and_(crewed, his)).where(mine),
    "outer join, right side in on": select(boats.c.id).outerjoin(sailors, and_(crewed, his)).where(mine),
    "alias": select(b2.c.id).where(b2.c.workspace_id == MINE),
    "bound subquery": select(boats.c.id).where(mine, boats.c.id.in_(select(sailors.c.boat).where(his))),
    "correlated exists": select(boats.c.id).where(mine, exists().where(mine, his, crewed).correlate(boats)),
    "bound union": union_all(select(boats.c.id).where(mine), select(sailors.c.id).where(his)),
    "count": select(func.count()).select_from(boats).where(mine),
    "insert": insert(boats).values(workspace_id=MINE, id=1),
    "insert many": insert(boats).values([{"workspace_id": MINE, "id": 2}, {"workspace_id": MINE, "id": 3}]),
    "upsert": upsert(boats)
    .values(workspace_id=MINE, id=1)
    .on_conflict_do_update(index_elements=["workspace_id", "id"], set_={"crew": 3}),
    "update": update(boats).where(mine, boats.c.id == 1).values(name="y"),
    "delete": delete(boats).where(mine, boats.c.id == 1),
}
cte = select(boats.c.id).where(boats.c.crew > 1).cte()
REFUSED = {
    "missing where": select(boats.c.name),
    "another workspace": select(boats.c.name).where(other),
    "or trick": select(boats.c.name).where(or_(mine, boats.c.crew == 1)),
    "or true": select(boats.c.name).where(or_(mine, true())),
    "negated": select(boats.c.name).where(~mine),
    "not equal": select(boats.c.name).where(boats.c.workspace_id != MINE),
    "in list": select(boats.c.name).where(boats.c.workspace_id.in_([MINE, OTHER])),
    "column against itself": select(boats.c.name).where(boats.c.workspace_id == boats.c.workspace_id),
    "half-bound join": select(boats.c.id).join(sailors, crewed).where(mine),
    "half-bound product": select(boats.c.id, sailors.c.id).where(mine),
    "join bound only to each other": select(boats.c.id)
    .join(sailors, sailors.c.workspace_id == boats.c.workspace_id)
    .where(mine),
    "outer join, left side only in on": select(boats.c.id).outerjoin(sailors, and_(crewed, mine)).where(his),
    "alias bound by the table's own column": select(b2.c.id).where(mine),
    "second alias unbound": select(b2.c.id).where(mine, b2.c.id == boats.c.id),
    "unbound subquery": select(boats.c.id).where(mine, boats.c.id.in_(select(sailors.c.boat))),
    "unbound scalar subquery": select(select(func.count(sailors.c.id)).scalar_subquery()).where(true()),
    "unbound exists": select(boats.c.id).where(mine, exists().where(crewed).correlate(boats)),
    "exists bound on the inner side only": select(boats.c.id).where(mine, exists().where(his, crewed).correlate(boats)),
    "correlation without an outer statement": select(boats.c.id).correlate(boats),
    "unbound derived table": select(select(boats.c.id).subquery().c.id),
    "unbound cte": select(cte.c.id),
    "half-bound union": union_all(select(boats.c.id).where(mine), select(sailors.c.id)),
    "raw text": text("SELECT * FROM test_boats"),
    "text in where": select(boats.c.id).where(mine, text("1=1 OR 1=1")),
    "text as column": select(literal_column("(SELECT count(*) FROM test_boats)")).where(true()),
    "required bind": select(boats.c.id).where(boats.c.workspace_id == bindparam("ws")),
    "global table": select(harbours.c.id),
    "insert elsewhere": insert(boats).values(workspace_id=OTHER, id=9),
    "insert without": insert(boats).values(id=9),
    "insert many, one elsewhere": insert(boats).values(
        [{"workspace_id": MINE, "id": 7}, {"workspace_id": OTHER, "id": 8}]
    ),
    "insert select": insert(boats).from_select(["workspace_id", "id"], select(b2.c.workspace_id, b2.c.id)),
    "insert global": insert(harbours).values(id=1),
    "upsert moving": upsert(boats)
    .values(workspace_id=MINE, id=1)
    .on_conflict_do_update(index_elements=["workspace_id", "id"], set_={"workspace_id": OTHER}),
    "update everything": update(boats).values(name="y"),
    "update elsewhere": update(boats).where(other).values(name="y"),
    "update moving": update(boats).where(mine).values(workspace_id=OTHER),
    "update by or": update(boats).where(or_(mine, boats.c.id == 1)).values(name="y"),
    "update from an unbound table": update(boats).where(mine, boats.c.id == sailors.c.boat).values(name="y"),
    "update set to an unbound subquery": update(boats)
    .where(mine)
    .values(crew=select(func.count(sailors.c.id)).scalar_subquery()),
    "delete everything": delete(boats),
    "delete elsewhere": delete(boats).where(other),
    "delete by or": delete(boats).where(or_(mine, other)),
}


@pytest.mark.parametrize("statement", ALLOWED.values(), ids=ALLOWED.keys())
async def test_a_bound_statement_runs(store: Store, statement: Any) -> None:
    async with store.workspace(MINE).write() as tx:
        first = await tx.execute(statement)
        again = None if hasattr(statement, "table") else await tx.execute(statement)
    assert first is not None
    assert again is None or again.returns_rows


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
async def test_an_unbound_statement_is_refused(store: Store, statement: Any) -> None:
    with pytest.raises(UnscopedStatement):
        async with store.workspace(MINE).write() as tx:
            await tx.execute(statement)


async def test_a_remembered_shape_still_checks_the_value(store: Store) -> None:
    async with store.workspace(MINE).read() as tx:
        for _ in range(2):
            await tx.execute(select(boats.c.id).where(boats.c.workspace_id == MINE, boats.c.name == OTHER))
        with pytest.raises(UnscopedStatement):
            await tx.execute(select(boats.c.id).where(boats.c.workspace_id == OTHER, boats.c.name == MINE))


async def test_parameters_apart_from_the_statement_are_checked(store: Store) -> None:
    async with store.workspace(MINE).write() as tx:
        await tx.execute(insert(boats), [{"workspace_id": MINE, "id": 1}, {"workspace_id": MINE, "id": 2}])
        with pytest.raises(UnscopedStatement):
            await tx.execute(insert(boats), [{"workspace_id": MINE, "id": 3}, {"workspace_id": OTHER, "id": 4}])
        with pytest.raises(UnscopedStatement):
            await tx.execute(update(boats).where(mine), {"workspace_id": OTHER})


async def test_parameters_cannot_replace_a_bound_workspace(store: Store) -> None:
    statement = select(boats.c.id).where(boats.c.workspace_id == bindparam("ws", MINE))
    async with store.workspace(MINE).read() as tx:
        await tx.execute(statement)
        with pytest.raises(UnscopedStatement):
            await tx.execute(statement, {"ws": OTHER})


async def test_a_system_door_reaches_only_the_tables_it_names(store: Store) -> None:
    async with store.system(DOOR).write() as tx:
        await tx.execute(select(boats.c.id))
        await tx.execute(insert(harbours).values(id=1))
        for statement in (select(sailors.c.id), delete(boats), select(boats.c.id).where(text("1=1"))):
            with pytest.raises(UnscopedStatement):
                await tx.execute(statement)


async def test_a_statement_without_any_door_is_refused(store: Store) -> None:
    async with store.database.read() as connection:
        with pytest.raises(UnscopedStatement):
            await connection.execute(select(boats.c.id).where(mine))


def test_a_scoped_table_needs_its_workspace_in_every_key() -> None:
    from sqlalchemy import MetaData, UniqueConstraint

    with pytest.raises(TypeError, match="must start with workspace_id"):
        scoped_table("test_broken", Column("id", Integer, primary_key=True), UniqueConstraint("id"))
    metadata.remove(metadata.tables["test_broken"])
    assert isinstance(metadata, MetaData)
