"""Commands of a publisher that talk to a server: publish, withdraw, status."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.output import ExitCode, Output, lined, moment, said

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import SignIn
    from sampan.platform.cli.publishing import Candidate, Keys

App = Annotated[str, typer.Argument(help="App id.")]
Sequence = Annotated[int, typer.Argument(min=1, help="Sequence of the version.")]
KeyFile = Annotated[Path, typer.Option("--key", help="Your key file, as `sampan keygen publisher` made it.")]
DEFAULT_KEY = Path("publisher.pem")


def key_option() -> str:
    """Return what the next command that signs needs besides: nothing where the key lies here under its usual name."""
    return "" if DEFAULT_KEY.exists() else " --key YOUR-KEY.pem"


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command()(publish)
    root.command()(withdraw)
    root.command()(status)


def publish(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="FILE|APP", help="The package (.ma); with --renew the app id.")],
    key: KeyFile = DEFAULT_KEY,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the key's passphrase [SAMPAN_PASSPHRASE, or asked].")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is published or refused.")] = False,
    resign: Annotated[bool, typer.Option("--resign", help="Sign a waiting version anew; nothing is uploaded.")] = False,
    renew: Annotated[bool, typer.Option("--renew", help="Sign the app's published list for another year.")] = False,
    resequence: Annotated[
        int | None, typer.Option(min=1, help="Submit the files of this package under another sequence, without upload.")
    ] = None,
    floor: Annotated[
        int, typer.Option(min=0, help="Lowest sequence that devices may still open once this one is published.")
    ] = 0,
    urgent: Annotated[bool, typer.Option("--urgent", help="First in line for review.")] = False,
    trial: Annotated[
        bool, typer.Option("--trial/--no-trial", help="Also for named testers, before the review.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the signed bodies to this file, for the console; nothing is uploaded."),
    ] = None,
) -> None:
    """Sign a package on this machine, upload it, and have it reviewed; the same bytes again change nothing."""
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import signed_in
    from sampan.platform.cli.publishing import FINAL

    sign_in = signed_in()
    api = Api.of(sign_in)
    unlock = Unlock(key, passphrase_file, trial)
    if renew:
        _renew(context.obj, api, sign_in, what, unlock)
        return
    job = Job(context.obj, api, sign_in, unlock, Path(what), floor)
    if out is not None:
        job.write_signed(out)
        return
    if resign:
        candidate, found = job.sign_anew()
    elif resequence is not None:
        candidate, found = job.give_sequence(resequence, is_urgent=urgent)
    else:
        candidate, found = job.upload(is_urgent=urgent)
    if wait and not (found.get("already") and found["state"] in FINAL):
        found = job.follow(candidate)
        if found["state"] == "checks_failed":
            found = api.get(candidate.path)
    _tell(context.obj, found, is_final=wait)


def withdraw(
    context: typer.Context, app: App, sequence: Sequence, note: Annotated[str, typer.Option(help="Why.")] = ""
) -> None:
    """Take a waiting version back; the next in line comes into review."""
    from sampan.platform.cli.api import current_api

    found = current_api().post(f"/apps/{app}/versions/{sequence}/withdraw", {"note": note})
    context.obj.result(found, f"{app} sequence {sequence} is {said(found['state'])}.")


def status(
    context: typer.Context,
    app: Annotated[str | None, typer.Argument(help="App id; without it, all apps that you may see.")] = None,
    sequence: Annotated[int | None, typer.Argument(help="One version, with findings and comments.")] = None,
) -> None:
    """Show where apps and versions stand."""
    from sampan.platform.cli.api import current_api
    from sampan.platform.cli.people_names import named

    api = current_api()
    if app is None:
        apps = api.items("/apps")
        lines = [f"{each['app']}  {each['kind']}  {each['publisher']}" for each in apps]
        context.obj.result({"items": apps}, named(context.obj, api, "\n".join(lines)) or "No apps that you may see.")
    elif sequence is None:
        versions = api.items(f"/apps/{app}/versions")
        context.obj.result({"items": versions}, "\n".join(map(_line, versions)) or f"{app} has no versions yet.")
    else:
        found = api.get(f"/apps/{app}/versions/{sequence}")
        context.obj.result(found, named(context.obj, api, lined(_detail(found))))


class Unlock:
    """Opens a publisher's keys when they are first needed, which is after everything cheap has been checked."""

    def __init__(self, path: Path, passphrase_file: Path | None, trial: bool) -> None:
        self.path, self._file, self._trial = path, passphrase_file, trial
        self._keys: Keys | None = None

    @property
    def public_id(self) -> str:
        """The id of the key for the customers' tree, told without opening it."""
        from sampan.platform.cli.key_pairs import pair_at

        return pair_at(self.path).id

    def __call__(self) -> "Keys":
        """Open the keys, or return them opened before."""
        from sampan.platform.cli.key_pairs import pair_at, passphrase_for, trial_path

        if self._keys is None:
            pairs = {"intl": pair_at(self.path)}
            if self._trial and trial_path(self.path).exists():
                pairs["trial"] = pair_at(trial_path(self.path))
            secret = passphrase_for(str(self.path), self._file)
            self._keys = {profile: pair.unlock(secret) for profile, pair in pairs.items()}
        return self._keys


