"""`sampan hotfix`: files of a published version mended in seconds, signed and approved like a version."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import ExitCode, said

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

hotfix = typer.Typer(help="Mend files of a published version without a new one.", no_args_is_help=True)

App = Annotated[str, typer.Argument(help="App id, such as demo.bank.coupons.")]
Sequence = Annotated[int, typer.Argument(min=1, help="Sequence of the version.")]
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="Number of the hotfix.")]
Digest = Annotated[str, typer.Option(help="The review digest that `sampan hotfix show` printed.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="PATH=FILE", help="This path gets that file; repeat.")]
Delete = Annotated[list[str] | None, typer.Option("--delete", metavar="PATH", help="Take this file away; repeat.")]
JsonPatch = Annotated[
    list[str] | None,
    typer.Option("--json-patch", metavar="PATH=FILE", help="Change this JSON file by RFC 6902 operations; repeat."),
]


@hotfix.command("make")
def make(
    context: typer.Context,
    app: App,
    sequence: Annotated[int, typer.Option(min=1, help="Sequence of the published version that it is for.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="New contents, under their path below --folder.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="The app's folder, to which the files' paths are relative; else this one.")
    ] = None,
    sets: Set = None,
    deletes: Delete = None,
    patches: JsonPatch = None,
    on: Annotated[
        int | None,
        typer.Option(min=0, help="Build on this hotfix, 0 for the version itself; else on the newest released."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write [APP-SEQUENCE-N.hotfix].")] = None,
) -> None:
    """Make a hotfix on a version as it is published; nothing is signed or sent yet."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import signed_in
    from sampan.platform.cli.hotfix_file import write_hotfix
    from sampan.platform.cli.hotfix_making import change_line, made, wanted
    from sampan.platform.cli.hotfix_sending import TREE
    from sampan.platform.cli.pinned_roots import Place
    from sampan.platform.cli.publisher_commands_versions import key_option

    asked = wanted(folder, files or [], sets or [], deletes or [], patches or [])
    sign_in = signed_in()
    base = Api.of(sign_in).get(f"/apps/{app}/versions/{sequence}/hotfix-base", on=on)
    found, content = made(Place.of(sign_in, TREE), app, sequence, asked, n=base["next"], on=base["on"])
    path = out or Path(f"{app}-{sequence}-{found.n}.hotfix")
    write_hotfix(path, found, content)
    value: dict[str, Any] = {
        "file": str(path), "app": app, "sequence": sequence, "n": found.n, "on": list(found.on), "bytes": len(content),
        "changed": [each.path for each in found.changes],
    }  # fmt: skip
    on_these = f" on {', '.join(map(str, found.on))}" if found.on else ""
    lines = [f"Hotfix {found.n} of {app}, sequence {sequence}{on_these}: {path}", *map(change_line, found.changes)]
    context.obj.result(value, "\n".join([*lines, f"Sign and send it: sampan hotfix publish {path}{key_option()}"]))


