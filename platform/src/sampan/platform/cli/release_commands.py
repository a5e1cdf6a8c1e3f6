"""`sampan release`: who gets which version. Each command is one call of the console API."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import lined, said
from sampan.platform.cli.release_options import HOTFIX, AudienceNeeded, BadPlan, audience_of, stages_of, what_to_release
from sampan.platform.errors import SampanError

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

release = typer.Typer(help="Who gets which version.", no_args_is_help=True)

App = Annotated[str, typer.Argument(help="App id, such as demo.bank.coupons; key of a switch, or client app.")]
Sequence = Annotated[int, typer.Argument(help="Sequence of the version; edition of a switch, or build.")]
PACKAGES = ("miniapp", "shared", "native", HOTFIX)
Release = Annotated[str, typer.Argument(metavar="RELEASE", help="Release id.")]
Cause = Annotated[str, typer.Option(help="Why; stands in the history.")]
Customers = Annotated[int | None, typer.Option(metavar="NUMBER", min=1, help="To so many customers and no more.")]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Nobody new from then on, such as 2027-01-01T00:00:00+08:00.")
]
Tags = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only who has this tag; repeat for one of several.")
]
Named = Annotated[
    str | None, typer.Option(metavar="FILE|NAME", help="Only whom the rule in a file means, or a saved audience.")
]
Healthy = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        min=0.1,
        max=50,
        help="Gates take so many failing devices for healthy, without a version before.",
    ),
]
ENDS_AS = {"pause": "paused", "complete": "completed", "stop": "stopped", "rollback": "rolled_back"}


@release.command("create")
def create_release(
    context: typer.Context,
    app: Annotated[
        str | None, typer.Argument(help="App id; key of a switch, or client app. None with --hotfix.")
    ] = None,
    sequence: Annotated[int | None, typer.Argument(help="Sequence of the version; edition, or build.")] = None,
    hotfix: Annotated[str | None, typer.Option(metavar="APP@SEQUENCE", help="A hotfix of this version.")] = None,
    n: Annotated[int | None, typer.Option("--n", metavar="N", min=1, help="With --hotfix: its number.")] = None,
    tier: Annotated[
        list[str] | None, typer.Option(help="visitor, registered, e_account or full; repeat for more.")
    ] = None,
    tag: Tags = None,
    audience: Named = None,
    client_app: Annotated[str | None, typer.Option(help="Only this client app.")] = None,
    rollback_to: Annotated[int | None, typer.Option(help="Sequence that one person may roll back to.")] = None,
    kind: Annotated[str, typer.Option(help="miniapp, shared, native, switch or app_upgrade.")] = "miniapp",
    update: Annotated[str, typer.Option(help="async: at the next open; sync: before it opens.")] = "async",
    wifi_only: Annotated[bool, typer.Option("--wifi-only", help="No background download but on Wi-Fi.")] = False,
    predownload: Annotated[bool, typer.Option("--predownload", help="Fetched ahead, before anything else.")] = False,
    minimum: Annotated[
        int | None, typer.Option(metavar="SEQUENCE", min=1, help="Lower versions must update before they open.")
    ] = None,
    percent: Annotated[
        list[float] | None, typer.Option(help="A stage of so many percent of the audience; repeat, the last is 100.")
    ] = None,
    auto: Annotated[
        int | None, typer.Option(metavar="MINUTES", help="Stages move on by themselves, each after so many minutes.")
    ] = None,
    healthy: Healthy = None,
    plan: Annotated[Path | None, typer.Option(help="File with the stages as JSON, instead of --percent.")] = None,
    customers: Customers = None,
    until: Until = None,
    submit: Annotated[bool, typer.Option(help="Ask for approval at once.")] = True,
    note: Annotated[str, typer.Option(help="What the approver should know.")] = "",
) -> None:
    """Release a published version; a second person approves the change request.

    --tier, --tag and --audience say to whom: all that are given must hold. Each --percent but the last has a gate.

    A file for --plan holds the stages: [{"name": "testers", "basis_points": 1000, "advance": "auto", "min_minutes":
    120, "gate": {}}, {"name": "all", "basis_points": 10000}]; "gate": {} is the gate that --percent gives.
    """
    kind, app, sequence = what_to_release(kind, app, sequence, hotfix, n)
    api = _api()
    meant = audience_of(api, tier or [], tag or [], audience)
    if meant is None:
        raise AudienceNeeded("Say to whom it goes, with --tier, --tag or --audience.")
    draft = {
        "kind": kind,
        "id": app,
        "sequence": sequence,
        "audience": meant,
        "client_app": client_app,
        "rollback_to": rollback_to,
        "update_mode": update,
        "client_rules": {"wifi_only": wifi_only, "predownload": predownload, "minimum_sequence": minimum},
        "stages": stages_of(percent or [], auto, plan, is_watched=kind in PACKAGES, healthy=healthy),
        "cap": _cap(customers, until),
    }
    made = api.post("/releases", draft)
    _say_when_not_listed(context, api, app, kind)
    if not submit:
        context.obj.result({"release": made["id"], "state": made["state"]}, f"{made['id']} is a draft.")
        return
    asked = _submitted(api, made["id"], note)
    context.obj.result(
        {"release": made["id"], "change": asked["change"], "digest": asked["digest"]},
        f"{made['id']} waits for approval:\n"
        f"  sampan change show {asked['change']}\n"
        f"  sampan change approve {asked['change']} --digest {asked['digest']}",
    )


@release.command("edit")
def edit_release(
    context: typer.Context,
    release_id: Release,
    sequence: Annotated[int | None, typer.Option(help="Another version, by its sequence.")] = None,
    tier: Annotated[list[str] | None, typer.Option(help="Other tiers; repeat for more.")] = None,
    tag: Tags = None,
    audience: Named = None,
    rollback_to: Annotated[int | None, typer.Option(help="Sequence that one person may roll back to.")] = None,
    update: Annotated[str | None, typer.Option(help="async: at the next open; sync: before it opens.")] = None,
    percent: Annotated[list[float] | None, typer.Option(help="Other stages; repeat, the last is 100.")] = None,
    auto: Annotated[int | None, typer.Option(metavar="MINUTES", help="The new stages move on by themselves.")] = None,
    plan: Annotated[Path | None, typer.Option(help="File with other stages as JSON.")] = None,
    customers: Customers = None,
    until: Until = None,
) -> None:
    """Change a draft; what is not named stays."""
    api = _api()
    wanted = {
        "sequence": sequence,
        "audience": audience_of(api, tier or [], tag or [], audience),
        "rollback_to": rollback_to,
        "update_mode": update,
        "stages": stages_of(percent or [], auto, plan),
        "cap": _cap(customers, until),
    }
    edit = {name: value for name, value in wanted.items() if value is not None}
    edit["changed_ms"] = api.get(f"/releases/{release_id}")["changed_ms"]
    found = api.patch(f"/releases/{release_id}", edit)
    text = f"The draft of {found['deliverable']} {found['version']} is changed: sampan release check {release_id}"
    context.obj.result(found, text)


@release.command("check")
def check_release(context: typer.Context, release_id: Release) -> None:
    """Say what speaks against a release before it is submitted."""
    found = _api().post(f"/releases/{release_id}/check", None)
    lines = [
        *(f"conflict  {each['en']}" for each in found["conflicts"]),
        *(f"warning   {each['en']}" for each in found["warnings"]),
    ]
    context.obj.result(found, "\n".join(lines) or "Nothing speaks against it.")


@release.command("submit")
def submit_release(
    context: typer.Context,
    release_id: Release,
    note: Annotated[str, typer.Option(help="What the approver should know.")] = "",
) -> None:
    """Ask for approval of a draft."""
    asked = _api().post(f"/releases/{release_id}/submit", {"cause": note})
    text = f"Waits for approval: sampan change approve {asked['change']} --digest {asked['digest']}"
    context.obj.result(asked, text)


def _submitted(api: "Api", draft: str, note: str) -> Any:
    """Ask for the approval of a draft just made; a refusal says that the draft stays."""
    from sampan.platform.cli.api import ServerRefused

    try:
        return api.post(f"/releases/{draft}/submit", {"cause": note})
    except SampanError as problem:
        told = (
            f"{problem.detail} What was asked for stays as the draft {draft}: change it with `sampan release edit "
            f"{draft}`, then `sampan release submit {draft}`."
        )
        raise ServerRefused(problem.status, problem.code, told, **{**problem.facts, "release": draft}) from problem


def _cap(customers: int | None, until: str | None) -> dict[str, Any] | None:
    if customers is None:
        if until is not None:
            raise BadPlan("--until is the time of --customers; give both.")
        return None
    from sampan.platform.audience.attributes import parse_moment

    return {"customers": customers, "until_ms": None if until is None else parse_moment(until)}


@release.command("list")
def list_releases(
    context: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only of this app.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
) -> None:
    """List releases, the newest first."""
    found = _api().items("/releases", deliverable=app, state=state)
    lines = [f"{each['id']}  {_named(each)}  {said(each['state'])}" for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or "No releases.")


@release.command("show")
def show_release(context: typer.Context, release_id: Release) -> None:
    """Show a release, its stages, what its gate saw, its history and how far it has come."""
    from sampan.platform.cli.people_names import named
    from sampan.platform.cli.release_text import history_lines
    from sampan.platform.release.plan_words import stage_words

    api = _api()
    found = api.get(f"/releases/{release_id}")
    delivery = api.get(f"/insight/releases/{release_id}/funnel")
    progress = api.get(f"/releases/{release_id}/progress")
    places = api.get(f"/releases/{release_id}/places") if found["cap"] is not None else None
    lines = [
        f"{_named(found)}: {said(found['state'])}",
        f"  for {_audience(found['audience'])}",
        *([f"  {places['taken']} of {places['places']} places taken"] if places is not None else []),
        *(
            f"  {'>' if number == found['stage'] else ' '} stage {number + 1}: "
            + stage_words(stage, is_last=number + 1 == len(found["stages"])).en
            for number, stage in enumerate(found["stages"])
        ),
        *history_lines(found, progress["looks"]),
        f"  devices that reported: {delivery['devices']}",
        *(
            f"    {step['stage']}: {step['devices']}{_failed(step)}"
            for step in delivery["steps"]
            if delivery["devices"]
        ),
    ]
    context.obj.result({**found, "delivery": delivery, "progress": progress}, named(context.obj, api, lined(lines)))


def _named(found: Mapping[str, Any]) -> str:
    """Return what a release gives, as people call it."""
    from sampan.platform.release.plan_words import version_words

    deliverable = found["deliverable"]
    words = version_words(found["kind"], found["version"], found["sequence"], deliverable)
    return f"{deliverable.partition('@')[0]} {words.en}"


def _failed(step: Mapping[str, Any]) -> str:
    return f" ({step['failed']} failed here)" if step["failed"] else ""


@release.command("pause")
def pause_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Make no new offers for now."""
    _move(context, release_id, "pause", cause)


