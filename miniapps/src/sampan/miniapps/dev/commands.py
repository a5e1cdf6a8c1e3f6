"""`sampan dev`: see a mini-app in the real container while it is written."""

import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sampan.platform.core import Core

LOOPBACK = "127.0.0.1"
MOCKS = "sampan.dev.json"


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(dev)


def dev(
    folder: Annotated[Path, typer.Argument(help="Folder of the mini-app: what would be packed.")] = Path(),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8090,
    mocks: Annotated[Path | None, typer.Option(help="What the bank answers [sampan.dev.json beside FOLDER].")] = None,
) -> None:
    """Open a mini-app in the real container, and open it anew at each change; the bank is a mock.

    A bank of its own runs on this machine for as long as the command does, with keys made for it. Nothing is kept.
    """
    from sampan.miniapps.dev.mocks import mocking, read_mocks
    from sampan.miniapps.dev.workbench import Workbench, sample_of
    from sampan.miniapps.dev_facts import DevFacts
    from sampan.platform.cli.chosen_settings import settings_from
    from sampan.platform.cli.demo_folder import WORKSPACE, DemoFolder
    from sampan.platform.cli.demo_server import make_people
    from sampan.platform.serving import serve

    folder = folder.resolve()
    mocks = mocks or folder.parent / MOCKS
    told, app = read_mocks(mocks), sample_of(folder).app
    stopped = threading.Event()
    with tempfile.TemporaryDirectory(prefix="sampan-dev-", ignore_cleanup_errors=True) as name:
        bank = DemoFolder(Path(name))
        cast = bank.cast()
        settings = settings_from(
            data=bank.server, host=LOOPBACK, port=port, demo=True, log_file=bank.server / "log.jsonl"
        )

        async def prepare(core: "Core") -> None:
            await make_people(core, cast)

        def opened() -> None:
            _say(f"open http://{WORKSPACE}.{settings.base_host}:{port}/#/app/{app}")

        def ready(address: str) -> None:
            threading.Thread(target=bench.run, args=(address, stopped, opened), daemon=True).start()

        customer = (told.tier, told.profile.phone, told.profile.name)
        bench = Workbench(folder, bank, _say, customer)
        facts = DevFacts(app, told.tier, told.profile.phone)
        try:
            serve(settings, prepare=prepare, ready=ready, more=(mocking(mocks, facts),))
        finally:
            stopped.set()


def _say(text: str) -> None:
    sys.stderr.write(f"dev: {text}\n")
    sys.stderr.flush()
