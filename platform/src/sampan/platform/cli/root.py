"""The commands of people, by typer: what belongs to the root, and every command that an entry point adds."""

import os
import sys
from importlib.metadata import entry_points, version
from typing import Annotated

import typer

from sampan.platform.cli.output import Output

root = typer.Typer(
    name="sampan",
    help="Publish, sign, release and run mini-apps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> None:
    """Run the command that the command line names."""
    for point in sorted(entry_points(group="sampan.commands"), key=lambda point: point.name):
        point.load()(root)
    from sampan.platform.cli.reading_order import dressed

    dressed(root)(standalone_mode=True)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"sampan {version('sampan')}\n")
        raise typer.Exit


@root.callback()
def options(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print results as one JSON object a command.")] = False,
    profile: Annotated[
        str | None,
        typer.Option(envvar="SAMPAN_PROFILE", help="Whose sign-in, where you keep several: a name of your own."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold what every command shares."""
    if profile is not None:
        os.environ["SAMPAN_PROFILE"] = profile  # read wherever somebody is needed who is signed in
    context.obj = Output(as_json=as_json)
