"""Commands of reviewers and release managers: review, change, release, kill. Each is one call of the console API."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import moment, said

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

review = typer.Typer(help="Review what publishers submitted.", no_args_is_help=True)
change = typer.Typer(help="Change requests: what waits for a second person.", no_args_is_help=True)
release = typer.Typer(help="Who gets which version.", no_args_is_help=True)

App = Annotated[str, typer.Argument(help="App id, such as demo.bank.coupons.")]
Sequence = Annotated[int, typer.Argument(help="Sequence of the version.")]
Change = Annotated[str, typer.Argument(metavar="CHANGE", help="Id of the change request.")]
Release = Annotated[str, typer.Argument(help="Release id.")]
ENDS_AS = {"pause": "paused", "complete": "completed", "stop": "stopped", "rollback": "rolled_back"}
Cause = Annotated[str, typer.Option(help="Why; stands in the history.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(review, name="review")
    root.add_typer(change, name="change")
    root.add_typer(release, name="release")
    root.command()(kill)


@review.command("list")
def list_reviews(context: typer.Context) -> None:
    """List what is under review and yours to review."""
    found = _api().get("/reviews")["items"]
    lines = [f"{each['app']} {each['version']} ({each['sequence']})  {said(each['state'])}" for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or "Nothing is under review.")


@review.command("show")
def show_review(context: typer.Context, app: App, sequence: Sequence) -> None:
    """Show a version with its findings; approve by the digest that stands here."""
    from sampan.platform.cli.people_names import named

    api = _api()
    found = api.get(f"/apps/{app}/versions/{sequence}")
    findings = [
        f"  {each['severity']}: {each['message']}" + (f" ({each['file']}:{each['line']})" if each["file"] else "")
        for each in found["findings"]
    ]
    lines = [
        f"{found['app']} {found['version']} (sequence {found['sequence']}): {said(found['state'])}",
        f"sent in by    {found['submitted_by']}, {moment(found['submitted_ms'])}",
        f"package digest {found['digest']}",
        f"review digest  {found['review_digest']}",
        *(findings or ["  the checks found nothing"]),
        *(f"  {each['author']}: {each['text']}" for each in found["comments"]),
    ]
    if found["state"] == "in_review":
        lines.append(
            f"Approve exactly this:\n  sampan review approve {app} {sequence} --digest {found['review_digest']}"
        )
    context.obj.result(found, named(context.obj, api, "\n".join(lines)))


@review.command("approve")
def approve_review(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    digest: Annotated[str, typer.Option(help="The review digest that `sampan review show` printed.")],
) -> None:
    """Approve exactly the bytes behind a review digest; the review key signs and the version is published."""
    api = _api()
    path = f"/apps/{app}/versions/{sequence}"
    found, is_new = _unless_done(
        lambda: api.post(f"{path}/approve", {"digest": digest}),
        "version_state",
        lambda: api.get(path),
        lambda seen: seen["review_digest"] == digest and seen["state"] in ("approved", "published"),
    )
    text = f"{app} {found['version']} is {said(found['state'])}" + ("." if is_new else " already; nothing changed.")
    context.obj.result(found, text)


@review.command("reject")
def reject_review(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    digest: Annotated[str, typer.Option(help="The review digest that `sampan review show` printed.")],
    comment: Annotated[str, typer.Option(help="What the publisher is told.")],
) -> None:
    """Refuse a version for good."""
    found = _api().post(f"/apps/{app}/versions/{sequence}/reject", {"digest": digest, "comment": comment})
    context.obj.result(found, f"{app} {found['version']} is {said(found['state'])}.")


@change.command("list")
def list_changes(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="proposed, applied, rejected, withdrawn, stale or expired.")] = "proposed",
) -> None:
    """List change requests that you may see, the newest first."""
    found = _api().get("/changes", state=state)
    lines = [
        f"{each['id']}  {each['kind']:<17}  {each['target_name']}  by {each['maker']['name']}"
        for each in found["items"]
    ]
    context.obj.result(found, "\n".join(lines) or f"No change request is {state}.")


@change.command("show")
def show_change(context: typer.Context, change_id: Change) -> None:
    """Show what a change request would do; approve by the digest that stands here."""
    from sampan.platform.cli.change_text import change_lines
    from sampan.platform.cli.people_names import named

    api = _api()
    found = api.get(f"/changes/{change_id}")
    context.obj.result(found, named(context.obj, api, "\n".join(change_lines(found))))


@change.command("approve")
def approve_change(
    context: typer.Context,
    change_id: Change,
    digest: Annotated[str, typer.Option(help="The digest that `sampan change show` printed.")],
) -> None:
    """Approve exactly the payload behind a digest; it is carried out at once."""
    api = _api()
    path = f"/changes/{change_id}"
    found, is_new = _unless_done(
        lambda: api.post(f"{path}/approve", {"digest": digest}),
        "change_closed",
        lambda: api.get(path),
        lambda seen: seen["digest"] == digest and seen["state"] == "applied",
    )
    done = f"{found['kind']} of {found['target_name']} is {said(found['state'])}"
    if found["state"] == "proposed":
        done = f"{found['kind']} of {found['target_name']} waits for another approval"
    context.obj.result(found, done + ("." if is_new else " already; nothing changed."))


@change.command("reject")
def reject_change(
    context: typer.Context,
    change_id: Change,
    reason: Annotated[str, typer.Option(help="What the maker is told.")] = "",
) -> None:
    """Refuse a change request for good."""
    found = _api().post(f"/changes/{change_id}/reject", {"reason": reason})
    context.obj.result(found, f"{change_id} is {said(found['state'])}.")


@release.command("create")
def create_release(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    tier: Annotated[list[str], typer.Option(help="visitor, registered, e_account or full; repeat for more.")],
    client_app: Annotated[str | None, typer.Option(help="Only this client app.")] = None,
    rollback_to: Annotated[int | None, typer.Option(help="Sequence that one person may roll back to.")] = None,
    kind: Annotated[str, typer.Option(help="Deliverable kind: miniapp or shared.")] = "miniapp",
    update: Annotated[str, typer.Option(help="async: at the next open; sync: before it opens.")] = "async",
    submit: Annotated[bool, typer.Option(help="Ask for approval at once.")] = True,
    note: Annotated[str, typer.Option(help="What the approver should know.")] = "",
) -> None:
    """Release a published version to tiers; a second person approves the change request."""
    api = _api()
    draft = {
        "kind": kind,
        "id": app,
        "sequence": sequence,
        "audience": {"attr": "tier", "op": "in", "values": tier},
        "client_app": client_app,
        "rollback_to": rollback_to,
        "update_mode": update,
    }
    made = api.post("/releases", draft)
    _say_when_not_listed(context, api, app, kind)
    if not submit:
        context.obj.result({"release": made["id"], "state": made["state"]}, f"{made['id']} is a draft.")
        return
    asked = api.post(f"/releases/{made['id']}/submit", {"cause": note})
    context.obj.result(
        {"release": made["id"], "change": asked["change"], "digest": asked["digest"]},
        f"{made['id']} waits for approval:\n"
        f"  sampan change show {asked['change']}\n"
        f"  sampan change approve {asked['change']} --digest {asked['digest']}",
    )


@release.command("list")
def list_releases(
    context: typer.Context,
    app: Annotated[str | None, typer.Option(help="Only of this app.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
) -> None:
    """List releases, the newest first."""
    found = _api().get("/releases", deliverable=app, state=state)
    lines = [
        f"{each['id']}  {each['deliverable']} {each['version']} ({each['sequence']})  {said(each['state'])}"
        for each in found["items"]
    ]
    context.obj.result(found, "\n".join(lines) or "No releases.")


@release.command("show")
def show_release(context: typer.Context, release_id: Release) -> None:
    """Show a release, its history and how far it has come."""
    from sampan.platform.cli.people_names import named

    api = _api()
    found = api.get(f"/releases/{release_id}")
    delivery = api.get(f"/insight/releases/{release_id}")
    lines = [
        f"{found['deliverable']} {found['version']} (sequence {found['sequence']}): {said(found['state'])}",
        f"  for {_audience(found['audience'])}",
        *(
            f"  {moment(each['at_ms'])}  {said(each['state'])} by {each['by']}"
            + (f": {each['cause']}" if each["cause"] else "")
            for each in found["history"]
        ),
        f"  devices that reported: {delivery['devices']}",
        *(f"    {stage}: {count}" for stage, count in delivery["furthest"].items()),
    ]
    context.obj.result({**found, "delivery": delivery}, named(context.obj, api, "\n".join(lines)))


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
def roll_back_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Take devices back to the version that was approved with the release."""
    _move(context, release_id, "rollback", cause)


