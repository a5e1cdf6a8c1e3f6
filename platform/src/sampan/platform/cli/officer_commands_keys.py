"""`sampan trust`, the part about keys: register, list, suspend, resume, rotate, and who the officers are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.key_pairs import PassphraseFile

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

Tree = Annotated[str, typer.Option("--tree", help="intl or trial.")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit.")]
KeyId = Annotated[str, typer.Argument(help="Key id, or its beginning.")]
App = Annotated[str, typer.Argument(help="App id.")]
ALL_TREES = ("intl", "trial")


def register(trust: typer.Typer) -> None:
    """Add the commands."""
    for command in (officers, keys, suspend, resume, rotate, adopt):
        trust.command()(command)
    trust.command("register")(register_key)
    trust.command("app-body")(app_body)
    trust.command("app-keys")(app_keys)


def officers(
    context: typer.Context,
    public: Annotated[list[Path], typer.Argument(help="Exactly three public key files (.pub), one an officer.")],
    tree: Annotated[str | None, typer.Option("--tree", help="intl or trial; both when left out.")] = None,
    note: Annotated[str, typer.Option(help="For whoever approves it.")] = "",
) -> None:
    """Name the three officers of the trees: the first ones by a change request, others by the officers' signatures."""
    api = _api()
    if len(public) != 3:
        raise typer.BadParameter("give three public key files; any two of the three sign", param_hint="public")
    names = [_registered(api, path, "officer")["id"] for path in public]
    items, lines = [], []
    for profile in (tree,) if tree else ALL_TREES:
        is_started = api.get(f"/trust/trees/{profile}")["is_started"]
        path = "officers" if is_started else "start"
        found = api.post(f"/trust/trees/{profile}/{path}", {"officers": names, "note": note})
        items.append({"tree": profile, **found})
        if is_started:
            lines.append(f"{profile}: two of the present and two of the new officers sign now (`sampan trust sign`)")
        else:
            lines.append(f"{profile}: a second administrator approves with `sampan change approve {found['id']}`")
    context.obj.result({"officers": names, "items": items}, "\n".join(lines))


def register_key(
    context: typer.Context,
    public: Annotated[Path, typer.Argument(help="Public key file (.pub).")],
    purpose: Annotated[
        str, typer.Option(help="officer or adoption; publishers' keys: `sampan publisher`.")
    ] = "officer",
    owner: Annotated[str, typer.Option(help="Whose key it is.")] = "",
    tree: Annotated[str, typer.Option("--tree", help="Tree of an adoption key.")] = "",
) -> None:
    """Register a public key for its one purpose."""
    found = _registered(_api(), public, purpose, owner=owner, tree=tree)
    context.obj.result(found, f"{found['id']} is registered as {found['purpose']}.")


def keys(
    context: typer.Context,
    purpose: Annotated[str | None, typer.Option(help="Only keys of this purpose.")] = None,
    tree: Annotated[str | None, typer.Option("--tree", help="Only keys of this tree.")] = None,
) -> None:
    """List the registered public keys."""
    found = _api().items("/trust/keys", purpose=purpose, profile=tree)
    lines = [
        f"{each['id'][:16]}  {each['purpose']:<10} {each['profile'] or '-':<6} {each['state']:<10} {each['owner']}"
        for each in found
    ]
    context.obj.result({"items": found}, "\n".join(lines) or "No keys.")


def suspend(context: typer.Context, key: KeyId, reason: Reason) -> None:
    """Refuse from now on everything that a key signs; one person suffices."""
    api = _api()
    found = api.post(f"/trust/keys/{_full_id(api, key)}/suspend", {"reason": reason})
    context.obj.result(found, f"{found['id']} is suspended.")


def resume(context: typer.Context, key: KeyId, reason: Reason) -> None:
    """Propose that a suspended key may sign again; a second administrator approves."""
    api = _api()
    found = api.post(f"/trust/keys/{_full_id(api, key)}/resume", {"reason": reason})
    context.obj.result(found, f"Approve it with `sampan change approve {found['id']}`.")


def rotate(
    context: typer.Context,
    purpose: Annotated[str, typer.Argument(help="review, intake, snapshot, timestamp or control.")],
    tree: Tree = "intl",
) -> None:
    """Make a new key of the server; officers sign it in (review and intake: app by app, with `trust app-keys`)."""
    found = _api().post(f"/trust/trees/{tree}/rotations", {"purpose": purpose})
    lines = [f"{each['role']} waits for the officers as {each['pending']}" for each in found["rebuilt"]]
    text = "\n".join(lines) or f"A new {purpose} key is made. Change each app's keys: `sampan trust app-keys APP`."
    context.obj.result(found, text)


