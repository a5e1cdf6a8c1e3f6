"""`sampan demo`: seed the demo bank, print a person's code, mint a device's token."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sampan.platform.cli.demo_folder import DemoFolder

demo = typer.Typer(help="The demo bank that `sampan up --demo` serves.", no_args_is_help=True)
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the demo [SAMPAN_DATA, or .data/demo].")]
Server = Annotated[
    str | None,
    typer.Option(help="Address of the demo's server; else where it was started last.", envvar="SAMPAN_SERVER"),
]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(demo, name="demo")


@demo.command("seed")
def seed(
    context: typer.Context,
    data: Data = None,
    server: Server = None,
    samples: Annotated[Path | None, typer.Option(help="Folder with further mini-apps and a samples.json.")] = None,
) -> None:
    """Bring a running demo to where it should be; `sampan up --demo` does this by itself."""
    from sampan.platform.cli.demo_folder import DemoFolder
    from sampan.platform.cli.demo_seed import seed as bring
    from sampan.platform.cli.demo_seed import tell
    from sampan.platform.cli.demo_summary import summary

    folder = DemoFolder.chosen(data)
    address = _address(folder, server)
    bring(folder, address, tell, more=samples)
    context.obj.result({"data": str(folder.root), "server": address}, summary(folder, address))


@demo.command("people")
def people(context: typer.Context, data: Data = None, server: Server = None) -> None:
    """Print addresses and sign-ins again, also while no server runs."""
    from sampan.platform.cli.demo_folder import DemoFolder, NoDemoHere
    from sampan.platform.cli.demo_summary import summary
    from sampan.platform.cli.demo_token import answers

    folder = DemoFolder.chosen(data)
    if not folder.is_seeded():
        raise NoDemoHere(f"There is no complete demo below {folder.root}. Start it with `sampan up --demo`.")
    items = [
        {"email": each.email, "role": each.role, "password": each.password, "totp": each.totp} for each in folder.cast()
    ]
    address = _address(folder, server)
    is_running = answers(address)
    value = {"people": items, "server": address, "running": is_running}
    context.obj.result(value, summary(folder, address, is_running=is_running))


@demo.command("code")
def code(context: typer.Context, email: Annotated[str, typer.Argument(help="Whose code.")], data: Data = None) -> None:
    """Print a person's one-time code of this half minute."""
    from sampan.platform.cli.demo_folder import DemoFolder
    from sampan.platform.cli.demo_sessions import present_code

    person = DemoFolder.chosen(data).person(email)
    found = present_code(person)
    context.obj.result({"email": person.email, "code": found}, found)


@demo.command("token")
def token(
    context: typer.Context,
    tier: Annotated[str, typer.Option(help="visitor, registered, e_account or full.")] = "visitor",
    client_app: Annotated[str, typer.Option(help="Client app of the device.")] = "retail",
    data: Data = None,
    server: Server = None,
) -> None:
    """Make a device of this tier in the demo workspace; print its bearer token and the file of its key."""
    from sampan.platform.cli.demo_folder import DemoFolder
    from sampan.platform.cli.demo_token import mint

    folder = DemoFolder.chosen(data)
    made = mint(folder, _address(folder, server), tier, client_app)
    lines = [made["access_token"], f"device {made['device']}, tier {made['tier']}", f"key    {made['device_key_file']}"]
    context.obj.result(made, "\n".join(lines))


def _address(folder: "DemoFolder", server: str | None) -> str:
    return (server or folder.address).rstrip("/")
