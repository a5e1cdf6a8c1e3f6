"""The catalogue: where an app stands, who sees it, who may open it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.errors import Invalid

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

catalogue = typer.Typer(help="What customers see: which apps, and from which tier they open.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(catalogue, name="catalogue")


@catalogue.command("list")
def list_entries(context: typer.Context) -> None:
    """List the catalogue as operators edit it."""
    found = _api().items("/catalogue")
    lines = [
        f"{each['app']}  {'listed' if each['listed'] else 'not listed'}"
        f"  seen from {each['see_tier']}, opens from {each['open_tier']}  {each['category']}  {each['name_en']}"
        for each in found
    ]
    context.obj.result(
        {"items": found}, "\n".join(lines) or "The catalogue is empty: `sampan catalogue set APP` adds an app."
    )


@catalogue.command("preview")
def preview(
    context: typer.Context,
    tier: Annotated[str, typer.Argument(help="visitor, registered, e_account or full.")],
) -> None:
    """Show the catalogue as a tier sees it now."""
    found = _api().items(f"/catalogue/preview/{tier}")
    lines = [
        f"{each['id']}  {'opens' if each['may_open'] else 'shown only'}  {each['name']['zh']} / {each['name']['en']}"
        for each in found
    ]
    context.obj.result({"items": found}, "\n".join(lines) or f"A customer of tier {tier} sees no app.")


@catalogue.command("set")
def set_entry(
    context: typer.Context,
    app: Annotated[str, typer.Argument(help="App id, such as demo.bank.coupons.")],
    see: Annotated[str | None, typer.Option(help="Lowest tier that sees it.")] = None,
    open_: Annotated[str | None, typer.Option("--open", help="Lowest tier that may open it.")] = None,
    category: Annotated[
        str | None, typer.Option(help="Id of the heading it stands under; it keeps the one it has.")
    ] = None,
    position: Annotated[int | None, typer.Option(min=0, help="Place under its heading, lowest first.")] = None,
    name_zh: Annotated[str | None, typer.Option(help="Name in Chinese.")] = None,
    name_en: Annotated[str | None, typer.Option(help="Name in English.")] = None,
    listed: Annotated[bool | None, typer.Option("--listed/--unlisted", help="Whether it is shown at all.")] = None,
    note: Annotated[str, typer.Option(help="What the approver should know.")] = "",
) -> None:
    """Change an app's place; showing or opening it to more people waits for a second person."""
    chosen = {
        "listed": listed,
        "see_tier": see,
        "open_tier": open_,
        "category": category,
        "position": position,
        "name_zh": name_zh,
        "name_en": name_en,
    }
    body: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if not body:
        raise typer.BadParameter("say what shall change, such as --listed or --open full", param_hint="app")
    api = _api()
    if category is None:
        _refuse_without_heading(api, app)
    asked = api.patch(f"/catalogue/apps/{app}", {**body, "note": note})
    if asked["applied"]:
        context.obj.result(asked, f"{app}: done; it widens nothing.")
        return
    text = (
        f"{app} waits for approval:\n"
        f"  sampan change show {asked['change']}\n"
        f"  sampan change approve {asked['change']} --digest {asked['digest']}"
    )
    context.obj.result(asked, text)


class HeadingNeeded(Invalid):
    """The app stands nowhere in the catalogue yet, and there is more than one heading that it could stand under."""

    code = "heading_needed"


def _refuse_without_heading(api: "Api", app: str) -> None:
    """Raise `HeadingNeeded` for an app without a place; one that has a place keeps it."""
    if any(each["app"] == app for each in api.items("/catalogue")):
        return
    headings = [each["id"] for each in api.items("/catalogue/categories")]
    if len(headings) > 1:
        named = ", ".join(headings)
        raise HeadingNeeded(
            f"{app} stands under no heading yet. Say where with --category: {named}.", categories=headings
        )


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
