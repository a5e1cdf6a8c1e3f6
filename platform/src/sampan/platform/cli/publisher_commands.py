"""Commands on a publisher's own machine: new, keygen, pack, check. None of them needs a server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sampan.platform.cli.output import ExitCode, Output

Folder = Annotated[Path, typer.Argument(help="Folder of the mini-app.")]
PLAIN_VERSION = "1.0.0"
UNAUTHORIZED, SERVER_FAULT = 401, 500


def register(root: typer.Typer) -> None:
    """Add the commands."""
    from sampan.platform.cli import promotion_commands, publisher_commands_register, publisher_commands_versions
    from sampan.platform.cli.delta_commands import delta
    from sampan.platform.cli.hotfix_commands import hotfix

    root.add_typer(delta, name="delta")
    root.add_typer(hotfix, name="hotfix")
    root.command()(new)
    root.command()(keygen)
    root.command()(pack)
    root.command()(check)
    publisher_commands_versions.register(root)
    promotion_commands.register(root)
    publisher_commands_register.register(root)


def new(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder to be made.")],
    app_id: Annotated[str, typer.Option("--id", help="App id in reverse DNS, such as bank.demo.coupons.")],
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    template: Annotated[str, typer.Option(help="vanilla (no build step), vue or react (Vite projects).")] = "vanilla",
) -> None:
    """Make a small mini-app to start from: one page that asks the bridge, zh and en, light and dark."""
    from sampan.platform.cli.new_app import make_app

    files = make_app(folder, app_id, name or app_id.rpartition(".")[2].capitalize(), template)
    lines = [f"Made {len(files)} files in {folder}:", *(f"  {path}" for path in files), "Next:"]
    if template == "vanilla":
        lines += [f"  sampan check {folder}", f"  sampan pack {folder} --out dist"]
    else:
        build = f"  cd {folder} && npm install && npm run build"
        lines += [build, "  sampan check dist", "  sampan pack dist --out packed"]
    value = {"folder": str(folder), "app": app_id, "template": template, "files": files}
    context.obj.result(value, "\n".join(lines))


def keygen(
    context: typer.Context,
    who: Annotated[str, typer.Argument(metavar="publisher|officer", help="Whose key: they have different uses.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Key file to be made, publisher.pem or officer.pem; a publisher's trial key lies beside it."),
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the passphrase [SAMPAN_PASSPHRASE, or asked].")
    ] = None,
    algorithm: Annotated[str, typer.Option(help="ed25519 or es256.")] = "ed25519",
) -> None:
    """Make a key here: the private part encrypted (PKCS#8), the public part beside it, to be registered."""
    from sampan.platform.cli.key_pairs import make_pair, passphrase_for, public_path, refuse_taken, trial_path

    if who not in ("publisher", "officer"):
        raise typer.BadParameter("say publisher or officer", param_hint="who")
    out = out or Path(f"{who}.pem")
    paths = {"intl": out, "trial": trial_path(out)} if who == "publisher" else {"": out}
    refuse_taken(paths.values())
    secret = passphrase_for(f"the new key {out}", passphrase_file, is_new=True)
    made = {profile: make_pair(path, secret, algorithm=algorithm) for profile, path in paths.items()}
    keys = [
        {"profile": profile, "id": pair.id, "file": str(pair.path), "public": pair.public.pem()}
        for profile, pair in made.items()
    ]
    lines = []
    for profile, pair in made.items():
        lines.append(f"{pair.path}  {f'tree {profile}, ' if profile else ''}key {pair.id}")
        lines.append(pair.public.pem().rstrip())
    given = " ".join(str(public_path(pair.path)) for pair in made.values())
    lines.append(
        f"Have an administrator register the public part: {given}. The private part never leaves this machine."
    )
    context.obj.result({"who": who, "keys": keys}, "\n".join(lines))


def pack(
    context: typer.Context,
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path("dist"),
    app_id: Annotated[
        str | None, typer.Option("--id", help="App id, for a plain H5 build without manifest.json.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name for people, for a plain H5 build.")] = None,
    version: Annotated[
        str | None, typer.Option(help="Version name, in place of the manifest's; of a plain H5 build, else 1.0.0.")
    ] = None,
    sequence: Annotated[int | None, typer.Option(min=1, help="Sequence, in place of the manifest's.")] = None,
    following: Annotated[
        bool,
        typer.Option("--next", help="Ask the server for the next free sequence, and raise a version name in use."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also write over the package of another sequence.")] = False,
) -> None:
    """Pack a mini-app or a plain H5 build; the same files give the same bytes on every machine."""
    from sampan.offline_packages import NewApp
    from sampan.offline_packages import pack as pack_folder
    from sampan.offline_packages.required_files import MANIFEST
    from sampan.platform.cli.packages import PackageFileMissing, progress
    from sampan.platform.cli.publisher_commands_versions import key_option

    if not folder.is_dir():
        raise PackageFileMissing(f"There is no folder {folder}. Make a mini-app with `sampan new`, or name your build.")
    has_manifest = (folder / MANIFEST).exists()
    if following:
        app, named = _manifest_says(folder / MANIFEST) if has_manifest else (app_id, PLAIN_VERSION)
        sequence, version = _following(context.obj, app, version, named)
    plain = None
    if app_id is not None and not has_manifest:
        plain = NewApp(app_id=app_id, version_name=version or PLAIN_VERSION, sequence=sequence or 1, name=name)
    with progress(context.obj, "Packing") as told:
        packed = pack_folder(
            folder, out, new_app=plain, sequence=sequence, version_name=version, overwrite=force, progress=told
        )
    value = {
        "app": packed.index.app,
        "version": packed.index.version,
        "sequence": packed.index.sequence,
        "digest": packed.digest,
        "package": str(packed.archive_path),
        "index": str(packed.index_path),
        "size": packed.index.archive.size,
        "files": len(packed.index.files),
        "skipped": list(packed.skipped),
        "added": list(packed.added),
        "replaced": list(packed.replaced),
        "rebuilt": packed.has_rebuilt,
    }
    lines = [
        f"{packed.index.app} {packed.index.version}, sequence {packed.index.sequence}: {len(packed.index.files)} files"
    ]
    lines += [f"left out: {path}" for path in packed.skipped] + [f"added: {path}" for path in packed.added]
    lines += [f"written anew, with this version: {path}" for path in packed.replaced]
    if packed.has_rebuilt:
        lines.append("This takes the place of another package of the same name.")
    lines += [f"package {packed.archive_path}", f"index   {packed.index_path}", f"digest  {packed.digest}"]
    lines.append(f"Next: sampan publish {packed.archive_path} --wait{key_option()}")
    context.obj.result(value, "\n".join(lines))


def check(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A package (.ma) or the folder of a mini-app.")],
    previous: Annotated[Path | None, typer.Option(help="Index file of the version published before.")] = None,
    offline: Annotated[bool, typer.Option(help="Do not ask the server for the bank's own rules.")] = False,
) -> None:
    """Run the checks that the server will run. Exit status 6 when something would stop the version."""
    from sampan.platform.cli import packages

    rules = packages.default_rules() if offline else _bank_rules(context.obj)
    before = packages.read_index(previous) if previous else None
    with packages.accepted(source, rules, context.obj) as found:
        told = packages.findings(found, rules, previous=before)
        digest, index = found.digest, found.index
    is_good = not packages.has_errors(told)
    value: dict[str, Any] = {
        "app": index.app,
        "sequence": index.sequence,
        "digest": digest,
        "ok": is_good,
        "rules": rules.source,
    }
    lines = packages.finding_lines(told)
    verdict = "Nothing stops it" if is_good else "The errors above stop it"
    counted = f"{len(told)} finding{'' if len(told) == 1 else 's'}"
    lines.append(f"{index.app} {index.version}: {counted}. {verdict}; checked against {rules.source}.")
    context.obj.result({**value, "findings": packages.finding_values(told)}, "\n".join(lines))
    if not is_good:
        raise typer.Exit(ExitCode.FINDINGS)


def _bank_rules(output: Output) -> Any:
    """Return the bank's rules; without a session or an answer those of a new workspace, and say so."""
    from sampan.platform.cli import packages
    from sampan.platform.cli.api import Api
    from sampan.platform.cli.home import NotSignedIn, signed_in
    from sampan.platform.errors import SampanError

    try:
        return packages.rules_of(Api.of(signed_in()))
    except NotSignedIn:
        return packages.default_rules()
    except SampanError as problem:
        if problem.status != UNAUTHORIZED and problem.status < SERVER_FAULT:
            raise
        output.note(f"The bank's own rules were not asked for: {problem.detail}")
        return packages.default_rules()


def _following(output: Output, app_id: str | None, version: str | None, named: str) -> tuple[int, str | None]:
    """Return the next free sequence, and the version name to write: the given one, or a free one when `named` is not.

    None leaves the name as the manifest has it.
    """
    from sampan.offline_packages.refusals import AppIdNeeded
    from sampan.platform.cli.api import current_api
    from sampan.platform.cli.version_names import free_name

    if app_id is None:
        raise AppIdNeeded
    api = current_api()
    sequence = int(api.get(f"/apps/{app_id}/next-sequence")["sequence"])
    if version is not None:
        return sequence, version
    free = free_name(named, {each["version"] for each in api.items(f"/apps/{app_id}/versions")})
    if free == named:
        return sequence, None
    output.note(f"Version {named} is on the server already; this one is {free}. Choose another with --version.")
    return sequence, free


def _manifest_says(manifest: Path) -> tuple[str, str]:
    from sampan.offline_packages import parse_manifest

    found = parse_manifest(manifest.read_bytes())
    return found.app_id, found.version_name