class Job:
    """One package on its way to the server."""

    def __init__(
        self, output: Output, api: "Api", sign_in: "SignIn", unlock: Unlock, package: Path, floor: int
    ) -> None:
        self.output, self.api, self.sign_in, self.unlock, self.package = output, api, sign_in, unlock, package
        self.floor = floor

    def upload(self, *, is_urgent: bool, origin: dict[str, Any] | None = None) -> "tuple[Candidate, dict[str, Any]]":
        """Check, sign, upload and submit; `origin` says where exactly this package was approved before."""
        from sampan.platform.cli import packages, publishing

        rules = packages.rules_of(self.api)
        with packages.accepted(self.package, rules, self.output) as found:
            candidate = publishing.Candidate.of(found, floor=self.floor)
            if (known := publishing.already_there(self.api, candidate, found.digest)) is not None:
                return candidate, known
            _refuse_errors(self.output, packages.findings(found, rules))
            bodies = self.bodies(candidate)
            with packages.progress(self.output, "Uploading") as told:
                upload = _upload(self.api, found.archive_path, told)
        self.output.note("Uploaded; submitting.")
        return candidate, publishing.submit(self.api, candidate, bodies, upload, is_urgent=is_urgent, origin=origin)

    def write_signed(self, out: Path) -> None:
        """Check and sign, and write the bodies beside the digest that they list; nothing is sent."""
        from sampan.platform.cli import packages, publishing

        rules = packages.rules_of(self.api)
        with packages.accepted(self.package, rules, self.output) as found:
            candidate = publishing.Candidate.of(found, floor=self.floor)
            _refuse_errors(self.output, packages.findings(found, rules))
            digest = found.digest
        version = candidate.version
        signed = {"app": version.app, "sequence": version.sequence, "digest": digest, "bodies": self.bodies(candidate)}
        out.write_text(json.dumps(signed, indent=1) + "\n")
        value = {"app": version.app, "sequence": version.sequence, "digest": digest, "signed": str(out)}
        self.output.result(value, f"Signed {version.app} sequence {version.sequence}: {out}\nGive it to the console.")

    def sign_anew(self) -> "tuple[Candidate, dict[str, Any]]":
        """Send bodies on the present base for a version that the server holds already."""
        candidate = self._candidate(self.package)
        return candidate, self.api.post(f"{candidate.path}/bodies", {"bodies": self.bodies(candidate)})

    def give_sequence(self, sequence: int, *, is_urgent: bool) -> "tuple[Candidate, dict[str, Any]]":
        """Submit the same files under another sequence; the new package is written beside the old one."""
        from sampan.offline_packages.renumber import renumber
        from sampan.platform.cli import packages

        rules = packages.default_rules()
        with packages.accepted(self.package, rules, self.output) as found:
            old = found.index.sequence
            path = self.package.with_name(f"{self.package.stem}-{sequence}{packages.SUFFIX}")
            renumber(found.archive_path, found.index, sequence=sequence, out_path=path)
        self.output.note(f"Wrote {path}.")
        candidate = self._candidate(path)
        body = {"index": candidate.index, "bodies": self.bodies(candidate), "urgent": is_urgent}
        return candidate, self.api.post(f"/apps/{candidate.version.app}/versions/{old}/resequence", body)

    def bodies(self, candidate: "Candidate") -> dict[str, Any]:
        """Return the signed bodies on what is published now."""
        from sampan.platform.cli.publishing import bodies_with, places_of

        keys = self.unlock()
        self.output.note(f"Signing the next list of {candidate.version.app} for {', '.join(keys)}.")
        return bodies_with(candidate, places_of(self.sign_in), keys)

    def follow(self, candidate: "Candidate") -> dict[str, Any]:
        """Follow the version to its end and return it."""
        from sampan.platform.cli.publishing import follow

        found: dict[str, Any] = {}
        for found in follow(self.api, candidate.path, resign=lambda: self.bodies(candidate)):
            self.output.note(_line(found))
        return found

    def _candidate(self, package: Path) -> "Candidate":
        from sampan.platform.cli import packages, publishing

        with packages.accepted(package, packages.default_rules(), self.output) as found:
            return publishing.Candidate.of(found, floor=self.floor)


