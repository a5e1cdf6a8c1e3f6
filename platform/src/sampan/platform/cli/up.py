"""`sampan up`: the one command that serves. It is parsed by argparse, which costs a start a tenth of typer.

A process manager starts it, and its CPU until the first answer is measured (docs/benchmarks.md).
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from sampan.platform.cli.chosen_settings import settings_from
from sampan.platform.settings import Settings

SUMMARY = "Serve everything in one process, with SQLite and local files."


def up(arguments: Sequence[str]) -> None:
    """Serve until a signal, as the words after `sampan up` say."""
    chosen = _parser().parse_args(arguments)
    gc.disable()  # a start makes only what stays; `serve` enables it when requests are taken
    address = {"host": chosen.host, "port": chosen.port}
    if chosen.demo:
        from sampan.platform.cli.demo_folder import DemoFolder
        from sampan.platform.cli.demo_server import serve_demo

        folder = DemoFolder.chosen(chosen.data)
        log_file = folder.server / "log.jsonl"
        serve_demo(settings_from(data=folder.server, **address, demo=True, log_file=log_file), folder)
        return
    from sampan.platform.serving import serve

    settings = settings_from(data=chosen.data, **address)
    serve(settings, ready=lambda address: _tell(settings, address))


def _tell(settings: Settings, address: str) -> None:
    """Print where the pages are."""
    port = urlsplit(address).port
    console = settings.console_host and f"http://{settings.console_host}:{port}"
    lines = [f"console    {console or address}/console/"]
    if settings.base_host:
        lines.append(f"super-app  http://{settings.default_workspace}.{settings.base_host}:{port}/")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("sampan up", description=SUMMARY, allow_abbrev=False)
    parser.add_argument(
        "--data", type=Path, help="Folder of database, objects and keys [SAMPAN_DATA]; of a demo, all its parts."
    )
    parser.add_argument("--host", help="Address to listen on [SAMPAN_HOST].")
    parser.add_argument("--port", type=int, help="Port to listen on [SAMPAN_PORT].")
    parser.add_argument(
        "--demo", action=argparse.BooleanOptionalAction, default=False, help="With the demo workspace and its people."
    )
    return parser
