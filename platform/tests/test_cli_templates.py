"""Each template of `sampan new` is built for real, packed, and passes the checks without a finding."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sampan.platform.cli.new_app import TEMPLATES, make_app
from sampan.platform.testing_cli import Person

BUILT = ("vue", "react")
ROOT = Path(__file__).parents[2]
NPM_SECONDS = 240


def npm(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run npm in a folder; nothing is asked, no script of a package runs."""
    command = ["npm", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS)


def skip(reason: str) -> None:
    """Leave a test out, and say why also where nobody prints reasons."""
    sys.stderr.write(f"{reason}\n")
    pytest.skip(reason)


def checked(person: Person, source: str) -> Any:
    return person.ok("check", source, "--offline")


def test_the_plain_template_needs_no_build_and_ships_no_types(tmp_path: Path) -> None:
    alone = Person(tmp_path, "")
    made = alone.ok("new", "hello", "--id", "bank.demo.hello", "--name", 'Hello "you" & <me>')
    assert ".types/sampan.d.ts" in made["files"]
    assert checked(alone, "hello")["findings"] == []
    assert ".types/" in alone.ok("pack", "hello")["skipped"]
    assert json.loads((tmp_path / "hello/i18n/en.json").read_text())["title"] == 'Hello "you" & <me>'


@pytest.mark.parametrize("template", ["vanilla", *BUILT])
def test_no_mark_is_left_to_be_filled(tmp_path: Path, template: str) -> None:
    for path in make_app(tmp_path / "app", "bank.demo.app", "App", template):
        assert not re.search("@@[A-Z_]+@@", (tmp_path / "app" / path).read_text()), path


def test_an_unknown_template_is_refused(tmp_path: Path) -> None:
    ran = Person(tmp_path, "").run("new", "hello", "--id", "bank.demo.hello", "--template", "angular")
    assert (ran.status, ran.value["code"]) == (1, "unknown_template")


@pytest.mark.node
@pytest.mark.parametrize("template", BUILT)
def test_a_built_template_is_packed_without_findings(tmp_path: Path, template: str) -> None:
    if shutil.which("npm") is None:
        skip("npm is not here: the templates with a build were not built")
    alone = Person(tmp_path, "")
    alone.ok("new", "app", "--id", "bank.demo.built", "--template", template)
    installed = npm(tmp_path / "app", "install", "--ignore-scripts", "--no-audit", "--no-fund")
    if installed.returncode != 0:
        skip(f"npm cannot install: {installed.stderr.strip().splitlines()[-1]}")
    built = npm(tmp_path / "app", "run", "build")
    assert built.returncode == 0, built.stdout + built.stderr
    assert checked(alone, "app/dist")["findings"] == []
    packed = alone.ok("pack", "app/dist", "--out", "packed")
    assert (packed["app"], packed["added"]) == ("bank.demo.built", [])
    assert list((tmp_path / "app/maps").glob("*.js.map")) != []


@pytest.mark.node
def test_the_types_are_those_of_the_sdk(tmp_path: Path) -> None:
    if not (ROOT / "node_modules/typescript").exists():
        skip("node_modules are not here: run `npm ci`")
    command = ["node", str(ROOT / "web-tools/client_types.mjs"), str(tmp_path / "sampan.d.ts")]
    subprocess.run(command, check=True, capture_output=True, timeout=NPM_SECONDS)
    there = TEMPLATES / "shared/sampan.d.ts"
    assert (tmp_path / "sampan.d.ts").read_text() == there.read_text(), f"run web-tools/client_types.mjs {there}"
