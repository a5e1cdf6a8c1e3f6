"""The hosts that name a workspace: its shell and its API answer under them."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

hosts = typer.Typer(help="Hosts of the workspace: where its super-app answers in a browser.", no_args_is_help=True)
Host = Annotated[str, typer.Argument(help="Full name of the host, such as app.bank.example.")]


@hosts.command("list")
def list_hosts(context: typer.Context) -> None:
    """List the hosts of the workspace, the one by its id first."""
    found = _api().items("/hosts")
    lines = [each["host"] + ("  (by its id)" if each["is_usual"] else "") for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or "The workspace has no host: set SAMPAN_BASE_HOST.")


@hosts.command("add")
def add_host(context: typer.Context, host: Host) -> None:
    """Let a host name the workspace; its DNS and certificate are yours to set up."""
    found = _api().post("/hosts", {"host": host})
    context.obj.result(found, f"{found['host']} names the workspace now.")


@hosts.command("remove")
def remove_host(context: typer.Context, host: Host) -> None:
    """Take a host away from the workspace."""
    _api().delete(f"/hosts/{host}")
    context.obj.result({"host": host}, f"{host} no longer names the workspace.")


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
