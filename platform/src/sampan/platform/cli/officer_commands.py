"""`sampan trust`: what officers and administrators do with the trust trees.

Officers' private keys are opened here, on the officer's own machine, and a signature is all that leaves it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import said

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

trust = typer.Typer(help="The trust trees: officers, keys, what waits for signatures.", no_args_is_help=True)

Profile = Annotated[str, typer.Argument(help="intl (customers' devices) or trial (testers' devices).")]
ALL_TREES = ("intl", "trial")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    from sampan.platform.cli import officer_commands_keys

    officer_commands_keys.register(trust)
    root.add_typer(trust, name="trust")


@trust.command("status")
def show_status(context: typer.Context) -> None:
    """Show every tree: what is visible, what ends when, and who must act."""
    found = _api().items("/trust/trees")
    lines = []
    for tree in found:
        state = "started" if tree["is_started"] else "not started"
        lines.append(f"{tree['profile']}: {state}, {tree['waiting']} bodies wait for officers")
        for role in tree["roles"]:
            due = f"  DUE, by {role['signer']}" if role["is_due"] else ""
            shown = "" if role["exposed_version"] == role["version"] else f" (visible: {role['exposed_version']})"
            lines.append(f"  {role['role']:<32} {role['version']:>4}{shown}  until {_day(role['expires_ms'])}{due}")
    context.obj.result({"items": found}, "\n".join(lines))


@trust.command("root")
def show_root(
    context: typer.Context,
    profile: Annotated[str | None, typer.Argument(help="intl or trial; both when left out.")] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Trust it from now on, in your own folder.")] = False,
    digest: Annotated[str | None, typer.Option(help="The digest that your bank published; refuse any other.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Pin it in place of another one.")] = False,
) -> None:
    """Show the first root of a tree as the server has it, and pin it; every later root is verified from it."""
    from tuf.api.metadata import Root

    from sampan.offline_packages.signed_bytes import body_digest, read_body
    from sampan.platform.cli import pinned_roots
    from sampan.platform.cli.home import signed_in

    sign_in = signed_in()
    items, lines = [], []
    for name in (profile,) if profile else ALL_TREES:
        place = pinned_roots.Place.of(sign_in, name)
        data = pinned_roots.fetch_first_root(place)
        found = body_digest(data)
        if pin:
            pinned_roots.pin(place, data, expected=digest, replace=replace)
        known = pinned_roots.pinned(place)
        is_pinned = known is not None and body_digest(known) == found
        officers = read_body(data, Root).roles["root"].keyids
        items.append({"tree": place.tree, "digest": found, "pinned": is_pinned, "officers": officers})
        lines += [f"{place.tree}: {found}" + ("  (pinned)" if is_pinned else ""), *(f"  officer {i}" for i in officers)]
    if not pin:
        lines.append("Compare the digest with the one that your bank published, then pin it with --pin.")
    context.obj.result({"items": items}, "\n".join(lines))


@trust.command("pending")
def list_pending(context: typer.Context) -> None:
    """List what waits for officers' signatures."""
    from sampan.platform.cli.people_names import named

    api = _api()
    found = api.items("/trust/pending")
    owners = {each["id"]: each["owner"] for each in api.items("/trust/keys")} if found else {}
    lines = []
    for each in found:
        lines.append(f"{each['id']}  {each['profile']}: {each['role']} version {each['version']}")
        lines += [
            f"  {said(request['kind'])} {request['app']}".rstrip()
            + f", asked by {request['asked_by']}  {request['id']}"
            for request in each["requests"]
        ]
        signed = [owners.get(key) or key[:16] for key in each["progress"]["have_signed"]]
        left = [
            owners.get(key) or key[:16]
            for key in each["progress"]["may_sign"]
            if key not in each["progress"]["have_signed"]
        ]
        lines.append(
            f"  signed by {', '.join(signed) or 'nobody yet'}; may sign: {', '.join(left)}; two officers are needed"
        )
    context.obj.result({"items": found}, named(context.obj, api, "\n".join(lines)) or "Nothing waits for signatures.")


