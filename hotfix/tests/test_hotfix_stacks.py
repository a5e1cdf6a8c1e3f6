"""Stacks of hotfixes: what is applied together, what falls together, and what goes on without the others."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hotfix_scene import Scene, hotfix_scene

from sampan.hotfix import deriving
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


async def test_what_stands_on_a_withdrawn_hotfix_falls_and_the_rest_goes_on(scene: Scene) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.fix({"data/rates.json": b'{"eur":2}'}, n=2, on=[1])
    third = await scene.fix({"app.js": b"three\n"}, n=3, on=[1, 2])
    assert third["stack"] == [1, 2, 3]
    first = await scene.done("GET", scene.path(1))
    assert (first["dependents"], first["survivors"]) == ([3], [2])
    second_release, third_release = await scene.give(2), await scene.give(3)
    phone = await scene.phone()
    assert (await phone.hotfix())["release"] == third_release
    await phone.round()
    assert await phone.page() == "three\n"
    assert [patches for _s, patches, _d in await scene.stacks()] == [("1", "2"), ("1", "2", "3")]
    await scene.withdraw(1)
    states = {n: (await scene.done("GET", scene.path(n)))["state"] for n in (1, 2, 3)}
    assert states == {1: "withdrawn", 2: "published", 3: "withdrawn"}
    survivor = await scene.done("GET", scene.path(2))
    assert survivor["stack"] == [2]
    assert await scene.stacks() == [(1, ("2",), survivor["digest"])]
    told = await phone.hotfix()
    assert (told["release"], told["patches"], told["digest"]) == (second_release, ["2"], survivor["digest"])
    await phone.round()
    assert await phone.page() == "broken()\n"
    assert await phone.page("data/rates.json") == '{"eur":2}'
    assert (await scene.done("GET", f"/releases/{third_release}"))["state"] == "stopped"


async def test_what_waits_on_a_withdrawn_hotfix_is_withdrawn_too(scene: Scene) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.submit({"app.js": b"two\n"}, n=2, on=[1])
    await scene.withdraw(1)
    assert (await scene.done("GET", scene.path(2)))["state"] == "withdrawn"


async def test_what_waits_beside_a_withdrawn_hotfix_is_something_else_to_review(scene: Scene) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    seen = await scene.submit({"data/rates.json": b"{}"}, n=2, on=[1])
    await scene.withdraw(1)
    now = await scene.done("GET", scene.path(2))
    assert (now["state"], now["stack"]) == ("in_review", [2])
    assert now["digest"] != seen["digest"]
    approve = f"{scene.path(2)}/approve"
    assert await scene.refused("POST", approve, {"digest": seen["review_digest"]}, as_=scene.reviewer) == (
        409,
        "review_stale",
    )
    assert (await scene.approve(2))["state"] == "published"


async def test_a_publisher_takes_back_what_waits_and_not_what_devices_have(scene: Scene) -> None:
    await scene.submit({"app.js": b"one\n"}, n=1)
    withdraw = f"{scene.path(1)}/withdraw"
    assert (await scene.done("POST", withdraw, {"cause": "a typo"}, as_=scene.publisher))["state"] == "withdrawn"
    assert await scene.refused("POST", withdraw, {"cause": "again"}, as_=scene.maker) == (409, "version_state")
    await scene.fix({"app.js": b"two\n"}, n=2)
    withdraw = f"{scene.path(2)}/withdraw"
    assert (await scene.refused("POST", withdraw, {"cause": "mine"}, as_=scene.publisher))[0] == 403
    assert (await scene.refused("POST", withdraw, {"cause": "no"}, as_=scene.reviewer))[0] == 403


async def test_the_next_hotfix_is_made_on_what_devices_are_given(scene: Scene) -> None:
    base = f"/apps/{APP}/versions/1/hotfix-base"
    empty = await scene.done("GET", base, as_=scene.publisher)
    assert (empty["next"], empty["on"], empty["hotfixes"]) == (1, [], [])
    made = await scene.fix({"app.js": b"one\n"}, n=1)
    assert (await scene.done("GET", base, as_=scene.publisher))["on"] == []  # nobody is given it yet
    await scene.give(1)
    found = await scene.done("GET", base, as_=scene.publisher)
    assert (found["next"], found["on"]) == (2, [1])
    assert found["hotfixes"] == [{"n": 1, "document": made["document"]}]
    content = await scene.call("GET", f"{scene.path(1)}/content", as_=scene.publisher)
    assert content.content == b"one\n"
    assert (await scene.done("GET", base, {"on": 0}, as_=scene.publisher))["on"] == []
    assert await scene.refused("GET", base, {"on": 7}, as_=scene.publisher) == (404, "hotfix_unknown")


async def test_hotfixes_end_with_their_version(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.give(1)
    assert await phone.hotfix() is not None
    kill = {"kind": "miniapp", "id": APP, "sequence": 1, "reason": "unsafe", "cause": "it leaks"}
    assert (await scene.call("POST", "/kills", kill, as_=scene.maker)).status_code < 300
    await scene.expose()
    assert await phone.hotfix() is None
    body = await scene.body_of({"app.js": b"two\n"}, n=2, on=[1])
    submit = f"/apps/{APP}/versions/1/hotfixes"
    assert await scene.refused("POST", submit, body, as_=scene.publisher) == (409, "hotfix_needs_version")


async def test_a_version_goes_on_its_own_way(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.give(1)
    await phone.round()
    await scene.publish(2)
    await phone.round()
    assert await phone.page() == "broken()\n"
    assert (await phone.hotfix())["n"] == 1  # for whoever still has version 1


async def test_a_reviewer_reads_what_changes(scene: Scene) -> None:
    await scene.fix({"data/rates.json": b'{"eur":3,"usd":2}'}, n=1)
    await scene.submit({"data/rates.json": b'{"eur":4,"gbp":[1]}', "info.txt": None, "x.bin": b"\xff\xfe"}, n=2, on=[1])
    seen = await scene.done("GET", scene.path(2), as_=scene.reviewer)
    assert [(each["path"], each["change"]) for each in seen["changes"]] == [
        ("data/rates.json", "changed"),
        ("info.txt", "removed"),
        ("x.bin", "added"),
    ]
    diff = await scene.done("GET", f"{scene.path(2)}/diff", {"path": "data/rates.json"}, as_=scene.reviewer)
    assert sorted(diff["patch"], key=lambda step: (step["op"], step["path"])) == [
        {"op": "add", "path": "/gbp", "value": [1]},
        {"op": "remove", "path": "/usd"},
        {"op": "replace", "path": "/eur", "value": 4},
    ]
    taken = {step["path"]: old for step, old in zip(diff["patch"], diff["taken"], strict=True)}
    assert taken == {"/gbp": None, "/usd": "2", "/eur": "3"}
    assert {line["change"] for line in diff["lines"]} == {"added", "removed"}
    gone = await scene.done("GET", f"{scene.path(2)}/diff", {"path": "info.txt"}, as_=scene.reviewer)
    assert [line["text"] for line in gone["lines"]] == ["about"]
    assert gone["patch"] is gone["taken"] is None
    binary = await scene.done("GET", f"{scene.path(2)}/diff", {"path": "x.bin"}, as_=scene.reviewer)
    assert binary["refusal"] == "not_text"
    other = await scene.refused("GET", f"{scene.path(2)}/diff", {"path": "index.html"}, as_=scene.reviewer)
    assert other == (404, "file_unknown")


async def test_more_operations_than_anybody_reads_are_told_as_lines(scene: Scene) -> None:
    await scene.fix({"many.json": json.dumps([*range(600)]).encode()}, n=1)
    await scene.submit({"many.json": json.dumps([*range(600, 1200)]).encode()}, n=2, on=[1])
    diff = await scene.done("GET", f"{scene.path(2)}/diff", {"path": "many.json"}, as_=scene.reviewer)
    assert (diff["patch"], diff["taken"], len(diff["lines"])) == (None, None, 2)


async def test_lists_are_pages_and_waiting_ones_are_told_to_reviewers(scene: Scene) -> None:
    for n in (1, 2, 3):
        await scene.submit({"app.js": b"%d\n" % n}, n=n)
        if n < 3:
            seen = await scene.done("GET", scene.path(n), as_=scene.reviewer)
            reject = {"digest": seen["review_digest"], "comment": "no"}
            rejected = await scene.done("POST", f"{scene.path(n)}/reject", reject, as_=scene.reviewer)
            assert rejected["state"] == "rejected"
    first = await scene.done("GET", f"/apps/{APP}/versions/1/hotfixes", {"limit": 2})
    assert ([each["n"] for each in first["items"]], first["total"]) == ([3, 2], 3)
    rest = await scene.done("GET", f"/apps/{APP}/versions/1/hotfixes", {"limit": 2, "cursor": first["next_cursor"]})
    assert [each["n"] for each in rest["items"]] == [1]
    overview = await scene.done("GET", "/overview", as_=scene.reviewer)
    assert "hotfix_waiting" in {each["kind"] for each in overview["needs_me"]}


@pytest.mark.parametrize("way", ["withdraw", "kill"])
async def test_nobody_waits_while_the_stacks_that_go_on_are_derived(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.fix({"data/rates.json": b'{"eur":2}'}, n=2, on=[1])
    write, derived = type(scene.core.store.database).write, deriving.derived
    writing, seen = [0], []

    @contextlib.asynccontextmanager
    async def noted_write(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async with write(*args, **kwargs) as tx:
            writing[0] += 1
            try:
                yield tx
            finally:
                writing[0] -= 1

    @contextlib.asynccontextmanager
    async def noted_derived(*args: Any) -> AsyncIterator[Any]:
        seen.append(writing[0])
        async with derived(*args) as found:
            yield found

    monkeypatch.setattr(type(scene.core.store.database), "write", noted_write)
    monkeypatch.setattr(deriving, "derived", noted_derived)
    if way == "withdraw":
        await scene.withdraw(1)
    else:
        body = {"kind": "hotfix", "id": f"{APP}@1", "sequence": 1, "reason": "bug", "cause": "wrong"}
        answer = await scene.call("POST", "/kills", body, as_=scene.maker)
        assert answer.status_code == 204, answer.text
    assert (await scene.done("GET", scene.path(2)))["stack"] == [2]
    assert seen == [0], "derived once, and never inside of a transaction that writes"
