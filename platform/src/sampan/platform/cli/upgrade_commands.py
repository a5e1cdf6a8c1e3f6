"""`sampan app-upgrade`: versions of the super-app that customers are led to. Each command is one call of the API."""

from typing import TYPE_CHECKING, Annotated

import typer

from sampan.platform.cli.output import said

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

app_upgrade = typer.Typer(
    help="Upgrades of the super-app: what is new and where; `sampan release create` says to whom.",
    no_args_is_help=True,
)

ClientApp = Annotated[str, typer.Argument(metavar="CLIENT_APP", help="Id of the client app, such as retail.")]
Build = Annotated[int, typer.Argument(help="Build number; of two builds the higher one is newer.")]


@app_upgrade.command("list")
def list_upgrades(context: typer.Context, client_app: ClientApp) -> None:
    """List the upgrades of a client app, the highest build first."""
    found = _api().items(f"/client-apps/{client_app}/upgrades")
    lines = [
        f"{each['build']}  {each['version']}  {said(each['mode'])}  {each['url']}"
        + (f"  withdrawn: {each['withdrawn']}" if each["withdrawn"] else "")
        for each in found
    ]
    context.obj.result({"items": found}, "\n".join(lines) or "No upgrades.")


@app_upgrade.command("set")
def set_upgrade(
    context: typer.Context,
    client_app: ClientApp,
    build: Build,
    version: Annotated[str, typer.Option(help="Version as the app says it in its sync, such as 5.2.0.")],
    url: Annotated[str, typer.Option(help="Where the store has it: https, or the scheme of a market.")],
    zh: Annotated[str, typer.Option(help="What is new, in Chinese.")],
    en: Annotated[str, typer.Option(help="What is new, in English.")],
    forced: Annotated[bool, typer.Option(help="A page that nothing gets past, instead of a reminder.")] = False,
) -> None:
    """Enter or change an upgrade; nobody hears of it before it is released."""
    api = _api()
    mode = "forced" if forced else "reminder"
    body = {"version": version, "mode": mode, "url": url, "text": {"zh": zh, "en": en}}
    path = f"/client-apps/{client_app}/upgrades"
    if seen := next((each for each in api.items(path) if each["build"] == build), None):
        made = api.put(f"{path}/{build}", {**body, "changed_ms": seen["changed_ms"]})
    else:
        made = api.post(path, {"build": build, **body})
    context.obj.result(
        made,
        f"{client_app} {version} is entered. Release it:\n"
        f"  sampan release create {client_app} {build} --kind app_upgrade --tier visitor --tier registered ...",
    )


@app_upgrade.command("remove")
def remove_upgrade(context: typer.Context, client_app: ClientApp, build: Build) -> None:
    """Delete an upgrade that no release leads anybody to."""
    _api().delete(f"/client-apps/{client_app}/upgrades/{build}")
    context.obj.result({"removed": build}, f"Build {build} of {client_app} is gone.")


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
