"""What the pages on security and architecture name is there, and what they mark with a dagger is not."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer
from fastapi.routing import APIRoute
from typer.core import TyperGroup

from sampan.platform.component import ConsoleRoutes, contributions
from sampan.platform.core import Core
from sampan.platform.testing import running_core

REPOSITORY = Path(__file__).resolve().parents[2]
SECURITY = (REPOSITORY / "SECURITY.md").read_text()
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text()
COMMAND = re.compile(r"`sampan ([a-z-]+(?: [a-z-]+)?)[^`]*`(†?)")
ROUTE = re.compile(r"`([A-Z]+) /console/api/v1(/[^`]*)`(†?)")


def commands() -> Iterator[str]:
    """Yield every command, groups with their subcommands."""
    app = typer.Typer()
    for point in entry_points(group="sampan.commands"):
        point.load()(app)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        yield name
        if isinstance(command, TyperGroup):
            yield from (f"{name} {below}" for below in command.commands)


@pytest.mark.parametrize("text", [SECURITY, ARCHITECTURE], ids=["security", "architecture"])
def test_a_named_command_exists_unless_it_is_marked(text: str) -> None:
    known = set(commands())
    assert "trust sign" in known
    wrong = [name for name, dagger in COMMAND.findall(text) if bool(dagger) is (name in known or _first(name) in known)]
    assert wrong == []


def _first(name: str) -> str:
    """Return a command that takes arguments without them; a group needs its subcommand."""
    first = name.split()[0]
    return "" if any(each.startswith(f"{first} ") for each in commands()) else first


@pytest.mark.anyio
async def test_a_named_route_exists(tmp_path: Path) -> None:
    async with running_core(tmp_path) as core:
        known = set(routes(core))
    named = {(method, path) for method, path, _dagger in ROUTE.findall(SECURITY)}
    assert named, "the page names the routes that have no command"
    assert named <= known


def routes(core: Core) -> Iterator[tuple[str, str]]:
    for contribution in contributions(core.components, ConsoleRoutes):
        for route in contribution.build(core).routes:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in route.methods or ())


def test_a_marked_folder_is_not_there_and_an_unmarked_one_is() -> None:
    rows = re.findall(r"^\| (`[^|]*/`.*?) \|", ARCHITECTURE, re.MULTILINE)
    found = [(name, bool(dagger)) for row in rows for name, dagger in re.findall(r"`([a-z_]+)/`(†?)", row)]
    assert ("platform", False) in found
    assert [name for name, is_marked in found if (REPOSITORY / name).is_dir() is is_marked] == []
