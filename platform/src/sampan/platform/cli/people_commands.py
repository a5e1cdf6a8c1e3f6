"""Signing in and out, and machine tokens."""

from typing import Annotated, Any

import typer

from sampan.platform.cli.demo_folder import DemoFolder
from sampan.platform.cli.output import moment

tokens = typer.Typer(help="Machine tokens: scoped, expiring, never approving.", no_args_is_help=True)

Server = Annotated[
    str,
    typer.Option(
        help="Address of the server; without one, the demo's that was started in this folder.",
        envvar="SAMPAN_SERVER",
        default_factory=DemoFolder.here,
        show_default=False,
    ),
]
WorkspaceId = Annotated[str, typer.Option("--workspace", help="Workspace id.", envvar="SAMPAN_WORKSPACE")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command()(login)
    root.command()(logout)
    root.command()(confirm)
    root.command()(setup)
    root.add_typer(tokens, name="token")


def login(
    context: typer.Context,
    server: Server,
    workspace: WorkspaceId = "demo",
    email: Annotated[str | None, typer.Option(help="Your address; asked for when left out.")] = None,
    password: Annotated[
        str | None, typer.Option(help="Better left out: it is asked for, and not shown.", envvar="SAMPAN_PASSWORD")
    ] = None,
    totp: Annotated[
        str | None, typer.Option(help="One-time code: six digits of your authenticator; asked for when left out.")
    ] = None,
) -> None:
    """Sign in with password and one-time code; the session is kept in your own folder."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import SignIn, remember
    from sampan.platform.cli.sign_in_prompts import Given, signed_in_with

    given = Given(email, password, totp)
    if not given.is_complete:
        context.obj.note(f"Signing in to {workspace} on {server}.")
    who, answer = signed_in_with(Api(server, workspace), given, context.obj.note)
    remember(SignIn(server.rstrip("/"), workspace, who, answer["secret"]))
    context.obj.result(
        {"email": who, "workspace": workspace, "expires_ms": answer["expires_ms"]},
        f"Signed in to {workspace} on {server} as {who}, until {moment(answer['expires_ms'])}.",
    )


def logout(context: typer.Context) -> None:
    """End the session here and on the server; without an answer of the server, at least here."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import NotSignedIn, forget, signed_in
    from sampan.platform.errors import Unauthorized, Unavailable

    was_told, text = True, "Signed out."
    try:
        Api.of(signed_in()).delete("/session")
    except NotSignedIn:
        text = "Nobody was signed in here."
    except Unauthorized:
        text = "The session had ended already; it is forgotten here too."
    except Unavailable:
        was_told = False
        text = (
            "Signed out here. The server does not answer and was not told: the session stays valid there until it ends "
            "by itself."
        )
    forget()
    context.obj.result({"signed_in": False, "server_told": was_told}, text)


def confirm(
    context: typer.Context,
    totp: Annotated[str | None, typer.Option(help="A code that was not used yet; asked for when left out.")] = None,
) -> None:
    """Give a fresh one-time code: opens dangerous acts, such as approving, for five minutes.

    At a terminal they ask for it themselves; a script gives it with this command first.
    """
    from sampan.platform.cli.api import current_api
    from sampan.platform.cli.sign_in_prompts import CODE, asked

    api = current_api()
    answer = api.post("/session/totp", {"totp": totp or asked(CODE)})
    context.obj.result(answer, "Dangerous acts are open for five minutes.")


def setup(
    context: typer.Context,
    link: Annotated[str, typer.Argument(help="The set-up link that an administrator gave you.")],
    server: Server,
    workspace: WorkspaceId = "demo",
) -> None:
    """Choose a password and enrol your authenticator, for a new or a reset account."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.sign_in_prompts import CODE, asked

    api = Api(server, workspace)
    shown = api.post("/setup/begin", {"link": link})
    context.obj.note(f"Account {shown['email']}. Add this to your authenticator:\n  {shown['totp_uri']}")
    password = asked("New password", hidden=True, is_new=True)
    totp = asked(CODE)
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
    from sampan.platform.cli.people_names import named

    api = current_api()
    found = api.items("/tokens")
    lines = [_token_line(item) for item in found] or ["No tokens: `sampan token create` makes one."]
    context.obj.result({"items": found}, named(context.obj, api, "\n".join(lines)))


@tokens.command("revoke")
def revoke_token(context: typer.Context, token: str) -> None:
    """End a token at once."""
    from sampan.platform.cli.api import current_api

    current_api().delete(f"/tokens/{token}")
    context.obj.result({"revoked": token}, f"{token} is revoked.")


def _token_line(item: dict[str, Any]) -> str:
    state = f"revoked {moment(item['revoked_ms'])}" if item["revoked_ms"] else f"until {moment(item['expires_ms'])}"
    return f"{item['id']}  {item['name']}  of {item['operator']}  {state}  {', '.join(item['permissions'])}"