@release.command("resume")
def resume_release(context: typer.Context, release_id: Release, cause: Cause = "") -> None:
    """Ask to go on with a paused release."""
    asked = _api().post(f"/releases/{release_id}/resume", {"cause": cause})
    text = f"Waits for approval: sampan change approve {asked['change']} --digest {asked['digest']}"
    context.obj.result(asked, text)


def kill(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    cause: Annotated[str, typer.Option(help="Why; stands in the audit.")],
    totp: Annotated[
        str | None, typer.Option(help="A fresh one-time code, for this act is dangerous; asked for when left out.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Code of the text that people see.")] = "withdrawn",
    kind: Annotated[str, typer.Option(help="Deliverable kind.")] = "miniapp",
) -> None:
    """Forbid a version on every device after its next contact; it neither installs nor opens again."""
    from sampan.platform.cli.sign_in_prompts import CODE, asked

    api = _api()
    api.post("/session/totp", {"totp": totp or asked(CODE)})
    api.post("/kills", {"kind": kind, "id": app, "sequence": sequence, "reason": reason, "cause": cause})
    context.obj.result({"app": app, "sequence": sequence}, f"{app} sequence {sequence} is killed.")


def _say_when_not_listed(context: typer.Context, api: "Api", app: str, kind: str) -> None:
    """Say that customers could install but not open it, when the catalogue does not list it."""
    if kind != "miniapp" or any(each["app"] == app and each["listed"] for each in api.get("/catalogue")["items"]):
        return
    if any(
        change["kind"] == "catalogue.entry" for change in api.get("/changes", state="proposed", target=app)["items"]
    ):
        context.obj.note(f"The catalogue's entry of {app} waits for approval too: `sampan change list`.")
        return
    context.obj.note(
        f"{app} is not in the catalogue: devices will install it, but no customer can open it. "
        f"List it with `sampan catalogue set {app} --see TIER --open TIER --listed`."
    )


