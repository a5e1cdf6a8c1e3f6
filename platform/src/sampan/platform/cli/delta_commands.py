"""`sampan delta`: from which version to which there is a delta, and what it saves."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

delta = typer.Typer(help="Deltas between published versions; the server makes them by itself.", no_args_is_help=True)


@delta.command("list")
def list_deltas(
    context: typer.Context, app: Annotated[str, typer.Argument(help="App id, such as demo.bank.coupons.")]
) -> None:
    """List an app's deltas with their sizes, also those that save too little to be served."""
    from sampan.platform.cli.api import current_api

    found = current_api().items(f"/apps/{app}/deltas")
    lines = [_line(each) for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or "There are none yet; they come with a second version.")


def _line(row: "Mapping[str, Any]") -> str:
    other = min(row["files_bytes"], row["whole_bytes"])
    kept = f"{100 * row['delta_bytes'] / max(1, other):.1f} % of {other:,}"
    served = "" if row["is_served"] else "  not served: saves too little"
    return f"{row['base_sequence']} -> {row['target_sequence']}  {row['delta_bytes']:,} bytes, {kept}{served}"