@release.command("complete")
def complete_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Mark the rollout as done; it keeps offering."""
    _move(context, release_id, "complete", cause)


@release.command("stop")
def stop_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """End a release for good; what is installed stays."""
    _move(context, release_id, "stop", cause)


@release.command("rollback")
def roll_back_release(
    context: typer.Context,
    release_id: Release,
    cause: Cause = "",
    to: Annotated[
        int | None, typer.Option(metavar="SEQUENCE", min=1, help="An earlier version; else the approved one.")
    ] = None,
) -> None:
    """Take devices back to an earlier version; one person may."""
    _move(context, release_id, "rollback", cause, **({} if to is None else {"to": to}))


@release.command("move-on")
def move_release_on(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Go to the next stage of the approved plan, whatever its gate says."""
    _go_to_stage(context, release_id, "move-on", cause)


@release.command("narrow")
def narrow_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Go back to the stage before; who has the version keeps it."""
    _go_to_stage(context, release_id, "narrow", cause)


@release.command("resume")
def resume_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Ask to go on with a paused release."""
    asked = _api().post(f"/releases/{release_id}/resume", {"cause": cause})
    text = f"Waits for approval: sampan change approve {asked['change']} --digest {asked['digest']}"
    context.obj.result(asked, text)


def _say_when_not_listed(context: typer.Context, api: "Api", app: str, kind: str) -> None:
    """Say that customers could install but not open it, when the catalogue does not list it."""
    if kind != "miniapp" or any(each["app"] == app and each["listed"] for each in api.items("/catalogue", search=app)):
        return
    if api.items("/changes", state="proposed", target=app, kind="catalogue.entry"):
        context.obj.note(f"The catalogue's entry of {app} waits for approval too: `sampan change list`.")
        return
    context.obj.note(
        f"{app} is not in the catalogue: devices will install it, but no customer can open it. "
        f"List it with `sampan catalogue set {app} --see TIER --open TIER --category HEADING --listed`."
    )


