"""Releases, promotions, patches, roll-backs: who may, what waits for a second person, what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from codepush_scene import APP, CONSOLE, Scene, bundle, files_of, hash_of, new_key, scene

from sampan.platform.cli.change_text import change_lines
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE

pytestmark = pytest.mark.anyio
LINE = f"/codepush/apps/{APP}/deployments/Production"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as found:
        yield found


async def back(town: Scene, label: str = "") -> tuple[int, str]:
    answer = await town.http.post(f"{LINE}/rollback/{label}", headers=town.tool)
    return answer.status_code, answer.text


async def shown(town: Scene) -> list[tuple[Any, ...]]:
    return [(each["label"], each["isDisabled"], each["rollout"]) for each in await town.history()]


async def test_a_bundle_without_the_deployments_signature_is_refused(town: Scene) -> None:
    files = files_of("one")
    for data, says in (
        (bundle(files, None), "has no .codepushrelease"),
        (bundle(files, new_key()), "is not signed by this deployment's key"),
        (bundle(files, signs="0" * 64), "signs other content"),
        (b"no zip", "no ZIP"),
    ):
        answer = await town.upload(data, {"appVersion": "1.0.0"})
        assert (answer.status_code, says in answer.text) == (400, True), answer.text
        assert answer.headers["content-type"].startswith("text/plain")
    assert await town.history() == []
    stored = town.core.settings.data / "objects" / "w" / WORKSPACE / "codepush"
    assert not stored.exists(), "nothing refused is kept"


async def test_a_deployment_without_a_key_takes_no_bundle(tmp_path: Path) -> None:
    async with scene(tmp_path, key=None) as town:
        answer = await town.release("one")
        assert (answer.status_code, "no approved public key" in answer.text) == (400, True)
        path = f"{CONSOLE}/codepush/apps/{APP}/deployments/Production/public-key"
        asked = await town.http.put(path, headers=town.maker, json={"public_key": new_key().public})
        assert asked.status_code == 202
        assert (await town.release("one")).status_code == 400, "a key that waits is no key"


async def test_a_replaced_key_makes_what_waits_stale(town: Scene) -> None:
    assert (await town.release("one")).status_code == 201
    (waiting,) = await town.waiting()
    path = f"{CONSOLE}/codepush/apps/{APP}/deployments/Production/public-key"
    await town.http.put(path, headers=town.maker, json={"public_key": new_key().public})
    (key,) = [each for each in await town.waiting() if each["kind"] == "codepush.key"]
    await town.decide(key)
    answer = await town.http.post(
        f"{CONSOLE}/changes/{waiting['id']}/approve", headers=town.checker, json={"digest": waiting["digest"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "change_stale")
    assert not (await town.check())["is_available"]


async def test_the_maker_cannot_approve_and_a_refused_release_stays_disabled(town: Scene) -> None:
    await town.release("one")
    (waiting,) = await town.waiting()
    own = await town.http.post(
        f"{CONSOLE}/changes/{waiting['id']}/approve", headers=town.maker, json={"digest": waiting["digest"]}
    )
    assert own.json()["code"] == "same_person"
    lines = {line["en"]: line["after"] for line in waiting["diff"]}
    assert (lines["Package hash"], lines["Binary versions"], lines["Mandatory"]) == (
        hash_of(files_of("one")),
        "1.0.0",
        "false",
    )
    await town.decide(waiting, "reject")
    assert await shown(town) == [("v1", True, None)]
    assert not (await town.check())["is_available"]
    enable = await town.patch(label="v1", isDisabled=False)
    assert (enable.status_code, "v1 was refused for good. Release it again." in enable.text) == (409, True)
    assert (await town.release("one")).status_code == 201, "what was refused may be released again"


async def test_access_keys_carry_their_permissions_and_end(town: Scene) -> None:
    wanted = {"name": "reader", "permissions": ["codepush:read"], "days": 1}
    reader = (await town.http.post(f"{CONSOLE}/tokens", headers=town.maker, json=wanted)).json()
    headers = {"authorization": f"Bearer {reader['secret']}"}
    assert (await town.http.get(f"{LINE}/history", headers=headers)).status_code == 200
    for method, path in (("POST", "release"), ("PATCH", "release"), ("POST", "rollback/"), ("POST", "promote/Staging")):
        answer = await town.http.request(method, f"{LINE}/{path}", headers=headers, json={})
        assert answer.status_code in (400, 403), (path, answer.text)
    assert (await town.http.patch(LINE, headers=headers, json={"name": "Live"})).status_code == 403
    assert (await town.http.get(f"{LINE}/history")).status_code == 401
    elsewhere = f"/w/{OTHER_WORKSPACE}{LINE}/history"
    assert (await town.http.get(elsewhere, headers=headers)).status_code == 401
    await town.http.delete(f"{CONSOLE}/tokens/{reader['id']}", headers=town.maker)
    assert (await town.http.get(f"{LINE}/history", headers=headers)).status_code == 401


async def test_a_workspace_has_its_own_apps_keys_and_bundles(town: Scene) -> None:
    made = await town.released("one")
    url = (await town.check())["download_url"]
    other = await bearer_for(town.core, OTHER_WORKSPACE, await person_with(town.core, OTHER_WORKSPACE, "admin"))
    listed = await town.http.get(f"/w/{OTHER_WORKSPACE}/codepush/apps", headers=other)
    assert listed.json() == {"apps": []}
    assert (await town.http.get(f"/w/{OTHER_WORKSPACE}{LINE}/history", headers=other)).status_code == 404
    asked = {"deployment_key": town.keys["Production"], "app_version": "1.0.0"}
    there = await town.http.get(f"/w/{OTHER_WORKSPACE}/v0.1/public/codepush/update_check", params=asked)
    assert there.status_code == 404
    path = url.partition("testserver")[2]
    assert made["blobUrl"].endswith(path)
    assert (await town.http.get(path)).status_code == 200
    assert (await town.http.get(f"/w/{OTHER_WORKSPACE}{path}")).status_code == 404


async def test_one_unfinished_rollout_at_a_time(town: Scene) -> None:
    await town.released("one")
    await town.released("two", rollout=20)
    answer = await town.release("three")
    assert (answer.status_code, "goes to 20 %" in answer.text) == (409, True)
    assert (await town.patch(rollout=10)).status_code == 409
    assert (await town.patch(rollout=100)).status_code == 200
    await town.approve()
    assert await shown(town) == [("v1", False, None), ("v2", False, None)]
    assert (await town.patch(rollout=100)).status_code == 200
    assert (await town.patch(rollout=50)).status_code == 409, "a finished rollout is over"
    assert (await town.release("three", rollout=5)).status_code == 201
    assert (await town.release("four", rollout=5)).status_code == 201, "what waits goes to nobody yet"
    first, second = sorted(await town.waiting(), key=lambda each: each["target"])
    await town.decide(first)
    refused = await town.http.post(
        f"{CONSOLE}/changes/{second['id']}/approve", headers=town.checker, json={"digest": second["digest"]}
    )
    assert refused.json()["code"] == "codepush_rollout_unfinished"


async def test_lowering_acts_at_once_and_raising_waits(town: Scene) -> None:
    await town.released("one", isMandatory=True)
    assert (await town.patch(isMandatory=False)).status_code == 200
    assert (await town.waiting(), (await town.check())["is_mandatory"]) == ([], False)
    for raising in ({"isMandatory": True}, {"appVersion": "^1.0.0"}, {"description": "New."}):
        assert (await town.patch(**raising)).status_code == 200
        (waiting,) = await town.waiting()
        await town.decide(waiting, "reject")
    assert (await town.patch(isDisabled=True)).status_code == 200
    assert (await town.waiting(), (await town.check())["is_available"]) == ([], False)
    assert (await town.patch(isDisabled=False)).status_code == 200
    assert not (await town.check())["is_available"], "enabling waits"
    await town.approve()
    assert (await town.check())["is_available"]


async def test_a_roll_back_acts_at_once_where_two_persons_agreed(town: Scene) -> None:
    assert (await back(town))[0] == 404
    await town.released("one", description="First.")
    assert (await back(town))[0] == 409, "there is nothing before v1"
    await town.released("two")
    assert (await back(town, "v2"))[0] == 409, "the same content"
    assert (await back(town))[0] == 201
    info = await town.check(package_hash=hash_of(files_of("two")), label="v2")
    assert (info["label"], info["package_hash"], info["description"]) == ("v3", hash_of(files_of("one")), "First.")
    assert await town.waiting() == []
    last = (await town.history())[-1]
    assert (last["releaseMethod"], last["originalLabel"]) == ("Rollback", "v1")


async def test_a_refusal_says_what_to_do(town: Scene) -> None:
    await town.release("one")
    assert "v1 waits for a second person" in (await town.patch(rollout=10)).text
    promoted = await town.http.post(f"{LINE}/promote/Staging", headers=town.tool, json={})
    assert (promoted.status_code, "v1 waits for a second person" in promoted.text) == (409, True)
    await town.approve()
    shrunk = await town.patch(rollout=50)
    assert (shrunk.status_code, shrunk.text) == (
        409,
        "v1 goes to everybody already, and a rollout never shrinks. "
        "Disable v1, roll back, or release again with a rollout of 50 %.",
    )
    assert "v1 is the first release of Production: there is nothing before it" in (await back(town))[1]
    await town.patch(isDisabled=True)
    assert "v1 is the first release of Production" in (await back(town))[1]
    await town.release("two")
    assert "v2 waits for a second person" in (await back(town, "v2"))[1]
    await town.approve()
    status, text = await back(town)
    assert (status, text) == (
        409,
        "No release before v2 goes to everybody now. "
        "v1 is disabled: enable it first, which a second person approves. Then roll back.",
    )
    assert (await back(town, "v1"))[1] == text.partition("now. ")[2].replace("roll back.", "roll back to it.")


async def test_a_change_of_a_label_shows_what_stays_once(town: Scene) -> None:
    await town.released("one", rollout=10)
    await town.patch(rollout=60)
    (waiting,) = await town.waiting()
    lines = {line["en"]: (line["before"], line["after"]) for line in waiting["diff"]}
    assert lines["Rollout in percent"] == ("10", "60")
    assert {name for name, (before, after) in lines.items() if before != after} == {"Rollout in percent"}
    assert lines["Label"] == ("v1", "v1")
    shown = "\n".join(change_lines(waiting, "en"))
    assert "Label: v1\n" in shown
    assert "v1 -> v1" not in shown


async def test_one_person_never_widens_by_a_roll_back(town: Scene) -> None:
    await town.released("one", rollout=10)
    await town.patch(rollout=100)
    (raise_it,) = await town.waiting()
    await town.decide(raise_it, "reject")
    await town.patch(label="v1", isDisabled=True)
    await town.released("two")
    assert (await back(town, "v1"))[0] == 409, "disabled"
    await town.patch(label="v1", isDisabled=False)
    for change in await town.waiting():
        await town.decide(change)
    assert (await back(town, "v1"))[0] == 409, "approved for 10 % alone"
    assert [each["label"] for each in await town.history()] == ["v1", "v2"]


@pytest.mark.parametrize(("info", "is_disabled"), [({}, True), ({"isDisabled": False}, False)])
async def test_what_is_disabled_is_promoted_disabled_unless_it_is_said(
    town: Scene, info: dict[str, Any], *, is_disabled: bool
) -> None:
    await town.released("one")
    await town.patch(isDisabled=True)
    answer = await town.http.post(f"{LINE}/promote/Staging", headers=town.tool, json={"packageInfo": info})
    assert answer.status_code == 201, answer.text
    await town.approve()
    assert [each["isDisabled"] for each in await town.history("Staging")] == [is_disabled]


async def test_a_patch_that_names_nothing_is_refused(town: Scene) -> None:
    await town.released("one")
    answer = await town.patch()
    assert (answer.status_code, "enable a disabled release at the console" in answer.text) == (400, True)


async def test_what_waits_is_nothing_to_go_back_to(town: Scene) -> None:
    await town.released("one")
    await town.release("two")
    assert (await back(town, "v2"))[0] == 409
    assert [each["label"] for each in await town.history()] == ["v1", "v2"]


async def test_no_way_back_to_other_binary_versions(town: Scene) -> None:
    await town.released("one", "1.0.0")
    await town.released("two", "2.0.0")
    status, text = await back(town)
    assert (status, "v1 is for 1.0.0, v2 for 2.0.0" in text) == (409, True)


async def test_the_same_content_is_not_released_twice(town: Scene) -> None:
    await town.released("one")
    same = await town.release("one")
    assert (same.status_code, "identical to v1" in same.text) == (409, True)
    assert (await town.release("one", "2.0.0")).status_code == 201, "for other binaries it is another release"


async def test_promoting_takes_the_other_deployments_key(town: Scene) -> None:
    await town.released("one")
    path = f"{CONSOLE}/codepush/apps/{APP}/deployments/Staging/public-key"
    await town.http.put(path, headers=town.maker, json={"public_key": new_key().public})
    await town.approve()
    answer = await town.http.post(f"{LINE}/promote/Staging", headers=town.tool, json={})
    assert (answer.status_code, "is not signed by this deployment's key" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"appVersion": "latest"},
        {"appVersion": " "},
        {"appVersion": 1},
        {"appVersion": "1.0.0", "rollout": 0},
        {"appVersion": "1.0.0", "rollout": 101},
        {"appVersion": "1.0.0", "rollout": True},
        {"appVersion": "1.0.0", "isMandatory": "yes"},
        {"appVersion": "1.0.0", "description": "x" * 10_001},
    ],
)
async def test_what_is_no_release_is_refused(town: Scene, info: dict[str, Any]) -> None:
    answer = await town.upload(bundle(files_of("one")), info)
    assert answer.status_code == 400, answer.text
    assert await town.history() == []


async def test_an_upload_over_the_limit_is_refused(town: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampan.codepush.taking_in.MAX_BUNDLE_BYTES", 1000)
    monkeypatch.setattr("sampan.codepush.taking_in.ROOM_BYTES", 0)
    answer = await town.upload(b"x" * 5000, {"appVersion": "1.0.0"})
    assert answer.status_code == 413
    leftovers = list(town.core.objects.incoming.iterdir())
    assert leftovers == []


async def test_devices_get_differences_to_the_last_five_contents(town: Scene) -> None:
    for n in range(7):
        await town.released(f"text {n}")
    await town.work()
    newest = (await town.history())[-1]
    assert set(newest["diffPackageMap"]) == {hash_of(files_of(f"text {n}")) for n in range(1, 6)}
    info = await town.check(package_hash=hash_of(files_of("text 4")), label="v5")
    fetched = await town.http.get(info["download_url"])
    assert len(fetched.content) == info["package_size"] < newest["size"]
    part = await town.http.get(info["download_url"], headers={"range": "bytes=2-9"})
    assert (part.status_code, part.content) == (206, fetched.content[2:10])
    beyond = await town.http.get(info["download_url"], headers={"range": "bytes=99999999-"})
    assert beyond.status_code == 416
    again = await town.http.get(info["download_url"], headers={"if-none-match": fetched.headers["etag"]})
    assert again.status_code == 304
    far = await town.check(package_hash=hash_of(files_of("text 0")), label="v1")
    assert far["package_size"] == newest["size"]


async def test_bundles_that_are_given_to_nobody_cannot_be_fetched(town: Scene) -> None:
    made = (await town.release("one")).json()["package"]
    path = made["blobUrl"].partition("testserver")[2]
    await town.core.replica.poll()
    assert (await town.http.get(path)).status_code == 404
    await town.approve()
    assert (await town.http.get(path)).status_code == 200
    await town.patch(isDisabled=True)
    await town.core.replica.poll()
    assert (await town.http.get(path)).status_code == 404


async def test_a_deployment_keeps_the_key_that_apps_were_built_with(town: Scene) -> None:
    body = {"name": "Moved", "key": "dep-key-of-an-app-in-the-stores-01"}
    path = f"{CONSOLE}/codepush/apps/{APP}/deployments"
    made = await town.http.post(path, headers=town.maker, json=body)
    assert (made.status_code, made.json()["key"]) == (201, body["key"])
    again = await town.http.post(path, headers=town.maker, json=body | {"name": "Second"})
    assert again.json()["code"] == "codepush_name_taken"
    await town.core.replica.poll()
    town.keys["Moved"] = body["key"]
    assert (await town.check("Moved"))["should_run_binary_version"]


async def test_the_console_lists_what_there_is(town: Scene) -> None:
    await town.released("one")
    await town.release("two")
    at = f"{CONSOLE}/codepush/apps"
    apps = (await town.http.get(at, headers=town.checker)).json()
    assert [each["name"] for each in apps["items"]] == [APP]
    lines = (await town.http.get(f"{at}/{APP}/deployments", headers=town.checker)).json()["items"]
    assert [(each["name"], each["latest"] and each["latest"]["label"]) for each in lines] == [
        ("Production", "v2"),
        ("Staging", None),
    ]
    releases = (await town.http.get(f"{at}/{APP}/deployments/Production/releases", headers=town.checker)).json()
    assert [(each["label"], each["state"]) for each in releases["items"]] == [("v2", "waiting"), ("v1", "approved")]
    disabled = await town.http.patch(
        f"{at}/{APP}/deployments/Production/releases/v1", headers=town.maker, json={"is_disabled": True}
    )
    assert (disabled.json()["is_disabled"], disabled.json()["waiting_change"]) == (True, None)
    raised = await town.http.patch(
        f"{at}/{APP}/deployments/Production/releases/v1", headers=town.maker, json={"is_disabled": False}
    )
    assert raised.json()["waiting_change"].startswith("chg_")