@hotfix.command("publish")
def publish(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `sampan hotfix make` wrote.")],
    key: Annotated[Path, typer.Option("--key", help="Your key file, as `sampan keygen publisher` made it.")] = Path(
        "publisher.pem"
    ),
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the key's passphrase [SAMPAN_PASSPHRASE, or asked].")
    ] = None,
    title: Annotated[str, typer.Option(help="What is mended, in a few words, for the reviewer.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is published or refused.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write what is signed to this file, for the console; nothing is uploaded.")
    ] = None,
) -> None:
    """Sign a hotfix on this machine and send it for review; the same one again is signed anew if it has to be."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import signed_in
    from sampan.platform.cli.hotfix_file import read_hotfix
    from sampan.platform.cli.hotfix_sending import TREE, Sending
    from sampan.platform.cli.hotfix_text import line
    from sampan.platform.cli.pinned_roots import Place
    from sampan.platform.cli.publisher_commands_versions import Unlock

    made, content = read_hotfix(file)
    sign_in = signed_in()
    unlock = Unlock(key, passphrase_file, trial=False)
    sending = Sending(Api.of(sign_in), Place.of(sign_in, TREE), lambda: unlock()[TREE], made, content)
    if out is not None:
        out.write_text(json.dumps(sending.signed(), indent=1) + "\n")
        value = {"app": made.app, "sequence": made.sequence, "n": made.n, "signed": str(out)}
        context.obj.result(value, f"Signed hotfix {made.n} of {made.app}, sequence {made.sequence}: {out}")
        return
    found = sending.send(title)
    if wait:
        for each in sending.follow():
            found = {**each, "already": found.get("already", False)}
            context.obj.note(line(found))
    lines = ["It is on the server already; nothing was sent."] if found.get("already") else []
    _tell(context, found, lines)


@hotfix.command("list")
def list_hotfixes(context: typer.Context, app: App, sequence: Sequence) -> None:
    """List the hotfixes of a version, the newest first."""
    from sampan.platform.cli.hotfix_text import line

    found = _api().items(f"/apps/{app}/versions/{sequence}/hotfixes")
    none = f"Version {sequence} of {app} has no hotfix."
    context.obj.result({"items": found}, "\n".join(map(line, found)) or none)


@hotfix.command("show")
def show(context: typer.Context, app: App, sequence: Sequence, n: Number) -> None:
    """Show what a hotfix changes, file by file; approve by the digest that stands here."""
    from sampan.platform.cli.hotfix_text import detail
    from sampan.platform.cli.people_names import named

    api, path = _api(), _path(app, sequence, n)
    found = api.get(path)
    diffs = [api.get(f"{path}/diff", path=each["path"]) for each in found["changes"]]
    lines = detail(found, diffs)
    if found["state"] == "in_review":
        end = f"--digest {found['review_digest']}"
        lines.append(f"Approve exactly this:\n  sampan hotfix approve {app} {sequence} {n} {end}")
    context.obj.result({**found, "diffs": diffs}, named(context.obj, api, "\n".join(lines)))


@hotfix.command("approve")
def approve(context: typer.Context, app: App, sequence: Sequence, n: Number, digest: Digest) -> None:
    """Approve exactly the bytes behind a review digest; the review key signs, and a release may give it to devices."""
    from sampan.platform.cli.done_already import unless_done

    api, path = _api(), _path(app, sequence, n)
    found, is_new = unless_done(
        lambda: api.post(f"{path}/approve", {"digest": digest}),
        "version_state",
        lambda: api.get(path),
        lambda seen: seen["review_digest"] == digest and seen["state"] in ("approved", "published"),
    )
    _tell(context, found, [] if is_new else ["It was approved before; nothing changed."])


@hotfix.command("reject")
def reject(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    n: Number,
    digest: Digest,
    comment: Annotated[str, typer.Option(help="What the publisher is told.")],
) -> None:
    """Refuse a hotfix for good; its number is not given again."""
    found = _api().post(f"{_path(app, sequence, n)}/reject", {"digest": digest, "comment": comment})
    context.obj.result(found, f"Hotfix {n} of {app}, sequence {sequence}, is {said(found['state'])}.")


@hotfix.command("withdraw")
def withdraw(
    context: typer.Context,
    app: App,
    sequence: Sequence,
    n: Number,
    cause: Annotated[str, typer.Option(help="Why; stands in the history.")],
) -> None:
    """Take a hotfix back, with those that stand on it: devices leave it at their next contact. One person may."""
    from sampan.platform.cli.done_already import unless_done

    api, path = _api(), _path(app, sequence, n)
    falling = api.get(path)["dependents"]
    found, is_new = unless_done(
        lambda: api.post(f"{path}/withdraw", {"cause": cause}),
        "version_state",
        lambda: api.get(path),
        lambda seen: seen["state"] == "withdrawn",
    )
    text = f"Hotfix {n} of {app}, sequence {sequence}, is withdrawn"
    text += f", and {', '.join(map(str, falling))} with it." if falling and is_new else "."
    context.obj.result({**found, "fallen": falling}, text if is_new else f"{text} It was before; nothing changed.")


def _tell(context: typer.Context, found: dict[str, Any], lines: list[str]) -> None:
    app, sequence, n = found["app"], found["sequence"], found["n"]
    lines = [*lines, f"Hotfix {n} of {app}, sequence {sequence}: {said(found['state'])}."]
    lines += [f"{each['severity']}: {each['message']}" for each in found["findings"]]
    if found["state"] == "in_review":
        lines.append(f"A reviewer looks at it: sampan hotfix show {app} {sequence} {n}")
    elif found["state"] in ("approved", "published"):
        lines.append(f"Give it to devices: sampan release create --hotfix {app}@{sequence} --n {n} --tier visitor ...")
    is_over = found["state"] in ("rejected", "withdrawn")
    if is_over:
        make = f"sampan hotfix make {app} --sequence {sequence} ..."
        lines.append(f"Its number is not given again. Make it again with the next number: {make}")
    context.obj.result(found, "\n".join(lines))
    if is_over:
        raise typer.Exit(ExitCode.REFUSED)


def _path(app: str, sequence: int, n: int) -> str:
    return f"/apps/{app}/versions/{sequence}/hotfixes/{n}"


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
