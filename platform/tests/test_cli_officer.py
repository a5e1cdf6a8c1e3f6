"""An officer's machine signs exactly what was asked for, and refuses every other body."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Root, Targets

from sampan.offline_packages.signed_bytes import read_body, sign_body
from sampan.platform.cli.demo_parties import ADMINS
from sampan.platform.cli.officer_signing import BodyUnexpected, examine
from sampan.platform.cli.pinned_roots import Place, RootNotPinned
from sampan.platform.crypto.keys import PrivateKey, PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.testing_cli import DemoServer
from sampan.platform.trust.bodies import first_targets, make_root, with_app

NOW_MS = 1_900_000_000_000
TREE = "demo/intl"
PURPOSES = ("officer", "officer", "officer", "snapshot", "timestamp", "control", "review", "publisher")


@pytest.fixture
def keys() -> list[dict[str, Any]]:
    """The registered public keys, as the server lists them."""
    made = [PrivateKey.generate().public for _ in PURPOSES]
    return [
        {
            "id": key_id(key),
            "pem": key.pem(),
            "purpose": purpose,
            "profile": "" if purpose == "officer" else "intl",
            "state": "active",
            "owner": purpose,
            "label": "",
        }
        for key, purpose in zip(made, PURPOSES, strict=True)
    ]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A tree of which this officer knows nothing yet."""
    return Place("http://127.0.0.1:9", "demo", "intl", tmp_path)


def public(keys: list[dict[str, Any]], purpose: str) -> list[PublicKey]:
    return [PublicKey.from_pem(each["pem"]) for each in keys if each["purpose"] == purpose]


