"""The help reads in the order of the work, every command ends with examples that parse, and completion knows them."""

import os
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.markup import render

from sampan.platform.cli.reading_order import MORE, SECTIONS, dressed, leaves
from sampan.platform.cli.usage_examples import EXAMPLES


@pytest.fixture(scope="module")
def command() -> Any:
    """The whole command line as `sampan` builds it."""
    app = typer.Typer(name="sampan")
    for point in entry_points(group="sampan.commands"):
        point.load()(app)
    return dressed(app)


def test_commands_stand_in_the_order_of_the_work(command: Any) -> None:
    wanted = [name for names in SECTIONS.values() for name in names]
    assert list(command.commands)[: len(wanted)] == wanted
    assert all(command.commands[name].rich_help_panel == MORE for name in list(command.commands)[len(wanted) :])


def test_every_command_ends_with_examples_and_every_example_is_of_a_command(command: Any) -> None:
    known = dict(leaves(command))
    assert sorted(set(known) - set(EXAMPLES)) == []
    assert sorted(set(EXAMPLES) - set(known)) == []
    assert all(each.epilog.startswith("Examples:") for each in known.values())


# `up` is parsed by argparse, and refused here.
LINES = [(words, line) for words, lines in EXAMPLES.items() for line in lines if words != "up"]


@pytest.mark.parametrize(("words", "line"), LINES, ids=[line for _, line in LINES])
def test_an_example_parses(command: Any, words: str, line: str) -> None:
    arguments = shlex.split(line)
    named = words.split()
    assert arguments[: len(named)] == named
    context = dict(leaves(command))[words].make_context(words, arguments[len(named) :])
    assert context.info_name == words


def test_no_word_of_a_help_is_taken_for_a_style_and_lost(command: Any) -> None:
    """Typer prints help by rich, which takes `[words]` in small letters for a style."""
    texts = [text for each in leaves(command) for text in _helps(each[1])]
    assert len(texts) > 100
    assert [text for text in texts if render(text).plain != text] == []


def _helps(command: Any) -> list[str]:
    found = [command.help, command.epilog, *(getattr(each, "help", None) for each in command.params)]
    return [each for each in found if each]


def test_a_component_keeps_its_own_ending() -> None:
    app = typer.Typer()

    @app.command(epilog="Our own.")
    def ours(number: int) -> None: ...

    @app.command()
    def theirs() -> None: ...

    command = dressed(app)
    assert command.commands["ours"].epilog == "Our own."
    assert command.commands["ours"].rich_help_panel == MORE
    with pytest.raises(typer.BadParameter, match=r"This must be a whole number\."):
        command.commands["ours"].make_context("ours", ["many"])


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("sampan cata", ["catalogue"]), ("sampan release st", ["stop"]), ("sampan trust si", ["sign"])],
)
def test_completion_knows_commands_and_their_parts(words: str, wanted: list[str]) -> None:
    asked = {"_SAMPAN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    # The variable is named after the program, so this takes the installed one.
    ran = subprocess.run(
        [Path(sys.executable).with_name("sampan")], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == wanted
