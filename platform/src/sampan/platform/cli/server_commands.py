"""Commands of whoever runs the server: up and migrate; `up` itself is in `up.py`."""

from pathlib import Path
from typing import Annotated

import typer

from sampan.platform.cli.chosen_settings import settings_from
from sampan.platform.cli.up import SUMMARY

Data = Annotated[Path | None, typer.Option("--data", help="Folder of database, objects and keys [SAMPAN_DATA].")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    words = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    root.command(help=SUMMARY, context_settings=words)(up)
    root.command()(migrate)


def up(context: typer.Context) -> None:
    """Hand the words on, where options of the root stand before them."""
    from sampan.platform.cli.up import up as serve_as_told

    serve_as_told(context.args)


def migrate(context: typer.Context, data: Data = None) -> None:
    """Create or upgrade the database's tables; `up` does the same by itself."""
    from sampan.platform import migrations
    from sampan.platform.serving import bring_schema_up_to_date, hold_data_folder

    settings = settings_from(data=data)
    with hold_data_folder(settings.data):
        done = bring_schema_up_to_date(settings.data)
    text = f"The schema is at {migrations.HEAD}" + ("." if done else " already.")
    context.obj.result({"schema": migrations.HEAD, "changed": done}, text)