def _move(context: typer.Context, release_id: str, verb: str, cause: str) -> None:
    """Carry out a move; one that was carried out before changes nothing and is no failure."""
    api = _api()
    path, state = f"/releases/{release_id}", ENDS_AS[verb]
    found, is_new = _unless_done(
        lambda: api.post(f"{path}/{verb}", {"cause": cause}),
        "wrong_release_state",
        lambda: api.get(path),
        lambda seen: seen["state"] == state,
    )
    text = f"The release of {found['deliverable']} {found['version']} ({found['sequence']}) is {said(found['state'])}"
    context.obj.result(found, text + ("." if is_new else " already; nothing changed."))


def _unless_done(
    act: Callable[[], Any], refusal: str, look: Callable[[], Any], is_done: Callable[[Any], bool]
) -> tuple[dict[str, Any], bool]:
    """Act, and return the answer and True; when the act is refused because it was done before, what there is."""
    from sampan.platform.cli.api import ServerRefused

    try:
        return act(), True
    except ServerRefused as problem:
        seen = look() if problem.code == refusal else None
        if seen is None or not is_done(seen):
            raise
        return {**seen, "already": True}, False


def _audience(rule: Any) -> str:
    from sampan.platform.audience.words import rule_words

    return rule_words(rule).en


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
