"""How a publisher's own app is doing on devices: `app errors`, `app health`. Source maps are read on this machine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import lined, moment

if TYPE_CHECKING:
    from sampan.platform.cli.source_maps import SourceMaps

DAY_MS = 86_400_000
MOST_SHOWN = 20
App = Annotated[str, typer.Argument(help="App id.")]
OneVersion = Annotated[str | None, typer.Option("--version", help="One version: its name, or its sequence.")]
Row = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `app`."""
    app.command("errors")(errors)
    app.command("health")(health)


def errors(
    context: typer.Context,
    app_id: App,
    version: OneVersion = None,
    source_maps: Annotated[
        Path | None,
        typer.Option(help="Folder with your build's source maps; they are read here and sent nowhere; else maps."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="script_error, resource_failed or csp_refused; all when left out.")
    ] = None,
) -> None:
    """Show what went wrong on customers' devices, in groups, the last seen first; lines as in your own files."""
    from sampan.platform.cli.api import current_api
    from sampan.platform.cli.source_maps import SourceMaps

    maps = SourceMaps(source_maps).require() if source_maps else SourceMaps(Path("maps"))
    found = current_api().items(f"/insight/apps/{app_id}/errors", kind=kind)
    groups = [_mapped(each, maps) for each in _of_version(found, version)]
    lines = [line for each in groups[:MOST_SHOWN] for line in _error_lines(each)]
    if len(groups) > MOST_SHOWN:
        lines.append(f"{len(groups) - MOST_SHOWN} more: --json has all.")
    context.obj.result({"app": app_id, "errors": groups}, lined(lines) or f"No errors of {app_id} were reported.")


def health(
    context: typer.Context,
    app_id: App,
    version: OneVersion = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="How many days back, today among them (UTC).")] = 7,
) -> None:
    """Show use and health by version and day: opens, devices, starting times, white screens, errors."""
    from time import time

    from sampan.platform.cli.api import current_api

    begin = (int(time() * 1000) // DAY_MS - days + 1) * DAY_MS
    found = current_api().get(f"/insight/apps/{app_id}/health", from_ms=begin, step="day")
    found["versions"] = [each for each in found["versions"] if _is_wanted(each, version)]
    lines = [line for each in found["versions"] for line in _health_lines(each)]
    nothing = f"Nothing of {app_id} was reported in {days} days."
    context.obj.result(found, "\n".join(lines) or nothing)


def _is_wanted(row: Row, version: str | None) -> bool:
    return version is None or version in (row["version"], str(row["sequence"]))


def _of_version(groups: list[Row], version: str | None) -> Iterator[Row]:
    """Yield the groups; when one version is asked for, with that version's own numbers."""
    for group in groups:
        wanted = [each for each in group["versions"] if _is_wanted(each, version)]
        if version is None:
            yield group
        elif wanted:
            numbers = {name: wanted[0][name] for name in ("count", "devices", "first_ms", "last_ms")}
            yield {**group, **numbers, "versions": wanted}


def _mapped(group: Row, maps: "SourceMaps") -> Row:
    stack, places = maps.mapped(group["stack"] or group["place"], group["versions"][0]["version"])
    own = [{"file": each.file, "line": each.line, "column": each.column, "text": each.text} for each in places]
    return {**group, "mapped": stack if own else "", "own": own}


def _error_lines(group: Row) -> Iterator[str]:
    versions = ", ".join(f"{each['version'] or '?'} (sequence {each['sequence']})" for each in group["versions"])
    kind = "" if group["kind"] == "script_error" else f"{group['kind'].replace('_', ' ')}: "
    yield f"{kind}{group['message'] or 'more errors than are kept apart'}"
    yield f"  {_times(group['count'], 'time')}, {_times(group['devices'], 'device')}; version {versions}"
    yield f"  first {moment(group['first_ms'])}, last {moment(group['last_ms'])}"
    trace = group["mapped"] or group["stack"] or group["place"]
    for line in trace.splitlines():
        if line.strip() and line.strip() not in group["message"]:
            yield f"    {line.strip()}"
    if group["own"] and group["own"][0]["text"]:
        yield f"  > {group['own'][0]['line']} | {group['own'][0]['text']}"
    yield ""


def _times(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _health_lines(version: Row) -> Iterator[str]:
    yield f"{version['version'] or '?'} (sequence {version['sequence']})"
    opens = f"{'day (UTC)':<11}{'opens':>8}{'devices':>9}{'start p50':>11}{'p95':>9}"
    yield f"  {opens}{'white':>7}{'errors':>8}{'missing':>9}"
    for point in version["points"]:
        yield _health_line(f"{datetime.fromtimestamp(point['at_ms'] / 1000, UTC):%Y-%m-%d}", point)
    yield _health_line("all", version)
    yield ""


def _health_line(name: str, row: Row) -> str:
    half, most = (f"{row[each]} ms" if row[each] is not None else "-" for each in ("boot_p50_ms", "boot_p95_ms"))
    return (
        f"  {name:<11}{row['opens']:>8}{row['devices'] or 0:>9}{half:>11}{most:>9}"
        f"{row['white_screens']:>7}{row['script_errors']:>8}{row['resources_failed']:>9}"
    )
