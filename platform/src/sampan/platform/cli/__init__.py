"""The command line: `sampan`. Commands are found by the entry point group `sampan.commands`.

Each entry point is a function that takes the root application and adds its commands. Modules of commands import
what they need inside the commands: a shell completion or `--help` must not pay for a server's imports.
"""

import sys
from importlib.metadata import entry_points, version
from typing import Annotated

import typer

from sampan.platform.cli.output import ExitCode, Output, fail_with
from sampan.platform.errors import SampanError

root = typer.Typer(
    name="sampan",
    help="Publish, sign, release and run mini-apps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"sampan {version('sampan')}\n")
        raise typer.Exit


@root.callback()
def options(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print results as one JSON object a command.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold what every command shares."""
    context.obj = Output(as_json=as_json)


def main() -> None:
    """Run the command line; every expected failure is a sentence, a code and an exit status."""
    for point in sorted(entry_points(group="sampan.commands"), key=lambda point: point.name):
        point.load()(root)
    try:
        root(standalone_mode=True)
    except SampanError as error:
        fail_with(error)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