@trust.command("sign")
def sign(
    context: typer.Context,
    pending: Annotated[list[str] | None, typer.Argument(help="Ids of waiting bodies.")] = None,
    key: Annotated[Path, typer.Option(help="Your officer's key file.")] = Path("officer.pem"),
    everything: Annotated[bool, typer.Option("--all", help="All that waits for this key.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; the bodies are checked all the same.")] = False,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the key's passphrase [SAMPAN_PASSPHRASE, or asked].")
    ] = None,
) -> None:
    """Show what a body does, check it on this machine, and sign it with your own key."""
    from sampan.platform.cli.home import signed_in
    from sampan.platform.cli.key_pairs import pair_at, passphrase_for
    from sampan.platform.cli.officer_session import OfficerSession
    from sampan.platform.cli.people_names import named

    if not pending and not everything:
        raise typer.BadParameter("name what to sign, or give --all", param_hint="pending")
    api = _api()
    session = OfficerSession(api, signed_in())
    pair = pair_at(key)
    chosen = session.waiting_for(pair.id, None if everything else pending)
    for each, summary in chosen:
        text = "\n".join([*summary.lines, f"  digest {summary.digest}", f"  id {each['id']}"])
        context.obj.note(named(context.obj, api, text))
    if chosen and not yes:
        if context.obj.as_json:
            raise typer.BadParameter("nothing is shown with --json; look at it first, then add --yes", param_hint="yes")
        typer.confirm(f"Sign {len(chosen)} bodies with {key}?", abort=True, err=True)
    done = []
    if chosen:
        private = pair.unlock(passphrase_for(str(key), passphrase_file))
        done = [session.sign(each, private) for each, _ in chosen]
        for (each, summary), signed in zip(chosen, done, strict=True):
            if (
                summary.is_first
                and "root" in signed["in_force"]
                and each["role"] == "root"
                and session.pin_signed(each)
            ):
                context.obj.note(f"The root of {each['profile']} is visible, and pinned here.")
    lines = [f"{each['pending']}: signed" + _in_force(each) for each in done]
    context.obj.result({"key": pair.id, "signed": done}, "\n".join(lines) or "Nothing waits for this key.")


@trust.command("renew")
def renew(
    context: typer.Context, profile: Profile, role: Annotated[str, typer.Argument(help="root or targets.")]
) -> None:
    """Ask the officers for another year."""
    tell_asked(context, _api().post(f"/trust/trees/{profile}/renewals", {"role": role}))


@trust.command("history")
def show_history(context: typer.Context, profile: Profile) -> None:
    """Show what officers signed, or were asked to."""
    found = _api().items(f"/trust/trees/{profile}/history")
    lines = [f"{_day(each['created_ms'])}  {each['role']} version {each['version']}: {each['state']}" for each in found]
    context.obj.result({"items": found}, "\n".join(lines) or "Nothing yet.")


@trust.command("cancel")
def cancel(context: typer.Context, request: Annotated[str, typer.Argument(help="Request id.")]) -> None:
    """Take a request to the officers back; what waits is made anew without it."""
    found = _api().delete(f"/trust/requests/{request}")
    context.obj.result({"rebuilt": found}, f"{request} is taken back; {len(found or [])} bodies wait anew.")


def _in_force(signed: dict[str, Any]) -> str:
    if signed["in_force"]:
        return f"; in force now: {', '.join(signed['in_force'])}"
    return "" if signed["progress"]["is_complete"] else "; another officer's signature is needed"


def tell_asked(context: typer.Context, found: dict[str, Any]) -> None:
    """Print what a request to the officers led to."""
    lines = [f"{each['role']} waits for the officers as {each['pending']}" for each in found["rebuilt"]]
    voided = sum(each["voided_signatures"] for each in found["rebuilt"])
    if voided:
        lines.append(f"{voided} signatures given before are void and must be given again.")
    context.obj.result(found, "\n".join(lines) or "Done; nothing waits because of it.")


def _day(moment_ms: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
