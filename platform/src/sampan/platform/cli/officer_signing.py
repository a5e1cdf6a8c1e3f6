"""What an officer's own machine does before it signs: make the body anew from what was asked for, and compare.

The server says which requests a waiting body carries out; the body must then be exactly the one that those
requests make of the published root and targets, which come through the trust tree by the officer's pinned root.
A body that differs anywhere else is refused, whatever the server's summary says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuf.api.metadata import Root, Targets

from sampan.offline_packages.roles import to_ms
from sampan.offline_packages.signed_bytes import body_digest, read_body
from sampan.offline_packages.trust_errors import BodyMalformed, TrustRefused
from sampan.platform.cli.pinned_roots import Place, RootNotPinned, published_top
from sampan.platform.crypto.keys import PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.trust.bodies import role_keys
from sampan.platform.trust.ceremony_rows import Facts, Request, RequestKind, State
from sampan.platform.trust.folding import ServerKeys, fold_root, fold_targets

MAX_LIFE_DAYS = 366
DAY_MS = 24 * 3600 * 1000
Json = Mapping[str, Any]


class BodyUnexpected(TrustRefused):
    """The waiting body says something else than the requests that it is said to carry out."""

    code = "trust_body_unexpected"
    title = "The body differs from what was asked for"


@dataclass(frozen=True, slots=True)
class Summary:
    """A body that may be signed: what it does, line by line, and the digest of its signed part."""

    lines: tuple[str, ...]
    digest: str
    is_first: bool


def examine(waiting: Json, keys: Sequence[Json], place: Place, *, now_ms: int) -> Summary:
    """Check a waiting body of `/trust/pending` and return its summary; raise `BodyUnexpected` or `BodyMalformed`.

    `keys` are the registered public keys, `place` is the tree as this officer knows it.
    """
    known = {each["id"]: _checked_key(each) for each in keys}
    data = waiting["body"].encode()
    published = published_top(place)
    is_first = waiting["version"] == 1
    if published is None and not is_first:
        raise RootNotPinned(
            f"This is version {waiting['version']} of {waiting['role']}, and no root of {place.tree} is pinned here "
            "to compare with. Run `sampan trust root --pin` first."
        )
    root, targets = published or (None, None)
    requests = [_request(each) for each in waiting["requests"]]
    body: Root | Targets
    expected: Root | Targets | None
    if waiting["role"] == "root":
        body = read_body(data, Root)
        server = _server_keys(keys, known, place.profile)
        expected = fold_root(root, requests, known, server, tree=place.tree, now_ms=now_ms)
    else:
        body = read_body(data, Targets)
        server = _server_keys(keys, known, place.profile)
        current = None if is_first else targets
        expected = fold_targets(current, requests, known, server, tree=place.tree, now_ms=now_ms, with_root=True)
    _check_same(body, expected, now_ms)
    lines = [_heading(waiting, body)]
    lines += [f"  {line}" for each in waiting["requests"] for line in _describe(each, {k["id"]: k for k in keys})]
    if not waiting["requests"]:
        lines.append("  the same delegations for another year, because the officers change")
    lines += [f"  WARNING: {each}" for each in _first_warnings(body, is_first, place)]
    return Summary(tuple(lines), body_digest(data), is_first)


def _check_same(body: Root | Targets, expected: Root | Targets | None, now_ms: int) -> None:
    if expected is None:
        raise BodyUnexpected("The body carries out no request at all. Do not sign it; tell the other officers.")
    left_days = (to_ms(body.expires) - now_ms) // DAY_MS
    if not 0 <= left_days <= MAX_LIFE_DAYS:
        raise BodyUnexpected(f"The body would be valid for {left_days} days; a year is the most.")
    found, wanted = body.to_dict(), expected.to_dict()
    found["expires"] = wanted["expires"]
    if found != wanted:
        places = sorted(_differences(found, wanted, ""))[:10]
        raise BodyUnexpected(
            "The body is not what the requests make of the published one; it differs in "
            f"{', '.join(places)}. Do not sign it; tell the other officers.",
            differs=places,
        )


def _differences(found: Any, wanted: Any, path: str) -> list[str]:
    if path == "/delegations/roles":
        found, wanted = ({each["name"]: each for each in roles or ()} for roles in (found, wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(set(found) | set(wanted))
        return [each for name in names for each in _differences(found.get(name), wanted.get(name), f"{path}/{name}")]
    return [] if found == wanted else [path or "/"]


def _checked_key(each: Json) -> PublicKey:
    key = PublicKey.from_pem(each["pem"])
    if key_id(key) != each["id"]:
        raise BodyMalformed(f"The server lists a key under the id {each['id'][:12]}, which is not that key's.")
    return key


def _server_keys(keys: Sequence[Json], known: Mapping[str, PublicKey], profile: str) -> ServerKeys:
    newest = {
        each["purpose"]: known[each["id"]] for each in keys if each["profile"] == profile and each["state"] == "active"
    }
    return ServerKeys(newest["snapshot"], newest["timestamp"], newest["control"])


def _request(each: Json) -> Request:
    facts = Facts(
        app=each["app"],
        publisher=each["publisher_key"],
        countersigner=each["countersigner_key"],
        key=each["key"],
        officers=tuple(each["officers"]),
    )
    kind = RequestKind(each["kind"])
    return Request(each["id"], each["profile"], kind, facts, b"", State.OPEN, each["asked_by"], each["created_ms"], 0)


def _heading(waiting: Json, body: Root | Targets) -> str:
    until = f"{body.expires:%Y-%m-%d}"
    return f"{waiting['profile']}: {waiting['role']} version {waiting['version']}, valid until {until}"


def _describe(request: Json, keys: Mapping[str, Json]) -> list[str]:
    def named(name: str) -> str:
        owner = keys[name]["label"] or keys[name]["owner"] if name in keys else "unknown"
        return f"{name[:16]} ({owner})"

    kind, asked = request["kind"], f"asked by {request['asked_by']}, {request['id']}"
    if kind in ("start", "officers"):
        title = "the first three officers" if kind == "start" else "other officers"
        return [f"{title} ({asked}):", *(f"  officer {named(name)}" for name in request["officers"])]
    if kind == "app":
        return [
            f"a new app {request['app']} ({asked})",
            f"  publisher's key {named(request['publisher_key'])}",
            f"  countersigned by the server's key {named(request['countersigner_key'])}",
        ]
    if kind == "app_keys":
        return [
            f"OTHER KEYS for {request['app']} ({asked})",
            f"  publisher's key from now on {named(request['publisher_key'])}",
            f"  countersigned by the server's key {named(request['countersigner_key'])}",
        ]
    if kind in ("renew_root", "renew_targets"):
        return [f"another year ({asked})"]
    return [f"another {kind.removesuffix('_key')} key of the server, {named(request['key'])} ({asked})"]


def _first_warnings(body: Root | Targets, is_first: bool, place: Place) -> list[str]:
    if not is_first or not isinstance(body, Root):
        return []
    names = ", ".join(key_id(key)[:16] for key in role_keys(body, "root"))
    return [
        f"this is the first root of {place.tree}: nothing stands before it. Compare the officers' key ids "
        f"({names}) with your colleagues, not through this server."
    ]