def _move(context: typer.Context, release_id: str, verb: str, cause: str, **more: int) -> None:
    """Carry out a move; one that was carried out before changes nothing and is no failure."""
    from sampan.platform.cli.done_already import unless_done

    api = _api()
    path, state = f"/releases/{release_id}", ENDS_AS[verb]
    found, is_new = unless_done(
        lambda: api.post(f"{path}/{verb}", {"cause": cause, **more}),
        "wrong_release_state",
        lambda: api.get(path),
        lambda seen: seen["state"] == state,
    )
    text = f"The release of {_named(found)} is {said(found['state'])}"
    text += "." if is_new else " already; nothing changed."
    if verb == "complete" and found["kind"] == "switch":
        text += f"\n{_of_completed_switch(api, found)}"
    context.obj.result(found, text)


def _of_completed_switch(api: "Api", release: Mapping[str, Any]) -> str:
    """Say who gets the edition from now on: everybody when that is whom the release meant, else those alone."""
    from sampan.platform.cli.switch_commands import going_on

    goes_on = f"It goes on for those whom it means: {going_on(release)}. Stop it to take the edition back."
    with contextlib.suppress(SampanError):  # it is completed: not being told who gets it is no failure
        if api.get(f"/switches/{release['deliverable']}")["edition"] >= release["sequence"]:
            return f"Edition {release['sequence']} is what everybody gets now."
    return goes_on


def _go_to_stage(context: typer.Context, release_id: str, verb: str, cause: str) -> None:
    found = _api().post(f"/releases/{release_id}/{verb}", {"cause": cause})
    name = found["stages"][found["stage"]]["name"]
    text = f"The release of {found['deliverable']} {found['version']} is at stage {found['stage'] + 1}, {name}."
    context.obj.result(found, text)


def _audience(rule: Any) -> str:
    from sampan.platform.audience.words import rule_words

    return rule_words(rule).en


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