def app_body(
    context: typer.Context,
    app: App,
    key: Annotated[Path, typer.Option(help="The new (or adoption) key file.")],
    out: Annotated[Path, typer.Option(help="File to be written.")],
    tree: Tree = "intl",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign the app's published list with a new key, for `trust app-keys`; the key stays on this machine."""
    from sampan.platform.cli.key_pairs import pair_at, passphrase_for

    pair = pair_at(key)
    body = _renewed(app, tree, pair.unlock(passphrase_for(str(key), passphrase_file)))
    out.write_text(json.dumps({"app": app, "tree": tree, "key": pair.id, "body": body}) + "\n")
    context.obj.result({"app": app, "key": pair.id, "file": str(out)}, f"Hand {out} to an administrator.")


def app_keys(
    context: typer.Context,
    app: App,
    body: Annotated[Path, typer.Argument(help="File that `sampan trust app-body` wrote.")],
) -> None:
    """Ask the officers for an app's other publisher key, beside the server's newest review key."""
    from sampan.platform.errors import Invalid

    try:
        found = json.loads(body.read_text())
        wanted = {"profile": found["tree"], "publisher_key": found["key"], "body": found["body"]}
    except (ValueError, KeyError, TypeError) as problem:
        raise Invalid(f"{body} is not a file that `sampan trust app-body` wrote.") from problem
    _asked(context, _api().post(f"/trust/apps/{app}/keys", wanted))


def adopt(
    context: typer.Context,
    app: App,
    key: Annotated[Path, typer.Option(help="The bank's adoption key file for this tree.")],
    tree: Tree = "intl",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take over the app of a lost publisher with a key of the bank's own; officers sign it in."""
    from sampan.platform.cli.key_pairs import pair_at, passphrase_for

    pair, api = pair_at(key), _api()
    known = {each["id"] for each in api.items("/trust/keys", purpose="adoption", profile=tree)}
    if pair.id not in known:
        _registered(api, key.with_name(key.name + ".pub"), "adoption", owner="bank", tree=tree)
    body = _renewed(app, tree, pair.unlock(passphrase_for(str(key), passphrase_file)))
    _asked(context, api.post(f"/trust/apps/{app}/keys", {"profile": tree, "publisher_key": pair.id, "body": body}))


def _renewed(app: str, tree: str, private: Any) -> str:
    from sampan.offline_packages.publishing import renewed_app_body
    from sampan.offline_packages.signed_bytes import sign_body
    from sampan.platform.cli.home import signed_in
    from sampan.platform.cli.pinned_roots import Place, published_body
    from sampan.platform.cli.publishing import now_ms

    current = published_body(Place.of(signed_in(), tree), app)
    return sign_body(renewed_app_body(current, now_ms=now_ms()), private).decode() if current is not None else ""


def _registered(api: "Api", path: Path, purpose: str, *, owner: str = "", tree: str = "") -> dict[str, Any]:
    """Return the key of a public key file as the server has it, registered now where it was not."""
    from sampan.platform.cli.key_pairs import KeyFileMissing
    from sampan.platform.crypto.keys import PublicKey
    from sampan.platform.crypto.tuf_keys import key_id

    if not path.exists():
        raise KeyFileMissing(f"There is no public key file {path}; `sampan keygen` writes it beside the key.")
    public = PublicKey.from_pem(path.read_text())
    for each in api.items("/trust/keys", purpose=purpose):
        if each["id"] == key_id(public):
            return dict(each)
    body = {"pem": public.pem(), "purpose": purpose, "profile": tree, "owner": owner or path.name.removesuffix(".pub")}
    found: dict[str, Any] = api.post("/trust/keys", body)
    return found


def _full_id(api: "Api", beginning: str) -> str:
    from sampan.platform.errors import NotFound

    found = [each["id"] for each in api.items("/trust/keys") if each["id"].startswith(beginning)]
    if len(found) != 1:
        raise NotFound(f"{len(found)} keys begin with {beginning}; see `sampan trust keys`.")
    return str(found[0])


def _asked(context: typer.Context, found: dict[str, Any]) -> None:
    from sampan.platform.cli.officer_commands import _asked as tell

    tell(context, found)


def _api() -> "Api":
    from sampan.platform.cli.api import current_api

    return current_api()
