"""Where every table is declared: one metadata, two kinds of table.

A *scoped* table belongs to workspaces: `workspace_id` stands first in its primary key, its unique
constraints and its foreign keys, so that a row cannot point into another bank. A *global* table
(workspaces, persons) does not, and only a declared system door reads it.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, MetaData, String, Table, UniqueConstraint
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def scoped_table(name: str, *items: SchemaItem) -> Table:
    """Declare a table whose rows belong to one workspace each; `workspace_id` is added as its first key column."""
    workspace_id = Column("workspace_id", String(32), primary_key=True)
    table = Table(name, metadata, workspace_id, *items, info={"scoped": True})
    _refuse_unscoped_keys(table)
    return table


def global_table(name: str, *items: SchemaItem) -> Table:
    """Declare a table above the workspaces; only system doors that name it may touch it."""
    return Table(name, metadata, *items, info={"scoped": False})


def is_scoped(table: Table) -> bool:
    """Whether rows of `table` belong to a workspace."""
    return bool(table.info["scoped"])


def _refuse_unscoped_keys(table: Table) -> None:
    keys = [key for key in table.constraints if isinstance(key, UniqueConstraint | ForeignKeyConstraint)]
    unique_indexes = [index for index in table.indexes if index.unique]
    for key in (*keys, *unique_indexes):
        columns = key.expressions if isinstance(key, Index) else list(key.columns)
        to_global = (
            isinstance(key, ForeignKeyConstraint)
            and "." in key.elements[0].target_fullname
            and (_points_to_global(key))
        )
        if not to_global and getattr(columns[0], "name", None) != "workspace_id":
            raise TypeError(f"{table.name}: the key {key.name or key!r} must start with workspace_id")


def _points_to_global(key: ForeignKeyConstraint) -> bool:
    target = metadata.tables.get(key.elements[0].target_fullname.split(".")[0])
    return target is not None and not is_scoped(target)
