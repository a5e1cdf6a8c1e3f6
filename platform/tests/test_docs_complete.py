"""Undocumented means failing: error codes, settings, permissions, system doors, doctor checks, exit statuses."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

import sampan
from sampan.offline_packages.refusals import PackageRefused
from sampan.platform.app import built_in_components
from sampan.platform.cli.output import ExitCode
from sampan.platform.component import contributions, discover
from sampan.platform.errors import SampanError
from sampan.platform.operators.permissions import Permission
from sampan.platform.settings import Settings
from sampan.platform.workspaces.guard import SystemDoor

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOT_IMPORTED = re.compile(r"\.(migrations\.(env|versions)|__main__|bench)\b")


@pytest.fixture(scope="module", autouse=True)
def every_module() -> None:
    """Import all of sampan, so that every subclass and constant exists."""
    for module in pkgutil.walk_packages(sampan.__path__, "sampan."):
        if not NOT_IMPORTED.search(module.name):
            importlib.import_module(module.name)


def errors(family: type[SampanError] = SampanError) -> Iterator[type[SampanError]]:
    for error in family.__subclasses__():
        if error is PackageRefused:  # its refusals stand in docs/protocols/package.md, with a test of their own
            continue
        if error.__module__.startswith("sampan."):
            yield error
            yield from errors(error)


def error_row(error: type[SampanError]) -> str:
    """Return the documented form of an error: code, status, and the first sentence of its docstring."""
    sentence = " ".join((error.__doc__ or "").strip().split("\n\n")[0].split())
    return f"| `{error.code}` | {error.status} | {sentence} |"


def permission_row(permission: Permission) -> str:
    """Return the documented form of a permission: name, what it allows, the built-in roles that have it."""
    roles = ", ".join(sorted(permission.roles)) or "none"
    return f"| `{permission.name}` | {permission.en} | {roles} | {'yes' if permission.dangerous else ''} |"


def test_every_error_code_is_documented_as_it_is() -> None:
    text = (DOCS / "errors.md").read_text()
    documented = set(re.findall(r"^\| `.*$", text, re.MULTILINE))
    wanted = {error_row(error) for error in errors()}
    missing = sorted(wanted - documented)
    assert not missing, "add to docs/errors.md:\n" + "\n".join(missing)
    assert not documented - wanted, "remove from docs/errors.md:\n" + "\n".join(sorted(documented - wanted))


def test_every_error_says_what_it_is() -> None:
    assert [error.__qualname__ for error in errors() if not error.__doc__] == []


def test_every_setting_is_documented() -> None:
    text = (DOCS / "operations" / "settings.md").read_text()
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        (about,) = kind.__metadata__
        assert f"| `SAMPAN_{name.upper()}` |" in text, f"SAMPAN_{name.upper()}"
        assert about.description in text


def test_every_permission_is_documented() -> None:
    text = (DOCS / "operations" / "permissions.md").read_text()
    declared = contributions(discover(built_in_components(demo=True)), Permission)
    missing = [permission_row(each) for each in declared if permission_row(each) not in text]
    assert not missing, "add to docs/operations/permissions.md:\n" + "\n".join(sorted(missing))


def test_every_system_door_is_documented() -> None:
    text = (DOCS / "operations" / "workspaces.md").read_text()
    doors = {
        value.name
        for module in pkgutil.walk_packages(sampan.__path__, "sampan.")
        if not NOT_IMPORTED.search(module.name)
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, SystemDoor)
    }
    assert doors
    assert [name for name in sorted(doors) if f"| {name} |" not in text] == []


def test_every_exit_status_is_documented() -> None:
    text = (DOCS / "operations" / "cli.md").read_text()
    assert [int(code) for code in ExitCode if f"| {int(code)} |" not in text] == []