def _upload(api: "Api", path: Path, told: Any) -> str:
    total, done = path.stat().st_size, 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        told(done, total)

    return str(api.upload("/uploads", path, count)["upload"])


def _renew(output: Output, api: "Api", sign_in: "SignIn", app: str, unlock: Unlock) -> None:
    from sampan.platform.cli.publishing import places_of, renewed_bodies

    bodies = renewed_bodies(app, places_of(sign_in), unlock())
    found = api.post(f"/apps/{app}/renewals", {"kind": "renewal", "bodies": bodies})
    output.result(found, f"The renewal {found['id']} of {app} is {found['state']}; a reviewer approves it.")


def _refuse_errors(output: Output, told: list[Any]) -> None:
    from sampan.platform.cli import packages

    for line in packages.finding_lines(told):
        output.note(line)
    if packages.has_errors(told):
        text = "Not uploaded: the errors above would stop it. Mend them, then pack again."
        output.result({"code": "checks_failed", "detail": text, "findings": packages.finding_values(told)}, text)
        raise typer.Exit(ExitCode.FINDINGS)


_NEXT_STEP = {
    "needs_signature": "Another version was published first; sign this one on top of it: add --resign.",
    "sequence_superseded": "A higher sequence was published first; send the same files under a new one: "
    "add --resequence NUMBER.",
    "checks_failed": "Mend what was found and pack again with `sampan pack FOLDER --next`.",
    "rejected": "A rejected package stays rejected; pack the mended one with `sampan pack FOLDER --next`.",
}


def _tell(output: Output, found: dict[str, Any], *, is_final: bool) -> None:
    from sampan.platform.cli.publishing import FINAL

    lines = _detail(found) if found["state"] == "checks_failed" and "findings" in found else [_line(found)]
    if found.get("already"):
        lines.insert(0, "Exactly these bytes are on the server already; nothing was uploaded.")
    if (help_ := _NEXT_STEP.get(found["state"])) is not None:
        lines.append(help_)
    elif not is_final and found["state"] not in FINAL:
        lines.append(f"Follow it: sampan status {found['app']} {found['sequence']}")
    output.result(found, lined(lines))
    if found["state"] == "checks_failed":
        raise typer.Exit(ExitCode.FINDINGS)
    if found["state"] in ("rejected", "withdrawn", "sequence_superseded", "archived", "killed"):
        raise typer.Exit(ExitCode.REFUSED)


def _line(found: dict[str, Any]) -> str:
    says_more = found["cause"] and found["cause"] not in (found["state"], "slot_free")
    cause = f" ({said(found['cause'])})" if says_more else ""
    return f"{found['app']} {found['version']}, sequence {found['sequence']}: {said(found['state'])}{cause}"


def _detail(found: dict[str, Any]) -> list[str]:
    lines = [_line(found), f"digest {found['digest']}", f"review digest {found['review_digest']}"]
    for each in found["findings"]:
        place = f"{each['file']}:{each['line']}: " if each["file"] else ""
        lines.append(f"{place}{each['severity']}: {each['message']} ({each['code']})")
    lines += [f"{each['author']}: {each['text']}" for each in found["comments"]]
    if found["trial"]:
        lines.append(f"trial {found['trial_url']}")
    if (origin := found["origin"]) is not None:
        lines.append(
            f"promoted from {origin['workspace']} on {origin['server']}, approved there by {origin['approved_by']}, "
            f"{moment(origin['approved_ms'])}; so says {origin['claimed_by']}, and nobody has checked it"
        )
    return lines
