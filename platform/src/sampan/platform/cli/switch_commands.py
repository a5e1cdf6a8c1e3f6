"""`sampan switch`: values that change without a release. Each command is one or two calls of the console API."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import lined, moment, said
from sampan.platform.errors import Invalid

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

switch = typer.Typer(help="Switches: values for kinds of customers, changed without a release.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="Key of the switch, such as transfer.new-look.")]
Cause = Annotated[str, typer.Option(help="Why; stands in the history.")]
Note = Annotated[str, typer.Option(help="What the approver should know.")]
OFFERING, EVERYBODY = ("running", "completed"), 10_000
ON_OFF = {"type": "boolean", "variants": {"on": True, "off": False}, "default": "off"}


class BadSwitchFile(Invalid):
    """The file is not JSON of a switch, or of an export."""

    code = "bad_switch_file"


@switch.command("list")
def list_switches(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="draft, active or archived.")] = None,
    search: Annotated[str | None, typer.Option(help="A part of the key.")] = None,
) -> None:
    """List switches by key."""
    found = _api().items("/switches", state=state, search=search)
    lines = [
        f"{each['key']}  {said(each['state'])}  {each['definition']['type']}  "
        f"rules {len(each['definition']['rules'])}, else {each['definition']['default']}"
        for each in found
    ]
    context.obj.result({"items": found}, "\n".join(lines) or "No switches.")


@switch.command("show")
def show_switch(context: typer.Context, key: Key) -> None:
    """Show a switch: who gets what, and what it was."""
    from sampan.platform.cli.people_names import named

    api = _api()
    found, history = api.get(f"/switches/{key}"), api.items(f"/switches/{key}/history")
    given = _given(api, found)
    lines = [
        f"{key}: {said(found['state'])}, edition {found['edition']}",
        *_meaning(found["definition"]),
        *(f"  instead, {going_on(each)}" for each in given),
        *(
            f"  {each['edition']}  {moment(each['at_ms'])}  {said(each['state'])} by {each['made_by']}"
            + (f": {each['cause']}" if each["cause"] else "")
            for each in history
        ),
    ]
    context.obj.result({**found, "history": history, "releases": given}, named(context.obj, api, lined(lines)))


@switch.command("set")
def set_switch(
    context: typer.Context,
    key: Key,
    give: Annotated[str | None, typer.Option(help="The variant to give, by one rule instead of all others.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="To these tiers; repeat for more. Else to everyone.")] = None,
    percent: Annotated[float | None, typer.Option(min=0, max=100, help="To this part of them.")] = None,
    file: Annotated[Path | None, typer.Option(help="The whole switch, as JSON.")] = None,
    activate: Annotated[bool, typer.Option(help="Ask at once that a draft is served.")] = False,
    note: Note = "",
) -> None:
    """Make or change a switch; giving anybody more waits for a second person.

    Without a file a new switch is on or off, and off unless a rule gives more.
    """
    api = _api()
    old = next((each for each in api.items("/switches", search=key) if each["key"] == key), None)
    wanted = _wanted(key, old, file, _rule(give, tier or [], percent) if give is not None else None)
    if old is None:
        found = api.post("/switches", {"definition": wanted})
    else:
        found = api.put(f"/switches/{key}", {"definition": wanted, "edition": old["edition"], "note": note})
    if activate and found["state"] == "draft":
        found = api.post(f"/switches/{key}/activate", {"cause": note})
    context.obj.result(found, _waits(found) or f"{key} is {said(found['state'])}, edition {found['edition']}.")


@switch.command("propose")
def propose_edition(
    context: typer.Context,
    key: Key,
    give: Annotated[str | None, typer.Option(help="The variant to give, by one rule instead of all others.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="To these tiers; repeat for more. Else to everyone.")] = None,
    percent: Annotated[float | None, typer.Option(min=0, max=100, help="To this part of them.")] = None,
    file: Annotated[Path | None, typer.Option(help="The whole switch, as JSON.")] = None,
    note: Note = "",
) -> None:
    """Keep what an active switch shall be, for a release in stages; nobody gets it before."""
    api = _api()
    old = api.get(f"/switches/{key}")
    wanted = _wanted(key, old, file, _rule(give, tier or [], percent) if give is not None else None)
    body = {"definition": wanted, "edition": old["edition"], "note": note}
    made = api.post(f"/switches/{key}/proposals", body)
    context.obj.result(
        made,
        f"{key} edition {made['edition']} is proposed. Release it:\n"
        f"  sampan release create {key} {made['edition']} --kind switch --tier full --percent 10 --percent 100",
    )


@switch.command("activate")
def activate_switch(context: typer.Context, key: Key, note: Note = "") -> None:
    """Ask that a draft, or an archived switch, is served."""
    found = _api().post(f"/switches/{key}/activate", {"cause": note})
    context.obj.result(found, _waits(found))


@switch.command("off")
def turn_off(context: typer.Context, key: Key, cause: Cause = "") -> None:
    """Give everybody the default at once."""
    found = _api().post(f"/switches/{key}/off", {"cause": cause})
    context.obj.result(found, f"Everybody gets {found['definition']['default']} of {key} now.")


@switch.command("archive")
def archive_switch(context: typer.Context, key: Key, cause: Cause = "") -> None:
    """Serve a switch no more."""
    from sampan.platform.cli.done_already import unless_done

    api = _api()
    found, is_new = unless_done(
        lambda: api.post(f"/switches/{key}/archive", {"cause": cause}),
        "wrong_switch_state",
        lambda: api.get(f"/switches/{key}"),
        lambda seen: seen["state"] == "archived",
    )
    context.obj.result(found, f"{key} is archived" + ("." if is_new else " already; nothing changed."))


@switch.command("export")
def export_switches(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="File to write; else it is printed.")] = None,
) -> None:
    """Write all switches that are not archived, for another workspace or for safe-keeping."""
    found = _api().get("/switch-file")
    text = json.dumps(found, ensure_ascii=False, indent=2)
    if out is None:
        context.obj.result(found, text)
        return
    out.write_text(text + "\n", encoding="utf-8")
    context.obj.result({"file": str(out)}, f"{len(found['switches'])} switches are in {out}.")


@switch.command("import")
def import_switches(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What export wrote.")],
    activate: Annotated[bool, typer.Option(help="Ask at once that the drafts among them are served.")] = False,
    note: Note = "",
) -> None:
    """Take the switches of a file over, all or none; what gives anybody more waits in one change request."""
    content = _read(file)
    switches = content.get("switches")
    if not isinstance(switches, list):
        raise BadSwitchFile(f"{file} has no list `switches`. Is it what `sampan switch export` wrote?")
    found = _api().post("/switch-file", {"switches": switches, "activate": activate, "note": note})
    lines = [f"{key}: {what}" for key, what in found["done"].items()]
    context.obj.result(found, "\n".join([*lines, *filter(None, [_waits(found)])]) or "The file holds no switch.")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise BadSwitchFile(f"{file} cannot be read as JSON: {problem}.") from problem
    if not isinstance(content, dict):
        raise BadSwitchFile(f"{file} holds no JSON object.")
    return content


def _wanted(key: str, old: dict[str, Any] | None, file: Path | None, rule: dict[str, Any] | None) -> dict[str, Any]:
    """Return the definition that the options describe, on top of what the switch is."""
    wanted = {**ON_OFF, **(old["definition"] if old else {})} if file is None else dict(_read(file))
    return {**wanted, "key": key, **({"rules": [rule]} if rule is not None else {})}


def _rule(give: str, tiers: list[str], percent: float | None) -> dict[str, Any]:
    audience = {"attr": "tier", "op": "in", "values": tiers} if tiers else {"all": []}
    if percent is None:
        return {"audience": audience, "variant": give}
    return {"audience": audience, "split": [{"variant": give, "share": round(percent * 100)}]}


def _given(api: "Api", found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the releases that give other editions; none when whoever asks may not read releases."""
    from sampan.platform.cli.api import ServerRefused
    from sampan.platform.cli.output import ExitCode, exit_code_of

    try:
        releases = api.items("/releases", deliverable=found["key"])
    except ServerRefused as problem:
        if exit_code_of(problem) is not ExitCode.NOT_ALLOWED:
            raise
        return []
    newer = [each for each in releases if each["kind"] == "switch" and each["sequence"] > found["edition"]]
    return [each for each in newer if each["state"] in OFFERING]


