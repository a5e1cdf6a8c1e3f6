"""`sampan dev`: see a mini-app in the real container while it is written."""

import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sampan.platform.core import Core

LOOPBACK = "127.0.0.1"
MOCKS, HIDDEN_MOCKS, MAPS = "sampan.dev.json", ".sampan.dev.json", "maps"


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(dev)


def dev(
    folder: Annotated[Path, typer.Argument(help="Folder of the mini-app: what would be packed.")] = Path(),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8090,
    mocks: Annotated[
        Path | None,
        typer.Option(
            help="What the bank and other servers answer [.sampan.dev.json in FOLDER, sampan.dev.json beside]."
        ),
    ] = None,
    source_maps: Annotated[Path | None, typer.Option(help="Your build's source maps; else maps beside FOLDER.")] = None,
) -> None:
    """Open a mini-app in the real container, and open it anew at each change; the bank is a mock.

    A bank of its own runs on this machine for as long as the command does, with keys made for it. Nothing is kept.
    """
    from sampan.miniapps.dev.building import Building
    from sampan.miniapps.dev.component import developing
    from sampan.miniapps.dev.mocks import MockBank, read_mocks
    from sampan.miniapps.dev.workbench import Workbench, sample_of
    from sampan.miniapps.dev_facts import DevFacts
    from sampan.platform.cli.chosen_settings import settings_from
    from sampan.platform.cli.demo_folder import WORKSPACE, DemoFolder
    from sampan.platform.cli.demo_server import make_people
    from sampan.platform.errors import SampanError
    from sampan.platform.serving import serve

    folder = folder.resolve()
    mocks = mocks or mocks_of(folder)
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

        def work(address: str) -> None:
            try:
                bench.run(address, stopped, opened)
            except (SampanError, OSError) as problem:
                if not stopped.is_set():
                    _say(f"cannot go on: {problem}; start it again")
                    signal.raise_signal(signal.SIGINT)

        def ready(address: str) -> None:
            threading.Thread(target=work, args=(address,), daemon=True).start()

        customer = (told.tier, told.profile.phone, told.profile.name)
        shared = [(mocks.parent / each).resolve() for each in told.shared]
        building = Building()
        bench = Workbench(folder, bank, _say, customer, shared, building=building)
        facts = DevFacts(app, told.tier, told.profile.phone)
        maps = source_maps or folder.parent / MAPS
        component = developing(MockBank(mocks), facts, building, folder=folder, maps=maps)
        try:
            serve(settings, prepare=prepare, ready=ready, more=(component,))
        finally:
            stopped.set()


def mocks_of(folder: Path) -> Path:
    """Return the file with an app's mocks: in the folder under a name that is never packed, else beside it."""
    hidden = folder / HIDDEN_MOCKS
    return hidden if hidden.exists() else folder.parent / MOCKS


def _say(text: str) -> None:
    sys.stderr.write(f"dev: {text}\n")
    sys.stderr.flush()
