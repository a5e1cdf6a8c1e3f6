"""Commands of whoever runs the server: up, init, migrate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sampan.platform.settings import Settings

Data = Annotated[Path | None, typer.Option("--data", help="Folder of database, objects and keys [SAMPAN_DATA].")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command()(up)
    root.command()(migrate)


def up(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of database, objects and keys [SAMPAN_DATA]; of a demo, all its parts."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [SAMPAN_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [SAMPAN_PORT].")] = None,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="With the demo workspace and its people.")] = False,
) -> None:
    """Serve everything in one process, with SQLite and local files."""
    if demo:
        from sampan.platform.cli.demo_folder import DemoFolder
        from sampan.platform.cli.demo_server import serve_demo

        folder = DemoFolder.chosen(data)
        log_file = folder.server / "log.jsonl"
        serve_demo(settings_from(data=folder.server, host=host, port=port, demo=True, log_file=log_file), folder)
        return
    from sampan.platform.serving import serve

    settings = settings_from(data=data, host=host, port=port, demo=demo or None)
    serve(settings, ready=lambda address: _tell(settings, address))


def _tell(settings: "Settings", address: str) -> None:
    """Print where the pages are."""
    import sys
    from urllib.parse import urlsplit

    port = urlsplit(address).port
    console = settings.console_host and f"http://{settings.console_host}:{port}"
    lines = [f"console    {console or address}/console/"]
    if settings.base_host:
        lines.append(f"super-app  http://{settings.default_workspace}.{settings.base_host}:{port}/")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def migrate(context: typer.Context, data: Data = None) -> None:
    """Create or upgrade the database's tables; `up` does the same by itself."""
    from sampan.platform import migrations
    from sampan.platform.serving import bring_schema_up_to_date, hold_data_folder

    settings = settings_from(data=data)
    with hold_data_folder(settings.data):
        done = bring_schema_up_to_date(settings.data)
    text = f"The schema is at {migrations.HEAD}" + ("." if done else " already.")
    context.obj.result({"schema": migrations.HEAD, "changed": done}, text)


def settings_from(**chosen: Any) -> "Settings":
    """Return the settings with what the command line chose in place of the environment's."""
    import os

    from sampan.platform.settings import read_settings

    return read_settings(os.environ, **chosen)
