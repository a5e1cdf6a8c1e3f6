"""`sampan device`: a simulated device on the command line."""

import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sampan.loadtests.device.rounds import Happening, Round
    from sampan.loadtests.device.simulated import SimulatedDevice

# The exit statuses of docs/operations/cli.md; the device knows nothing of the server's command line but its words.
UNREACHABLE, NOT_TRUSTED = 4, 5
Folder = Annotated[Path, typer.Option(help="The device's folder: key, session, packages, memory.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a round.")]


def _demo_here() -> str:
    """Return where the demo of SAMPAN_DATA, or of the present folder, listens; the usual address without any."""
    try:
        return (Path(os.environ.get("SAMPAN_DATA") or ".data/demo") / "address").read_text().strip()
    except OSError:
        return "http://127.0.0.1:8080"


def register(root: typer.Typer) -> None:
    """Add the commands."""
    device = typer.Typer(help="A simulated device: session, sync, verify, install, open, report.", no_args_is_help=True)
    device.command()(run)
    device.command()(status)
    root.add_typer(device, name="device")


def run(
    context: typer.Context,
    folder: Folder,
    server: Annotated[
        str,
        typer.Option(
            help="Address of the server; without one, the demo's that was started in this folder.",
            envvar="SAMPAN_SERVER",
            default_factory=_demo_here,
            show_default=False,
        ),
    ],
    workspace: Annotated[str, typer.Option(help="Workspace.", envvar="SAMPAN_WORKSPACE")] = "demo",
    client_app: Annotated[str, typer.Option(help="Client app that the device plays.")] = "retail",
    token: Annotated[
        Path | None, typer.Option(help="JSON that `sampan --json demo token` printed; the device becomes that one.")
    ] = None,
    tier: Annotated[str, typer.Option(help="In a demo: become a new device that carries this tier.")] = "",
    phone: Annotated[str, typer.Option(help="Sign in with this phone number and a one-time code.")] = "",
    code: Annotated[str, typer.Option(help="The one-time code; without it one is sent, and asked for.")] = "",
    root: Annotated[
        Path | None, typer.Option(help="The tree's root that the app was built with; else the first one is pinned.")
    ] = None,
    app_version: Annotated[str, typer.Option(help="Version of the super-app that the device says it runs.")] = "1.0.0",
    once: Annotated[bool, typer.Option("--once", help="One round (the default).")] = False,
    seconds: Annotated[float, typer.Option(min=0, help="Go on for so long.")] = 0,
    every: Annotated[float, typer.Option(min=0.1, help="With --seconds: most seconds between two rounds.")] = 5,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open what is installed, and report it.")] = True,
    as_json: AsJson = False,
) -> None:
    """Do what an app does when it is started: sync, verify, install, open, report. Exit status 5: something refused."""
    from sampan.loadtests.device.simulated import Profile, SimulatedDevice

    device = SimulatedDevice(
        folder,
        server=server,
        workspace=workspace,
        client_app=client_app,
        root=root.read_bytes() if root else None,
        profile=Profile(app_version=app_version),
    )
    if token is not None:
        device.session.adopt(token.read_bytes())
    elif tier and device.session.kept.tier != tier:
        device.session.take_demo_token(tier)
    if phone and device.session.kept.customer is None:
        _sign_in(device, phone, code)
    ends = 0.0 if once else time.monotonic() + seconds
    status_code = 0
    while True:
        done = device.run(open_apps=opens)
        _print(context, device, done, as_json=as_json)
        status_code = max(status_code, _exit_status(done))
        pause = min(every, with_jitter(done.next_check_seconds))
        if time.monotonic() + pause >= ends:
            break
        time.sleep(pause)
    if status_code:
        raise typer.Exit(status_code)


def with_jitter(seconds: float) -> float:
    """Return when to ask again: up to a tenth later, so that devices that started together do not stay together."""
    return seconds * (1 + random.random() / 10)  # noqa: S311 - no secret


def status(context: typer.Context, folder: Folder, as_json: AsJson = False) -> None:
    """Show what is on the device, without the network."""
    from sampan.loadtests.device.simulated import SimulatedDevice

    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder {folder}", param_hint="--folder")
    device = SimulatedDevice(folder, server="http://127.0.0.1", workspace="none", client_app="none")
    found = device.status()
    lines = [f"device {found['device'] or '(no session yet)'}, tier {found['tier'] or '-'}"]
    for app in found["apps"]:
        held = f"{app['version']}, sequence {app['sequence']}" if app["sequence"] else "nothing installed"
        booted = "" if app["booted"] or not app["sequence"] else ", not booted yet"
        lines.append(f"  {app['id']}: {held}{booted} (highest ever {app['highest']})")
    lines.append(f"{found['events_waiting']} events waiting; the next has number {found['next_event']}")
    _result(context, found, "\n".join(lines), as_json=as_json)


def _sign_in(device: "SimulatedDevice", phone: str, code: str) -> None:
    if not code:
        device.session.ask_code(phone)
        code = typer.prompt("One-time code")
    device.session.sign_in(phone, code)


def _print(context: typer.Context, device: "SimulatedDevice", done: "Round", *, as_json: bool) -> None:
    kept = device.session.kept
    value = {"device": kept.device, "tier": kept.tier, **done.as_json()}
    lines = [f"device {kept.device or '(no session)'}, tier {kept.tier or '-'}"]
    lines += [_line(each) for each in done.happenings]
    _result(context, value, "\n".join(lines), as_json=as_json)


def _line(each: "Happening") -> str:
    app = f"  {each.app} {each.sequence}" if each.app else ""
    told = " ".join(part for part in (f"({each.code})" if each.code else "", each.detail) if part)
    return f"  {each.what.replace('_', ' '):<13}{app}{'  ' + told if told else ''}"


def _result(context: typer.Context, value: dict[str, Any], text: str, *, as_json: bool) -> None:
    output = context.obj
    output = type(output)(as_json=True) if as_json and not output.as_json else output
    output.result(value, text)


def _exit_status(done: "Round") -> int:
    kinds = {each.what for each in done.happenings}
    return NOT_TRUSTED if "refused" in kinds else UNREACHABLE if "away" in kinds else 0
