"""`sampan up`: the one command that serves. It is parsed by argparse, which costs a start a tenth of typer.

A process manager starts it, and its CPU until the first answer is measured (docs/benchmarks.md).
"""

import argparse
import gc
import os
from collections.abc import Sequence
from pathlib import Path

from sampan.platform.settings import Settings, read_settings

SUMMARY = "Serve everything in one process, with SQLite and local files."


def up(arguments: Sequence[str]) -> None:
    """Serve until a signal, as the words after `sampan up` say."""
    chosen = _parser().parse_args(arguments)
    gc.disable()  # a start makes only what stays; `serve` enables it when requests are taken
    if not chosen.demo:
        from sampan.platform.serving import serve

        serve(_settings(chosen, data=chosen.data, demo=None))
        return
    from sampan.platform.cli.demo_folder import DemoFolder
    from sampan.platform.cli.demo_server import serve_demo

    folder = DemoFolder.chosen(chosen.data)
    serve_demo(_settings(chosen, data=folder.server, demo=True, log_file=folder.server / "log.jsonl"), folder)


def _settings(chosen: argparse.Namespace, **more: object) -> Settings:
    return read_settings(os.environ, host=chosen.host, port=chosen.port, **more)


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
