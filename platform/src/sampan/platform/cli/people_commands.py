"""Signing in and out, and machine tokens."""

from typing import Annotated

import typer

tokens = typer.Typer(help="Machine tokens: scoped, expiring, never approving.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command()(login)
    root.command()(logout)
    root.command()(confirm)
    root.command()(setup)
    root.add_typer(tokens, name="token")


def login(
    context: typer.Context,
    server: Annotated[
        str, typer.Option(help="Address of the server.", envvar="SAMPAN_SERVER")
    ] = "http://127.0.0.1:8080",
    workspace: Annotated[str, typer.Option(help="Workspace id.", envvar="SAMPAN_WORKSPACE")] = "demo",
    email: Annotated[str, typer.Option(prompt=True)] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="SAMPAN_PASSWORD")] = "",
    totp: Annotated[str, typer.Option(prompt="One-time code", help="Six digits of your authenticator.")] = "",
) -> None:
    """Sign in with password and one-time code; the session is kept in your own folder."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import SignIn, remember

    api = Api(server, workspace)
    answer = api.post("/session", {"email": email, "password": password, "totp": totp, "kind": "bearer"})
    remember(SignIn(server.rstrip("/"), workspace, email, answer["secret"]))
    context.obj.result(
        {"email": email, "workspace": workspace, "expires_ms": answer["expires_ms"]},
        f"Signed in to {workspace} on {server} as {email}.",
    )


def logout(context: typer.Context) -> None:
    """End the session here and on the server."""
    from sampan.platform.cli.api import current_api
    from sampan.platform.cli.home import forget
    from sampan.platform.errors import Unauthorized

    try:
        current_api().delete("/session")
    except Unauthorized:
        context.obj.note("The session had ended already.")
    forget()
    context.obj.result({"signed_in": False}, "Signed out.")


def confirm(
    context: typer.Context,
    totp: Annotated[str, typer.Option(prompt="One-time code", help="A code that was not used yet.")],
) -> None:
    """Give a fresh one-time code: opens dangerous acts, such as approving, for five minutes."""
    from sampan.platform.cli.api import current_api

    answer = current_api().post("/session/totp", {"totp": totp})
    context.obj.result(answer, "Dangerous acts are open for five minutes.")


def setup(
    context: typer.Context,
    link: Annotated[str, typer.Argument(help="The set-up link that an administrator gave you.")],
    server: Annotated[
        str, typer.Option(help="Address of the server.", envvar="SAMPAN_SERVER")
    ] = "http://127.0.0.1:8080",
    workspace: Annotated[str, typer.Option(help="Workspace id.", envvar="SAMPAN_WORKSPACE")] = "demo",
) -> None:
    """Choose a password and enrol your authenticator, for a new or a reset account."""
    from sampan.platform.cli.api import Api

    api = Api(server, workspace)
    shown = api.post("/setup/begin", {"link": link})
    context.obj.note(f"Account {shown['email']}. Add this to your authenticator:\n  {shown['totp_uri']}")
    password = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    totp = typer.prompt("One-time code")
    api.post("/setup/finish", {"link": link, "password": password, "totp": totp})
    context.obj.result({"email": shown["email"]}, f"{shown['email']} is ready. Sign in with `sampan login`.")


@tokens.command("create")
def create_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    permission: Annotated[list[str], typer.Option(help="A permission such as version:submit; repeat for more.")],
    days: Annotated[int, typer.Option(min=1, help="Days until it expires.")] = 90,
) -> None:
    """Make a token; its secret is shown once."""
    from sampan.platform.cli.api import current_api

    answer = current_api().post("/tokens", {"name": name, "permissions": permission, "days": days})
    context.obj.result(answer, f"Keep this, it is shown once:\n{answer['secret']}")


@tokens.command("list")
def list_tokens(context: typer.Context) -> None:
    """List the tokens that you may see."""
    from sampan.platform.cli.api import current_api

    answer = current_api().get("/tokens")
    lines = [f"{item['id']}  {item['name']}" for item in answer["items"]] or ["No tokens."]
    context.obj.result(answer, "\n".join(lines))


@tokens.command("revoke")
def revoke_token(context: typer.Context, token: str) -> None:
    """End a token at once."""
    from sampan.platform.cli.api import current_api

    current_api().delete(f"/tokens/{token}")
    context.obj.result({"revoked": token}, f"{token} is revoked.")