def waiting(body: Root | Targets, kind: str, keys: list[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    request = {
        "id": "trq_1",
        "profile": "intl",
        "kind": kind,
        "app": "",
        "publisher_key": "",
        "countersigner_key": "",
        "key": "",
        "officers": [each["id"] for each in keys if each["purpose"] == "officer"] if kind == "start" else [],
        "asked_by": "somebody",
        "created_ms": NOW_MS,
        **facts,
    }
    role = "root" if isinstance(body, Root) else "targets"
    return {
        "id": "tpe_1",
        "profile": "intl",
        "role": role,
        "version": body.version,
        "body": sign_body(body).decode(),
        "requests": [request],
    }


def first_root(keys: list[dict[str, Any]]) -> Root:
    (snapshot,), (timestamp,) = public(keys, "snapshot"), public(keys, "timestamp")
    return make_root(TREE, public(keys, "officer"), snapshot=snapshot, timestamp=timestamp, now_ms=NOW_MS)


def targets_with_app(keys: list[dict[str, Any]], app: str = "bank.demo.x") -> tuple[Targets, dict[str, Any]]:
    (control,), (publisher,), (review,) = (public(keys, name) for name in ("control", "publisher", "review"))
    body = first_targets(TREE, control=control, now_ms=NOW_MS)
    body = with_app(body, app, publisher=publisher, review=review, now_ms=NOW_MS)
    body.version = 1
    return body, {"app": app, "publisher_key": key_id(publisher), "countersigner_key": key_id(review)}


def test_a_first_root_is_explained_and_warned_about(keys: list[dict[str, Any]], place: Place) -> None:
    summary = examine(waiting(first_root(keys), "start", keys), keys, place, now_ms=NOW_MS)
    text = "\n".join(summary.lines)
    assert summary.is_first
    assert "nothing stands before it" in text
    assert all(each["id"][:16] in text for each in keys if each["purpose"] == "officer")


def test_a_new_app_is_explained(keys: list[dict[str, Any]], place: Place) -> None:
    body, facts = targets_with_app(keys)
    text = "\n".join(examine(waiting(body, "app", keys, **facts), keys, place, now_ms=NOW_MS).lines)
    assert "a new app bank.demo.x" in text
    assert facts["publisher_key"][:16] in text


def lower_threshold(body: dict[str, Any]) -> None:
    body["roles"]["root"]["threshold"] = 1


def live_longer(body: dict[str, Any]) -> None:
    body["expires"] = "2099-01-01T00:00:00Z"


def other_tree(body: dict[str, Any]) -> None:
    body["x-sampan-tree"] = "other/intl"


def swap_keys(body: dict[str, Any]) -> None:
    body["roles"]["timestamp"]["keyids"] = body["roles"]["snapshot"]["keyids"]


@pytest.mark.parametrize("harm", [lower_threshold, live_longer, other_tree, swap_keys])
def test_a_root_that_says_anything_else_is_refused(keys: list[dict[str, Any]], place: Place, harm: Any) -> None:
    asked = waiting(first_root(keys), "start", keys)
    body = json.loads(asked["body"])
    harm(body["signed"])
    asked["body"] = json.dumps(body, separators=(",", ":"), sort_keys=True)
    with pytest.raises(BodyUnexpected):
        examine(asked, keys, place, now_ms=NOW_MS)


def test_an_app_that_nobody_asked_for_is_refused(keys: list[dict[str, Any]], place: Place) -> None:
    body, facts = targets_with_app(keys)
    (publisher,), (review,) = public(keys, "publisher"), public(keys, "review")
    more = with_app(body, "bank.demo.smuggled", publisher=publisher, review=review, now_ms=NOW_MS)
    more.version = 1
    with pytest.raises(BodyUnexpected, match=r"smuggled"):
        examine(waiting(more, "app", keys, **facts), keys, place, now_ms=NOW_MS)


def test_other_keys_than_those_named_are_refused(keys: list[dict[str, Any]], place: Place) -> None:
    body, facts = targets_with_app(keys)
    facts["publisher_key"] = next(each["id"] for each in keys if each["purpose"] == "control")
    with pytest.raises(BodyUnexpected):
        examine(waiting(body, "renew_targets", keys, **facts), keys, place, now_ms=NOW_MS)


def test_a_key_listed_under_another_id_is_refused(keys: list[dict[str, Any]], place: Place) -> None:
    swapped = copy.deepcopy(keys)
    swapped[0]["pem"] = keys[1]["pem"]
    with pytest.raises(Exception, match="not that key's"):
        examine(waiting(first_root(keys), "start", keys), swapped, place, now_ms=NOW_MS)


def test_a_later_body_needs_a_pinned_root(keys: list[dict[str, Any]], place: Place) -> None:
    asked = waiting(first_root(keys), "renew_root", keys)
    asked["version"] = 2
    with pytest.raises(RootNotPinned):
        examine(asked, keys, place, now_ms=NOW_MS)


def test_bodies_are_read_as_they_were_sent(keys: list[dict[str, Any]]) -> None:
    root = first_root(keys)
    assert read_body(sign_body(root), Root) == root


def test_a_rotated_key_is_signed_in_by_two_officers(demo_server: DemoServer, tmp_path: Path) -> None:
    officers = [demo_server.person(email, tmp_path / email) for email in ADMINS]
    before = officers[0].ok("trust", "status")["items"]
    asked = officers[0].ok("trust", "rotate", "intl", "timestamp")
    assert [each["role"] for each in asked["rebuilt"]] == ["root"]
    (pending,) = officers[0].ok("trust", "pending")["items"]
    own = demo_server.folder.officers
    for number, officer in enumerate(officers, 1):
        keys = own / f"officer-{number}"
        sign = ("trust", "sign", pending["id"], "--key", keys / "officer.pem", "--passphrase-file", keys / "passphrase")
        refused = officer.run(*sign, "--yes")
        assert (refused.status, refused.value["code"]) == (1, "root_not_pinned")
        officer.ok("trust", "root", "--pin")
        unasked = officer.run(*sign)
        assert unasked.status == 2, "nothing is shown with --json, so without --yes nothing is signed"
        signed = officer.ok(*sign, "--yes")["signed"]
    assert signed[0]["in_force"] == ["root"]
    assert officers[0].ok("trust", "pending")["items"] == []
    assert officers[0].ok("trust", "history", "intl")["items"][0]["state"] == "done"
    demo_server.wait_for(lambda: root_version(officers[0].ok("trust", "status")["items"]) == root_version(before) + 1)


def root_version(trees: list[dict[str, Any]]) -> int:
    (tree,) = [each for each in trees if each["profile"] == "intl"]
    return next(int(each["exposed_version"]) for each in tree["roles"] if each["role"] == "root")
