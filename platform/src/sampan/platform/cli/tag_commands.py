"""Tags: labels on customers and devices that rules name, and files of ids on their way into one."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

tags = typer.Typer(help="Labels on customers and devices, for rules to name.", no_args_is_help=True)
ASK_EVERY_SECONDS = 1.0
Name = Annotated[str, typer.Argument(help="Name of the tag.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(tags, name="tag")


@tags.command("list")
def list_tags(context: typer.Context) -> None:
    """List the tags with how many have them."""
    found = _api().items("/tags")
    lines = [f"{each['name']}  {each['members']}  {each['title']}" for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or "There are no tags: `sampan tag create NAME` makes one.")


@tags.command("create")
def create(
    context: typer.Context, name: Name, title: Annotated[str, typer.Option(help="What people read.")] = ""
) -> None:
    """Make a tag that nobody has yet."""
    made = _api().post("/tags", {"name": name, "title": title})
    context.obj.result(made, f"{name} is there; `sampan tag import {name} FILE` gives it to customers.")


@tags.command("show")
def show(context: typer.Context, name: Name) -> None:
    """Show a tag and its last imports."""
    api = _api()
    tag, imports = api.get(f"/tags/{name}"), api.get(f"/tags/{name}/imports", limit=10)["items"]
    lines = [f"{tag['name']}  {tag['members']} have it  {tag['title']}", *(f"  {_line(each)}" for each in imports)]
    context.obj.result({**tag, "imports": imports}, "\n".join(lines))


@tags.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """Remove a tag that no rule names."""
    _api().delete(f"/tags/{name}")
    context.obj.result({"name": name}, f"{name} is gone.")


@tags.command("import")
def import_ids(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="An id a line; the first is customer, bank_reference or device.")],
    mode: Annotated[str, typer.Option(help="add, remove, or replace whoever has the tag.")] = "add",
    report: Annotated[Path | None, typer.Option(help="Where to write the refused lines.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the end.")] = True,
) -> None:
    """Send a file of ids; all of it takes effect at once, when every line has been read."""
    from sampan.platform.cli.output import ExitCode

    if not file.is_file():
        raise typer.BadParameter(f"{file} is no file", param_hint="file")
    api = _api()
    made = api.upload(f"/tags/{name}/imports?mode={mode}", file)
    while wait and made["state"] in ("waiting", "running"):
        context.obj.note(_line(made))
        time.sleep(ASK_EVERY_SECONDS)
        made = api.get(f"/tags/{name}/imports/{made['id']}")
    text = _line(made)
    if made["refused"] and made["state"] == "done":
        target = report or file.with_name(f"{file.stem}-refused.csv")
        target.write_text(api.text(f"/tags/{name}/imports/{made['id']}/refused"), newline="")
        text += f"\nRefused lines: {target}"
    context.obj.result(made, text)
    if made["state"] == "failed":
        raise typer.Exit(ExitCode.REFUSED)


def _line(made: dict[str, Any]) -> str:
    share = 100 * made["read_bytes"] // max(1, made["size_bytes"])
    counts = f"{made['lines']} lines, {made['taken']} taken, {made['refused']} refused"
    match made["state"]:
        case "done":
            members = f"{made['members_before']} had it, {made['members_after']} have it"
            return f"{made['id']}  {made['mode']}  {counts}; {members}"
        case "failed":
            return f"{made['id']}  {made['mode']}  failed after {counts}: {made['cause']}. Nothing was changed."
    return f"{made['id']}  {made['mode']}  {made['state']}: {share} % read, {counts}"


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
