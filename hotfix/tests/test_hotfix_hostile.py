"""A publisher who lies: every hotfix that is not exactly what it says is refused, and nothing of it stays."""

import copy
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hotfix_scene import CONSOLE, Scene, hotfix_scene
from tuf.api.metadata import TargetFile, Targets

from sampan.offline_packages.roles import APP_LIFE, expiry
from sampan.offline_packages.signed_bytes import sign_body
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP
from sampan.platform.trust.service import target_key

pytestmark = pytest.mark.anyio
HEX = "0" * 64
SUBMIT = f"/apps/{APP}/versions/1/hotfixes"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


def change(document: dict[str, Any], path: str = "app.js") -> Any:
    return next(each for each in document["changes"] if each["path"] == path)


LIES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another version": (lambda d: d.update(sequence=2), "hotfix_malformed"),
    "another app": (lambda d: d.update(app="bank.demo.other"), "hotfix_malformed"),
    "another base": (lambda d: d.update(base=f"sha256:{HEX}"), "hotfix_base_differs"),
    "another file before": (lambda d: change(d)["before"].update(sha256=HEX), "hotfix_base_differs"),
    "a file that is not there": (lambda d: change(d).update(before=None), "hotfix_base_differs"),
    "another content": (lambda d: change(d)["after"].update(sha256=HEX), "hotfix_malformed"),
    "another sm3": (lambda d: change(d)["after"].update(sm3=HEX), "hotfix_malformed"),
    "a longer content": (lambda d: change(d)["after"].update(size=10), "hotfix_malformed"),
    "the manifest": (lambda d: change(d).update(path="manifest.json"), "hotfix_manifest"),
    "a path outside": (lambda d: change(d).update(path="../app.js"), "hotfix_malformed"),
    "a member more": (lambda d: d.update(more=1), "hotfix_malformed"),
    "a number that is not the next": (lambda d: d.update(n=3), "hotfix_number_taken"),
    "made on what is not there": (lambda d: d.update(n=2, on=[1]), "hotfix_number_taken"),
    "no change": (lambda d: d.update(changes=[]), "hotfix_malformed"),
    "what an app needs": (
        lambda d: d.update(changes=[{**change(d), "after": None}]),
        "layout_file_missing",
    ),
}


async def test_documents_that_lie(scene: Scene) -> None:
    wrong = {}
    for name, (lie, code) in LIES.items():
        body = await scene.body_of({"app.js": b"fine\n"}, n=1)
        honest = copy.deepcopy(body)
        lie(body["hotfix"])
        if name == "what an app needs":
            body["upload"] = ""
        found = await scene.refused("POST", SUBMIT, body, as_=scene.publisher)
        if found[1] != code:
            wrong[name] = found
        if honest["upload"] and body["upload"]:
            again = await scene.refused("POST", SUBMIT, honest, as_=scene.publisher)
            assert again == (404, "upload_unknown"), name  # the upload went with the refusal
    assert wrong == {}
    assert (await scene.done("GET", SUBMIT))["total"] == 0


async def signed(scene: Scene, spoil: Callable[[Targets], Any], key: PrivateKey | None = None) -> Any:
    body = await scene.body_of({"app.js": b"fine\n"}, n=1)
    current = await scene.publishing.parties.current("intl", f"app.{APP}")
    assert current is not None
    following = copy.deepcopy(current)
    honest = Targets.from_dict(copy.deepcopy(body["bodies"]["intl"]["signed"]))
    following.targets, following.version = dict(honest.targets), honest.version
    following.expires = expiry(scene.core.now_ms(), APP_LIFE)
    spoil(following)
    body["bodies"]["intl"] = json.loads(sign_body(following, key or scene.publishing.parties.publisher["intl"]))
    return body


def _smuggled(path: str) -> Callable[[Targets], Any]:
    return lambda targets: targets.targets.update({path: TargetFile(1, {"sha256": HEX}, path)})


async def test_bodies_that_list_more_or_something_else(scene: Scene) -> None:
    document = f"apps/{APP}/1/hotfix-1.json"
    cases: dict[str, tuple[Callable[[Targets], Any], str]] = {
        "another app's version": (_smuggled("apps/bank.demo.other/1/index.json"), "body_differs"),
        "another version": (_smuggled(f"apps/{APP}/7/x.json"), "body_differs"),
        "a control file": (_smuggled(f"control/{APP}.json"), "body_differs"),
        "a second hotfix's document": (_smuggled(f"apps/{APP}/1/hotfix-2.json"), "body_differs"),
        "another version's package": (
            lambda t: t.targets[f"apps/{APP}/1/package.ma"].hashes.update(sha256=HEX),
            "body_differs",
        ),
        "another document": (lambda t: t.targets[document].hashes.update(sha256=HEX), "body_differs"),
        "a version less": (lambda t: t.targets.pop(f"apps/{APP}/1/index.json"), "body_differs"),
        "a role for ever": (lambda t: setattr(t, "expires", t.expires.replace(year=2999)), "body_expiry_refused"),
        "an older base": (lambda t: setattr(t, "version", t.version - 1), "body_base_moved"),
    }
    wrong = {}
    for name, (spoil, code) in cases.items():
        found = await scene.refused("POST", SUBMIT, await signed(scene, spoil), as_=scene.publisher)
        if found[1] != code:
            wrong[name] = found
    found = await scene.refused(
        "POST", SUBMIT, await signed(scene, lambda _t: None, PrivateKey.generate()), as_=scene.publisher
    )
    assert found[1] == "trust_not_signed"
    assert wrong == {}
    assert (await scene.done("GET", SUBMIT))["total"] == 0


