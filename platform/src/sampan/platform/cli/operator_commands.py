"""Commands of reviewers and release managers: review, change, kill. Each is one call of the console API."""

from typing import TYPE_CHECKING, Annotated

import typer

from sampan.platform.cli.output import lined, moment, said

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

review = typer.Typer(help="Review what publishers submitted.", no_args_is_help=True)
change = typer.Typer(help="Change requests: what waits for a second person.", no_args_is_help=True)

App = Annotated[str, typer.Argument(help="App id, such as demo.bank.coupons.")]
Sequence = Annotated[int, typer.Argument(help="Sequence of the version.")]
Change = Annotated[str, typer.Argument(metavar="CHANGE", help="Id of the change request.")]


def register(root: typer.Typer) -> None:
    """Add the commands."""
    from sampan.platform.cli.explain_commands import explain
    from sampan.platform.cli.freeze_commands import freeze
    from sampan.platform.cli.hosts_commands import hosts
    from sampan.platform.cli.release_commands import release
    from sampan.platform.cli.switch_commands import switch
    from sampan.platform.cli.upgrade_commands import app_upgrade

    root.add_typer(review, name="review")
    root.add_typer(change, name="change")
    root.add_typer(release, name="release")
    root.add_typer(switch, name="switch")
    root.add_typer(app_upgrade, name="app-upgrade")
    root.add_typer(freeze, name="freeze")
    root.add_typer(hosts, name="hosts")
    root.command()(explain)
    root.command()(kill)


@review.command("list")
def list_reviews(context: typer.Context) -> None:
    """List what is under review and yours to review: versions, then hotfixes."""
    from sampan.platform.cli.hotfix_text import waiting_hotfixes

    api = _api()
    found, (hotfixes, more) = api.items("/reviews"), waiting_hotfixes(api.get("/overview")["needs_me"])
    lines = [f"{each['app']} {each['version']} ({each['sequence']})  {said(each['state'])}" for each in found]
    lines += [
        f"hotfix {each['n']} of {each['app']} (sequence {each['sequence']})  in review: "
        f"sampan hotfix show {each['app']} {each['sequence']} {each['n']}"
        for each in hotfixes
    ]
    lines += [f"and {more} hotfixes more"] if more else []
    value = {"items": found, "hotfixes": hotfixes, "more_hotfixes": more}
    context.obj.result(value, "\n".join(lines) or "Nothing is under review.")


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
        lines += [
            "Approve exactly this:",
            f"  sampan review approve {app} {sequence} --digest {found['review_digest']}",
        ]
    context.obj.result(found, named(context.obj, api, lined(lines)))


@review.command("approve")
def approve_review(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    digest: Annotated[str, typer.Option(help="The review digest that `sampan review show` printed.")],
) -> None:
    """Approve exactly the bytes behind a review digest; the review key signs and the version is published."""
    from sampan.platform.cli.done_already import unless_done

    api = _api()
    path = f"/apps/{app}/versions/{sequence}"
    found, is_new = unless_done(
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
    found = _api().items("/changes", state=state)
    lines = [f"{each['id']}  {each['kind']:<17}  {each['target_name']}  by {each['maker']['name']}" for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or f"No change request is {state}.")


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
    from sampan.platform.cli.done_already import unless_done

    api = _api()
    path = f"/changes/{change_id}"
    found, is_new = unless_done(
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


def kill(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    cause: Annotated[str, typer.Option(help="Why; stands in the audit.")],
    reason: Annotated[str, typer.Option(help="Code of the text that people see.")] = "withdrawn",
    kind: Annotated[str, typer.Option(help="Deliverable kind.")] = "miniapp",
) -> None:
    """Forbid a version on every device after its next contact; it neither installs nor opens again."""
    _api().post("/kills", {"kind": kind, "id": app, "sequence": sequence, "reason": reason, "cause": cause})
    context.obj.result({"app": app, "sequence": sequence}, f"{app} sequence {sequence} is killed.")


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
