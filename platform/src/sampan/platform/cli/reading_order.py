"""The help as people read it: commands in the order of the work, an example or two at the end of each.

Commands of components that are not named here stand under "More"; they bring their own examples as epilogs.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import typer

from sampan.platform.cli.usage_examples import EXAMPLES

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Start": ("up", "demo", "login", "logout", "confirm", "setup"),
    "Make and publish a mini-app": (
        "new",
        "dev",
        "check",
        "pack",
        "keygen",
        "publish",
        "status",
        "withdraw",
        "promote",
    ),
    "Review, release, take back": (
        "review",
        "catalogue",
        "release",
        "hotfix",
        "explain",
        "switch",
        "app-upgrade",
        "change",
        "kill",
        "device",
    ),
    "Administer": ("publisher", "app", "trust", "token"),
    "On the server's machine": ("init", "migrate", "doctor", "rescue", "audit"),
}
MORE = "More"
PLACES = {name: (section, at) for section, names in SECTIONS.items() for at, name in enumerate(names)}
ORDER = {section: at for at, section in enumerate((*SECTIONS, MORE))}


def dressed(root: typer.Typer) -> Any:
    """Return the root's command with its parts in order, examples, and refusals of arguments in our own words."""
    command: Any = typer.main.get_command(root)
    for name, part in command.commands.items():
        part.rich_help_panel = PLACES.get(name, (MORE, 0))[0]
    command.commands = dict(sorted(command.commands.items(), key=_place))
    for words, each in leaves(command):
        if each.epilog is None and words in EXAMPLES:
            # The help joins lines that no empty line parts.
            each.epilog = "\n\n".join(["Examples:", *(f"  sampan {line}" for line in EXAMPLES[words])])
        each.parse_args = partial(_parsed, each.parse_args)
    return command


def leaves(command: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with the words that lead to it."""
    for name, part in command.commands.items():
        words = f"{before} {name}".strip()
        if hasattr(part, "commands"):
            yield from leaves(part, words)
        else:
            yield words, part


def _place(named: tuple[str, Any]) -> tuple[int, int]:
    section, at = PLACES.get(named[0], (MORE, 0))
    return ORDER[section], at


def _parsed(parse: Any, context: Any, arguments: list[str]) -> Any:
    """Parse as the library does; a value of the wrong form is told like the server tells it."""
    from pydantic import ValidationError

    from sampan.platform.invalid_fields import places

    try:
        return parse(context, arguments)
    except typer.BadParameter as problem:
        if isinstance(problem.__cause__, ValidationError):
            problem.message = places(problem.__cause__.errors())[0]["message"]
        raise
