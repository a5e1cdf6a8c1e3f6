"""The migrations give exactly the declared tables, and the program expects exactly their last step."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from sampan.platform import migrations
from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.engines.postgres import driven
from sampan.platform.engines.tables import metadata
from sampan.platform.serving import bring_schema_up_to_date


def test_a_migrated_database_is_what_the_code_declares(tmp_path: Path) -> None:
    for component in discover(built_in_components(demo=True)):
        component.everything()
    assert bring_schema_up_to_date(tmp_path)
    assert _differences(f"sqlite:///{tmp_path / 'sampan.sqlite'}") == []


def test_a_migrated_postgresql_is_what_the_code_declares(postgres_url: str) -> None:
    for component in discover(built_in_components(demo=True)):
        component.everything()
    migrations.upgrade(driven(postgres_url))
    assert _differences(driven(postgres_url)) == []


def _differences(address: str) -> list[object]:
    engine = create_engine(address)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        differences: list[object] = compare_metadata(context, metadata)
    engine.dispose()
    return differences


def _is_ours(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Leave out the tables that other tests declare."""
    return not (kind == "table" and str(name).startswith("test_"))


def test_the_program_expects_the_last_step() -> None:
    script = ScriptDirectory.from_config(migrations.alembic_config("sqlite://"))
    assert script.get_heads() == [migrations.HEAD]


def test_a_current_database_is_left_alone(tmp_path: Path) -> None:
    assert migrations.present_version(tmp_path / "sampan.sqlite") is None
    assert bring_schema_up_to_date(tmp_path)
    assert migrations.present_version(tmp_path / "sampan.sqlite") == migrations.HEAD
    assert not bring_schema_up_to_date(tmp_path)


def test_a_database_of_an_older_program_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "sampan.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE unrelated (x)")
    connection.close()
    assert bring_schema_up_to_date(tmp_path)
    assert migrations.present_version(path) == migrations.HEAD


def test_components_alone_declare_every_table() -> None:
    """A table whose module only the console imports would be missing in a database that was made at start."""
    program = (
        "import pkgutil, importlib, sampan\n"
        "from sampan.platform.app import built_in_components\n"
        "from sampan.platform.component import discover\n"
        "from sampan.platform.engines.tables import metadata\n"
        "for component in discover(built_in_components()):\n"
        "    component.everything()\n"
        "declared = set(metadata.tables)\n"
        "for module in pkgutil.walk_packages(sampan.__path__, 'sampan.'):\n"
        "    if '.migrations.' not in module.name and '__main__' not in module.name:\n"
        "        importlib.import_module(module.name)\n"
        "print(sorted(set(metadata.tables) - declared))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