async def test_a_body_is_needed_for_each_reviewed_tree_and_for_no_other(scene: Scene) -> None:
    body = await scene.body_of({"app.js": b"fine\n"}, n=1)
    missing = await scene.refused("POST", SUBMIT, {**body, "bodies": {}}, as_=scene.publisher)
    assert missing == (422, "body_missing")
    body = await scene.body_of({"app.js": b"fine\n"}, n=1)
    body["bodies"]["trial"] = body["bodies"]["intl"]
    assert await scene.refused("POST", SUBMIT, body, as_=scene.publisher) == (422, "hotfix_body_unexpected")


async def test_a_chain_that_does_not_hold(scene: Scene) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    body = await scene.body_of({"app.js": b"two\n"}, n=2)  # made on the version, and says on [1]
    document = body["hotfix"] | {"on": [1]}
    body |= {"hotfix": document}
    assert await scene.refused("POST", SUBMIT, body, as_=scene.publisher) == (422, "hotfix_base_differs")
    await scene.withdraw(1)
    body = await scene.body_of({"info.txt": b"two\n"}, n=2, on=[1])
    assert await scene.refused("POST", SUBMIT, body, as_=scene.publisher) == (409, "hotfix_base_gone")


async def test_what_the_checks_find_in_changed_files_stops_it(scene: Scene) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA" * 8 + "\n-----END RSA PRIVATE KEY-----\n"
    body = await scene.body_of({"keys.txt": key.encode()}, n=1)
    assert await scene.refused("POST", SUBMIT, body, as_=scene.publisher) == (422, "hotfix_checks_failed")
    assert (await scene.done("GET", SUBMIT))["total"] == 0


async def test_too_much_is_refused_before_it_is_read(scene: Scene) -> None:
    many = {f"f{n:03}.txt": b"x" for n in range(65)}
    with pytest.raises(Exception, match="from 1 to 64 files"):
        await scene.body_of(many, n=1)
    body = await scene.body_of({"app.js": b"fine\n"}, n=1)
    body["upload"] = await scene.upload(b"\0" * (16 * 1024 * 1024 + 1))
    assert await scene.refused("POST", SUBMIT, body, as_=scene.publisher) == (422, "hotfix_malformed")
    assert canonical_json(body["hotfix"]) == scene.made[1].to_bytes()


async def test_nobody_approves_their_own_and_no_machine_any(scene: Scene) -> None:
    submitted = await scene.submit({"app.js": b"fine\n"}, n=1)
    digest = {"digest": submitted["review_digest"]}
    approve = f"{scene.path(1)}/approve"
    assert (await scene.refused("POST", approve, digest, as_=scene.publisher))[0] == 403
    own = {"role": "publisher", "publisher": scene.publishing.publisher_id}
    insider = await person_with(scene.core, WORKSPACE, "reviewer", grants=[own])
    headers = await bearer_for(scene.core, WORKSPACE, insider)
    assert await scene.refused("POST", approve, digest, as_=headers) == (403, "own_publisher")
    assert await scene.refused("POST", approve, {"digest": f"sha256:{HEX}"}, as_=scene.reviewer) == (
        409,
        "review_stale",
    )
    answer = await scene.http.post(CONSOLE + approve, json=digest)
    assert answer.status_code == 401
    content = target_key(WORKSPACE, hashlib.sha256(b"fine\n").hexdigest())
    assert not await scene.core.objects.exists(content)  # nobody vouched for it
    await scene.approve(1)
    assert await scene.core.objects.exists(content)


async def test_a_moved_base_is_signed_anew_without_an_upload(scene: Scene) -> None:
    await scene.submit({"app.js": b"fine\n"}, n=1)
    await scene.publish(2)
    assert (await scene.done("GET", scene.path(1)))["state"] == "needs_signature"
    document = scene.made[1].to_bytes()
    body = {
        "hotfix": json.loads(document),
        "bodies": {"intl": await scene.signed(document, scene.contents[1])},
    }
    again = await scene.done("POST", SUBMIT, body, as_=scene.publisher)
    assert (again["state"], again["n"]) == ("in_review", 1)
    assert (await scene.approve(1))["state"] == "published"
