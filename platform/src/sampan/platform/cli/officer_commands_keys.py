"""`sampan trust`, the part about keys: register, list, suspend, resume, rotate, and who the officers are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.key_pairs import PassphraseFile

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

Profile = Annotated[str, typer.Argument(help="intl or trial.")]
Tree = Annotated[str, typer.Option("--profile", help="intl or trial.")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit.")]
KeyId = Annotated[str, typer.Argument(help="Key id, or its beginning.")]
Officers = Annotated[list[str], typer.Argument(help="Three officers' keys: ids, or public key files (.pub).")]
NewKey = Annotated[Path, typer.Option("--key", help="The new key file; it stays on this machine.")]
App = Annotated[str, typer.Argument(help="App id.")]
OFFICERS = 3


def register(trust: typer.Typer) -> None:
    """Add the commands."""
    for command in (start, officers, keys, suspend, resume, rotate, adopt):
        trust.command()(command)
    trust.command("register")(register_key)
    trust.command("app-body")(app_body)
    trust.command("app-keys")(app_keys)


def register_key(
    context: typer.Context,
    public: Annotated[Path, typer.Argument(help="Public key file (.pub).")],
    purpose: Annotated[
        str, typer.Option(help="officer or adoption; publishers' keys: `sampan publisher`.")
    ] = "officer",
    owner: Annotated[str, typer.Option(help="Whose key it is.")] = "",
    profile: Annotated[str, typer.Option(help="Tree of an adoption key: intl or trial.")] = "",
) -> None:
    """Register a public key for its one purpose."""
    found = _registered(_api(), public, purpose, owner=owner, profile=profile)
    context.obj.result(found, f"{found['id']} is registered as {found['purpose']}.")


def start(
    context: typer.Context,
    profile: Profile,
    officer: Officers,
    note: Annotated[str, typer.Option(help="For whoever approves it.")] = "",
) -> None:
    """Propose a tree's first three officers; a second administrator approves, then two of them sign."""
    api = _api()
    body = {"officers": _officers(api, officer), "note": note}
    found = api.post(f"/trust/trees/{profile}/start", body)
    context.obj.result(found, tell_waits(found))


def officers(context: typer.Context, profile: Profile, officer: Officers) -> None:
    """Ask for other officers: two of the present and two of the new ones sign root and targets."""
    api = _api()
    _tell(context, api.post(f"/trust/trees/{profile}/officers", {"officers": _officers(api, officer)}))


def keys(
    context: typer.Context,
    purpose: Annotated[str | None, typer.Option(help="Only keys of this purpose.")] = None,
    profile: Annotated[str | None, typer.Option(help="Only keys of this tree.")] = None,
) -> None:
    """List the registered public keys."""
    from sampan.platform.cli.people_names import named

    api = _api()
    found = api.items("/trust/keys", purpose=purpose, profile=profile)
    lines = [
        f"{each['id'][:16]}  {each['purpose']:<10} {each['profile'] or '-':<6} {each['state']:<10} "
        f"{each['owner'] or 'the server'}"
        for each in found
    ]
    context.obj.result({"items": found}, named(context.obj, api, "\n".join(lines)) or "No keys.")


def suspend(context: typer.Context, key: KeyId, reason: Reason) -> None:
    """Refuse from now on everything that a key signs; one person suffices."""
    api = _api()
    found = api.post(f"/trust/keys/{_full_id(api, key)}/suspend", {"reason": reason})
    context.obj.result(found, f"{found['id']} is suspended.")


def resume(context: typer.Context, key: KeyId, reason: Reason) -> None:
    """Propose that a suspended key may sign again; a second administrator approves."""
    api = _api()
    found = api.post(f"/trust/keys/{_full_id(api, key)}/resume", {"reason": reason})
    context.obj.result(found, tell_waits(found))


def rotate(
    context: typer.Context,
    profile: Profile,
    purpose: Annotated[str, typer.Argument(help="review, intake, snapshot, timestamp or control.")],
) -> None:
    """Make a new key of the server; officers sign it in (review and intake: app by app, with `trust app-keys`)."""
    found = _api().post(f"/trust/trees/{profile}/rotations", {"purpose": purpose})
    if found["rebuilt"]:
        _tell(context, found)
        return
    context.obj.result(found, f"A new {purpose} key is made. Change each app's keys: sampan trust app-keys APP")


