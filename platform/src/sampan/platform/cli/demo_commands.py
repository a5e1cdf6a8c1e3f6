"""`sampan demo`: seed the demo bank, print a person's code, mint a device's token."""

from pathlib import Path
from typing import Annotated

import typer

demo = typer.Typer(help="The demo bank that `sampan up --demo` serves.", no_args_is_help=True)
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the demo [SAMPAN_DATA, or .data/demo].")]
Server = Annotated[str, typer.Option(help="Address of the demo's server.", envvar="SAMPAN_SERVER")]
LOCAL = "http://127.0.0.1:8080"


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(demo, name="demo")


@demo.command("seed")
def seed(
    context: typer.Context,
    data: Data = None,
    server: Server = LOCAL,
    samples: Annotated[Path | None, typer.Option(help="Folder with further mini-apps and a samples.json.")] = None,
) -> None:
    """Bring a running demo to where it should be; `sampan up --demo` does this by itself."""
    from sampan.platform.cli.demo_folder import DemoFolder
    from sampan.platform.cli.demo_seed import seed as bring
    from sampan.platform.cli.demo_seed import tell
    from sampan.platform.cli.demo_summary import summary

    folder = DemoFolder.chosen(data)
    bring(folder, server.rstrip("/"), tell, more=samples)
    context.obj.result({"data": str(folder.root), "server": server}, summary(folder, server.rstrip("/")))


@demo.command("people")
def people(context: typer.Context, data: Data = None, server: Server = LOCAL) -> None:
    """Print addresses and sign-ins again."""
    from sampan.platform.cli.demo_folder import DemoFolder, NoDemoHere
    from sampan.platform.cli.demo_summary import summary

    folder = DemoFolder.chosen(data)
    if not folder.is_seeded():
        raise NoDemoHere(f"There is no complete demo below {folder.root}. Start it with `sampan up --demo`.")
    items = [
        {"email": each.email, "role": each.role, "password": each.password, "totp": each.totp} for each in folder.cast()
    ]
    context.obj.result({"people": items}, summary(folder, server.rstrip("/")))


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
    server: Server = LOCAL,
) -> None:
    """Make a device of this tier in the demo workspace; print its bearer token and the file of its key."""
    from sampan.platform.cli.demo_folder import DemoFolder
    from sampan.platform.cli.demo_token import mint

    made = mint(DemoFolder.chosen(data), server.rstrip("/"), tier, client_app)
    lines = [made["access_token"], f"device {made['device']}, tier {made['tier']}", f"key    {made['device_key_file']}"]
    context.obj.result(made, "\n".join(lines))
