"""Commands of administrators and publishers about who publishes what: publisher, app."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

publisher = typer.Typer(help="Publishers and the keys that they sign with.", no_args_is_help=True)
app = typer.Typer(help="Mini-apps: whose they are, and how they do on devices.", no_args_is_help=True)

PublicKey = Annotated[Path, typer.Option("--key", help="Public key file (.pub) for the tree of customers' devices.")]
TrialKey = Annotated[Path, typer.Option("--trial-key", help="Public key file (.pub) for the tree of testers' devices.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    from sampan.platform.cli import publisher_commands_health

    publisher_commands_health.register(app)
    root.add_typer(publisher, name="publisher")
    root.add_typer(app, name="app")


@publisher.command("add")
def add_publisher(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the publisher.")],
    key: PublicKey,
    trial_key: TrialKey,
) -> None:
    """Register a publisher with its public keys."""
    from sampan.platform.cli.given_files import text_of

    keys = {"intl": text_of(key), "trial": text_of(trial_key)}
    found = _api().post("/publishers", {"name": name, "keys": keys})
    context.obj.result(found, f"{found['id']} {found['name']} is registered with {len(found['keys'])} keys.")


@publisher.command("list")
def list_publishers(context: typer.Context) -> None:
    """List the publishers that you may see."""
    listed = _api().items("/publishers")
    lines = []
    for each in listed:
        lines.append(f"{each['id']}  {each['name']}")
        lines += [f"  {key['profile']:<6} {key['state']:<10} {key['key_id']}" for key in each["keys"]]
    context.obj.result({"items": listed}, "\n".join(lines) or "No publishers that you may see.")


@publisher.command("add-key")
def add_key(
    context: typer.Context,
    publisher_id: Annotated[str, typer.Argument(help="Publisher id.")],
    public: Annotated[Path, typer.Argument(help="Public key file (.pub).")],
    tree: Annotated[str, typer.Option("--tree", help="intl or trial.")] = "intl",
) -> None:
    """Register another key of a publisher; officers sign it in app by app (`trust app-keys`)."""
    from sampan.platform.cli.given_files import text_of

    body = {"profile": tree, "pem": text_of(public)}
    _api().post(f"/publishers/{publisher_id}/keys", body)
    context.obj.result({"publisher": publisher_id, "tree": tree}, f"The key is registered for {publisher_id}.")


@app.command("create")
def create_app(
    context: typer.Context,
    app_id: Annotated[str, typer.Argument(help="App id in reverse DNS; never reused.")],
    publisher_id: Annotated[str, typer.Option("--publisher", help="Publisher id.")],
    kind: Annotated[str, typer.Option(help="miniapp, shared or native.")] = "miniapp",
) -> None:
    """Register an app; two officers sign its role before it can publish."""
    found = _api().post("/apps", {"app": app_id, "kind": kind, "publisher": publisher_id})
    context.obj.result(found, f"{app_id} is registered; its role waits for two officers (`sampan trust sign`).")


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
