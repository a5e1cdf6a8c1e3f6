"""`sampan freeze`: times in which nothing starts or moves on. Each command is one call of the console API."""

from datetime import datetime
from typing import Annotated

import typer

from sampan.platform.cli.api import current_api
from sampan.platform.cli.output import moment

freeze = typer.Typer(help="Times in which nothing is released further.", no_args_is_help=True)
Moment = Annotated[
    datetime, typer.Argument(formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"], help="In this machine's time zone.")
]


@freeze.command("list")
def list_freezes(context: typer.Context) -> None:
    """List the freezes that are not over."""
    found = current_api().items("/freezes")
    lines = [
        f"{each['id']}  {moment(each['from_ms'])} to {moment(each['until_ms'])}: {each['reason']}" for each in found
    ]
    context.obj.result({"items": found}, "\n".join(lines) or "No freezes.")


@freeze.command("add")
def add_freeze(
    context: typer.Context,
    begins: Moment,
    ends: Moment,
    reason: Annotated[str, typer.Option(help="Why, for those who must wait.")],
) -> None:
    """Freeze a time. Pausing, stopping, rolling back and killing go on in it."""
    body = {"from_ms": _milliseconds(begins), "until_ms": _milliseconds(ends), "reason": reason}
    made = current_api().post("/freezes", body)
    context.obj.result(made, f"{made['id']}: nothing starts or moves on from {moment(made['from_ms'])} on.")


@freeze.command("remove")
def remove_freeze(context: typer.Context, freeze_id: Annotated[str, typer.Argument(metavar="FREEZE")]) -> None:
    """End or cancel a freeze."""
    current_api().delete(f"/freezes/{freeze_id}")
    context.obj.result({"removed": freeze_id}, f"{freeze_id} is gone.")


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone().timestamp() * 1000)