def going_on(release: Mapping[str, Any]) -> str:
    """Return which edition a release of a switch gives, and to whom."""
    from sampan.platform.audience.words import rule_words

    stage = release["stages"][release["stage"]]
    means = [rule_words(each).en for each in (release["audience"], stage["audience"]) if each is not None]
    if release["client_app"] is not None:
        means.append(f"client app {release['client_app']}")
    share = "" if stage["basis_points"] == EVERYBODY else f"{stage['basis_points'] / 100:g} % of "
    return (
        f"edition {release['sequence']} to {share}{', of them '.join(means)}: {release['id']}, {said(release['state'])}"
    )


def _meaning(definition: dict[str, Any]) -> list[str]:
    from sampan.platform.audience.words import rule_words

    lines = []
    for rule in definition["rules"]:
        given = rule.get("variant") or ", ".join(
            f"{each['variant']} {each['share'] / 100:g}%" for each in rule["split"]
        )
        lines.append(f"  {rule_words(rule['audience']).en}: {given}")
    lines.append(f"  everybody else: {definition['default']}")
    values = {name: json.dumps(value, ensure_ascii=False) for name, value in definition["variants"].items()}
    return [*lines, *(f"  {name} = {value}" for name, value in values.items())]


def _waits(found: dict[str, Any]) -> str:
    if not found.get("change"):
        return ""
    return (
        "Waits for approval:\n"
        f"  sampan change show {found['change']}\n"
        f"  sampan change approve {found['change']} --digest {found['digest']}"
    )


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
