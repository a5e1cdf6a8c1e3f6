"""The workspace guard: no statement leaves without its workspace.

It looks at the statement itself, not at who wrote it. Inside a workspace door every scoped table of every
SELECT, UPDATE and DELETE (subqueries, CTEs, unions and aliases included) needs `table.workspace_id = <this
workspace>` in the top-level AND of that very statement's WHERE, or, for the right side of a join, of its
ON; inserts may only carry this workspace. Inside a system door only the tables that the door names may be
touched. Raw SQL text is refused everywhere, because nothing could be proved about it.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Engine, Table, event
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ColumnClause,
    ColumnElement,
    ReleaseSavepointClause,
    RollbackToSavepointClause,
    SavepointClause,
    TextClause,
)
from sqlalchemy.sql.selectable import Alias, FromClause, Join, Select, TextualSelect

from sampan.platform.engines.tables import is_scoped

CACHED_SHAPES = 4096


class UnscopedStatement(Exception):
    """A statement that the guard cannot prove to stay inside its workspace: a fault of ours, never of a caller."""


class SystemDoor(Struct, frozen=True):
    """A declared reason to read or write across workspaces, with the tables it may touch. Listed in docs/."""

    name: str
    reason: str
    reads: frozenset[Table] = frozenset()
    writes: frozenset[Table] = frozenset()


class Scope(Struct, frozen=True):
    """What the connection is open for: one workspace, or one system door."""

    workspace_id: str | None = None
    door: SystemDoor | None = None


class Guard(Struct):
    """Checks statements; remembers the shapes that passed, so that a known shape costs only its bound values."""

    _shapes: "OrderedDict[Any, tuple[int, ...]]" = field(default_factory=OrderedDict)

    def check(self, statement: object, scope: Scope, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Raise `UnscopedStatement` unless the statement provably stays inside `scope`."""
        if isinstance(statement, SavepointClause | RollbackToSavepointClause | ReleaseSavepointClause):
            return
        if isinstance(statement, TextClause | TextualSelect):
            raise UnscopedStatement("raw SQL text cannot be checked; build the statement with SQLAlchemy Core")
        if not isinstance(statement, Select | Insert | Update | Delete) and not hasattr(statement, "selects"):
            raise UnscopedStatement(f"{type(statement).__name__} is not a statement that the guard knows")
        if scope.door is not None:
            _check_door(statement, scope.door)
        elif scope.workspace_id is not None:
            self._check_workspace(statement, scope.workspace_id, parameters)
        else:
            raise UnscopedStatement("a connection without a workspace or a system door")

    def _check_workspace(self, statement: Any, workspace_id: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        if isinstance(statement, Insert):
            _check_insert(statement, workspace_id, parameters)
        else:
            _refuse_assignment(parameters)
        key = statement._generate_cache_key()  # what SQLAlchemy itself caches compiled statements by
        if key is None:
            binds = list(_check_shape(statement))
            _check_values(binds, workspace_id, parameters)
            return
        positions = self._shapes.get(key.key)
        if positions is None:
            found = {id(bind) for bind in _check_shape(statement)}
            positions = tuple(n for n, bind in enumerate(key.bindparams) if id(bind) in found)
            if len(positions) != len(found):
                raise UnscopedStatement("a workspace condition that the statement's cache key does not carry")
            self._shapes[key.key] = positions
            if len(self._shapes) > CACHED_SHAPES:
                self._shapes.popitem(last=False)
        _check_values([key.bindparams[n] for n in positions], workspace_id, parameters)

    def listen(self, engine: Engine) -> None:
        """Check every statement that `engine` executes from now on."""

        @event.listens_for(engine, "before_execute")
        def before_execute(
            _connection: Any,
            statement: Any,
            multiparams: Sequence[Mapping[str, Any]],
            params: Mapping[str, Any],
            options: Mapping[str, Any],
        ) -> None:
            scope = options.get("sampan_scope", Scope())
            self.check(statement, scope, list(multiparams) or ([params] if params else []))


def _check_door(statement: Any, door: SystemDoor) -> None:
    for element in visitors.iterate(statement):
        if isinstance(element, TextClause):
            raise UnscopedStatement("raw SQL text inside a statement cannot be checked")
        if isinstance(element, Table) and element not in door.reads | door.writes:
            raise UnscopedStatement(f"the system door {door.name!r} does not name the table {element.name!r}")
        if isinstance(element, Insert | Update | Delete) and element.table not in door.writes:
            raise UnscopedStatement(f"the system door {door.name!r} does not write the table {element.table}")


def _check_shape(statement: Any) -> Iterator[BindParameter[Any]]:
    """Yield the bound value of every workspace condition; raise when a scoped table has none."""
    for element in visitors.iterate(statement):
        if isinstance(element, TextClause | TextualSelect):
            raise UnscopedStatement("raw SQL text inside a statement cannot be checked")
        if isinstance(element, ColumnClause) and element.is_literal and element.name != "*":
            raise UnscopedStatement("a literal column is raw SQL text")
        if isinstance(element, Select):
            conditions = _conjuncts(element.whereclause)
            for source in element.get_final_froms():
                yield from _check_source(source, conditions)
        elif isinstance(element, Update | Delete):
            conditions = _conjuncts(element.whereclause)
            for source in _changed_and_joined(element):
                yield from _check_source(source, conditions)
            _refuse_moving(element)
        elif isinstance(element, Insert):
            _refuse_moving(element)


def _changed_and_joined(statement: Update | Delete) -> list[FromClause]:
    """Return the changed table and every other one that WHERE or SET brings in (UPDATE ... FROM)."""
    clauses = [statement.whereclause, *(getattr(statement, "_values", None) or {}).values()]
    joined = [source for clause in clauses if clause is not None for source in clause._from_objects]
    return [statement.table, *(source for source in dict.fromkeys(joined) if source is not statement.table)]


def _check_source(source: FromClause, conditions: list[ColumnElement[Any]]) -> Iterator[BindParameter[Any]]:
    if isinstance(source, Join):
        on = _conjuncts(source.onclause)
        # ON narrows the right side of every join but, in an outer join, never the left side.
        yield from _check_source(source.left, conditions if source.isouter else [*conditions, *on])
        yield from _check_source(source.right, on if source.full else [*conditions, *on])
        return
    table = source.element if isinstance(source, Alias) else source
    if isinstance(table, Table):
        if not is_scoped(table):
            raise UnscopedStatement(f"{table.name} is a global table: only a system door may touch it")
        yield _condition_on(source, table.name, conditions)


def _condition_on(source: FromClause, name: str, conditions: list[ColumnElement[Any]]) -> BindParameter[Any]:
    wanted = source.c.workspace_id
    for condition in conditions:
        if not isinstance(condition, BinaryExpression) or condition.operator is not operators.eq:
            continue
        for column, value in ((condition.left, condition.right), (condition.right, condition.left)):
            if column is wanted and isinstance(value, BindParameter):
                return value
    raise UnscopedStatement(f"{name} is read or changed without {name}.workspace_id = <this workspace> in the AND")


def _conjuncts(clause: ColumnElement[Any] | None) -> list[ColumnElement[Any]]:
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        return [part for item in clause.clauses for part in _conjuncts(item)]
    return [] if clause is None else [clause]


def _check_values(
    binds: Sequence[BindParameter[Any]], workspace_id: str, parameters: Sequence[Mapping[str, Any]]
) -> None:
    for bind in binds:
        if bind.required or bind.effective_value != workspace_id or any(bind.key in row for row in parameters):
            raise UnscopedStatement("a workspace condition that may name another workspace")


def _refuse_assignment(parameters: Sequence[Mapping[str, Any]]) -> None:
    if any("workspace_id" in row for row in parameters):
        raise UnscopedStatement("workspace_id cannot be assigned")


def _check_insert(statement: Insert, workspace_id: str, parameters: Sequence[Mapping[str, Any]]) -> None:
    if not is_scoped(statement.table):  # type: ignore[arg-type] # inserts go to tables only
        raise UnscopedStatement(f"{statement.table} is a global table: only a system door may write it")
    if statement.select is not None:
        raise UnscopedStatement("INSERT ... SELECT cannot be bound to one workspace; insert the values")
    rows: list[Mapping[str, Any]] = [*parameters]
    if statement._values:
        rows.append(_row(statement._values))
    for batch in statement._multi_values:
        rows.extend(_multi_rows(batch))
    if not rows or any(row.get("workspace_id") != workspace_id for row in rows):
        raise UnscopedStatement(f"an insert into {statement.table} without this workspace's id in every row")


def _multi_rows(batch: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for row in batch:
        yield _row(row)


def _row(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {getattr(column, "key", column): getattr(value, "value", value) for column, value in values.items()}


def _refuse_moving(statement: Insert | Update | Delete) -> None:
    """Refuse SET workspace_id, also in the UPDATE part of an upsert: a row never moves to another workspace."""
    assigned = list(getattr(statement, "_values", None) or ()) if isinstance(statement, Update) else []
    upsert = getattr(statement, "_post_values_clause", None)
    assigned += list(getattr(upsert, "update_values_to_set", None) or ())
    if any(getattr(column, "key", column) == "workspace_id" for column in assigned):
        raise UnscopedStatement("workspace_id cannot be assigned")