def app_body(
    context: typer.Context,
    app: App,
    key: NewKey,
    out: Annotated[Path, typer.Option(help="File to be written.")],
    profile: Tree = "intl",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign the app's published list with a new key, for an administrator's `trust app-keys --body`."""
    pair, body = _renewed(app, profile, key, passphrase_file)
    out.write_text(body)
    value = {"app": app, "profile": profile, "key": pair.id, "file": str(out)}
    context.obj.result(value, f"Hand {out} to an administrator, with the key id {pair.id}.")


def app_keys(
    context: typer.Context,
    app: App,
    publisher_key: Annotated[str | None, typer.Option(help="Id of the registered new key; needed with --body.")] = None,
    key: Annotated[Path | None, typer.Option(help="The new key file, if it is on this machine.")] = None,
    body: Annotated[Path | None, typer.Option(help="What the publisher wrote with `trust app-body`.")] = None,
    profile: Tree = "intl",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Ask the officers for an app's other publisher key, beside the server's newest review (or intake) key."""
    from sampan.platform.cli.given_files import text_of

    if key is not None:
        pair, signed = _renewed(app, profile, key, passphrase_file)
        name = pair.id
    elif body is not None and publisher_key is not None:
        name, signed = publisher_key, text_of(body)
    else:
        raise typer.BadParameter("give --key, or --body with --publisher-key", param_hint="key")
    api = _api()
    wanted = {"profile": profile, "publisher_key": _full_id(api, name), "body": signed}
    _tell(context, api.post(f"/trust/apps/{app}/keys", wanted))


def adopt(
    context: typer.Context,
    app: App,
    key: Annotated[Path, typer.Option(help="The bank's adoption key file for this tree.")],
    profile: Tree = "intl",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take over the app of a lost publisher with a key of the bank's own; officers sign it in."""
    from sampan.platform.cli.key_pairs import public_path

    api = _api()
    _registered(api, public_path(key), "adoption", owner="bank", profile=profile)
    pair, body = _renewed(app, profile, key, passphrase_file)
    wanted = {"profile": profile, "publisher_key": pair.id, "body": body}
    _tell(context, api.post(f"/trust/apps/{app}/keys", wanted))


def _renewed(app: str, profile: str, key: Path, passphrase_file: Path | None) -> Any:
    """Return a key pair and the app's published body one version on, signed by it; empty before the first."""
    from sampan.offline_packages.publishing import renewed_app_body
    from sampan.offline_packages.signed_bytes import sign_body
    from sampan.platform.cli.home import signed_in
    from sampan.platform.cli.key_pairs import pair_at, passphrase_for
    from sampan.platform.cli.pinned_roots import Place, published_body
    from sampan.platform.cli.publishing import now_ms

    pair = pair_at(key)
    current = published_body(Place.of(signed_in(), profile), app)
    if current is None:
        return pair, ""
    private = pair.unlock(passphrase_for(str(key), passphrase_file))
    return pair, sign_body(renewed_app_body(current, now_ms=now_ms()), private).decode()


def _officers(api: "Api", given: list[str]) -> list[str]:
    if len(given) != OFFICERS:
        raise typer.BadParameter("name exactly three keys; any two of the officers sign", param_hint="officer")
    return [
        _registered(api, Path(each), "officer")["id"] if each.endswith(".pub") else _full_id(api, each)
        for each in given
    ]


def _registered(api: "Api", path: Path, purpose: str, *, owner: str = "", profile: str = "") -> dict[str, Any]:
    """Return the key of a public key file as the server has it, registered now where it was not."""
    from sampan.platform.cli.given_files import text_of
    from sampan.platform.cli.key_pairs import KeyFileMissing
    from sampan.platform.crypto.keys import PublicKey
    from sampan.platform.crypto.tuf_keys import key_id

    if not path.exists():
        raise KeyFileMissing(f"There is no public key file {path}; `sampan keygen` writes it beside the key.")
    public = PublicKey.from_pem(text_of(path))
    for each in api.items("/trust/keys", purpose=purpose):
        if each["id"] == key_id(public):
            return dict(each)
    body = {"pem": public.pem(), "purpose": purpose, "profile": profile, "owner": owner or path.stem}
    found: dict[str, Any] = api.post("/trust/keys", body)
    return found


def _full_id(api: "Api", beginning: str) -> str:
    from sampan.platform.errors import NotFound

    found = [each["id"] for each in api.items("/trust/keys") if each["id"].startswith(beginning)]
    if len(found) != 1:
        many = f"{len(found)} keys begin" if found else "No key begins"
        raise NotFound(f"{many} with {beginning}; see `sampan trust keys`.")
    return str(found[0])


def tell_waits(found: dict[str, Any]) -> str:
    """Return how a second administrator goes on."""
    return f"A second administrator reads and approves it:\n  sampan change show {found['id']}"


def _tell(context: typer.Context, found: dict[str, Any]) -> None:
    from sampan.platform.cli.officer_commands import tell_asked

    tell_asked(context, found)


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
