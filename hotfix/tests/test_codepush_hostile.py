"""Somebody with one person's rights, or none: nothing approved is taken away, nothing unsigned given out."""

import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from codepush_scene import APP, CONSOLE, Scene, bundle, files_of, hash_of, new_key, scene, unpacked

from sampan.codepush import repository
from sampan.codepush.checking import KEPT_BYTES, CompiledDeployment, Given
from sampan.codepush.versions import parse_range

pytestmark = pytest.mark.anyio
LINE = f"/codepush/apps/{APP}/deployments/Production"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as found:
        yield found


async def test_what_one_person_proposes_pushes_no_approved_label_out(
    town: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "KEPT", 3)
    await town.released("one")
    await town.released("two")
    for n in range(4):
        assert (await town.release("noise", f"7.0.{n}")).status_code == 201
    assert (await town.patch(label="v2", isDisabled=True)).status_code == 200, (
        "a label that devices have can be disabled"
    )
    info = await town.check()
    assert (info["is_available"], info["label"]) == (True, "v1")
    answer = await town.http.post(f"{LINE}/rollback/v1", headers=town.tool)
    assert answer.status_code == 201, answer.text


async def test_one_person_never_goes_back_to_what_another_key_signed(town: Scene) -> None:
    await town.released("one")
    await town.released("two")
    fresh = new_key()
    path = f"{CONSOLE}/codepush/apps/{APP}/deployments/Production/public-key"
    await town.http.put(path, headers=town.maker, json={"public_key": fresh.public})
    await town.approve()
    answer = await town.http.post(f"{LINE}/rollback/v1", headers=town.tool)
    assert (answer.status_code, "is not signed by this deployment's key" in answer.text) == (400, True), answer.text


async def test_a_report_keeps_no_deployment_from_being_deleted(town: Scene) -> None:
    report = {"deployment_key": town.keys["Staging"], "app_version": "1.0.0", "client_unique_id": "phone"}
    answer = await town.http.post("/v0.1/public/codepush/report_status/deploy", json=report)
    assert answer.status_code == 200
    gone = await town.http.delete(f"/codepush/apps/{APP}/deployments/Staging", headers=town.tool)
    assert gone.status_code == 204, gone.text


@pytest.mark.parametrize("token", ["²", "9" * 5000, "99999999999999.é", "1.x", ""])
async def test_a_malformed_upload_token_is_refused(town: Scene, token: str) -> None:
    path = "/codepush/v0.1/upload/set_metadata/cpu_1"
    answer = await town.http.post(path, params={"token": token, "file_Size": "1"})
    assert answer.status_code == 404, answer.text


async def test_devices_get_only_what_was_hashed_and_signed(town: Scene) -> None:
    """A reader of ZIPs that goes from the front would unpack what the directory at the end does not name."""
    honest = bundle(files_of("one"))
    hidden = BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("../../evil.so", b"evil")
    smuggled = hidden.getvalue()[: hidden.getvalue().index(b"PK\x01\x02")]
    with BytesIO(smuggled + honest) as both, zipfile.ZipFile(both) as archive:
        assert "../../evil.so" not in archive.namelist()
    answer = await town.upload(smuggled + honest, {"appVersion": "1.0.0"})
    assert answer.status_code == 201, answer.text
    await town.approve()
    url = (await town.check(package_hash="0" * 64))["download_url"].partition("testserver")[2]
    given = (await town.http.get(url)).content
    assert b"evil" not in given
    assert unpacked(given) == files_of("one")
    assert (await town.check())["package_hash"] == hash_of(files_of("one"))


async def test_files_that_the_hash_leaves_out_are_given_to_nobody(town: Scene) -> None:
    content = BytesIO(bundle(files_of("one")))
    with zipfile.ZipFile(content, "a") as archive:
        for name in ("__MACOSX/evil.js", "CodePush/.DS_Store"):
            archive.writestr(name, b"nobody signed this")
    answer = await town.upload(content.getvalue(), {"appVersion": "1.0.0"})
    assert answer.status_code == 201, answer.text
    await town.approve()
    url = (await town.check(package_hash="0" * 64))["download_url"].partition("testserver")[2]
    assert unpacked((await town.http.get(url)).content) == files_of("one")


def test_strangers_who_make_up_versions_fill_no_memory() -> None:
    long = Given("v1", "a" * 64, "*", parse_range("*"), "d" * 10_000, False, False, "b" * 64, 5, 100, b"s:", {})
    deployment = CompiledDeployment("cpd_1", [long])
    tracemalloc.start()
    try:
        for n in range(1000):
            assert b"dddd" in deployment.answer(f"1.0.{n}", "", "", False, "").snake[1]
        assert tracemalloc.get_traced_memory()[0] < 2 * KEPT_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body", [b"[" * 30_000, b'{"a":' * 9_000, b'{"packageInfo":{"description":"\\ud800"}}', b"[1]"]
)
async def test_a_body_that_nothing_can_be_made_of_is_refused(town: Scene, body: bytes) -> None:
    headers = town.tool | {"content-type": "application/json"}
    for method, path in (("PATCH", f"{LINE}/release"), ("POST", "/codepush/apps")):
        answer = await town.http.request(method, path, headers=headers, content=body)
        assert answer.status_code == 400, answer.text
    info = await town.http.post(
        f"{LINE}/release", headers=town.tool, files={"package": b"x"}, data={"packageInfo": body.decode()}
    )
    assert info.status_code == 400, info.text


async def test_the_tools_bodies_have_a_bound(town: Scene) -> None:
    answer = await town.http.patch(f"{LINE}/release", headers=town.tool, content=b" " * 10_000_000)
    assert answer.status_code == 413, answer.text


async def test_what_was_read_under_another_name_is_stale(town: Scene) -> None:
    async def rename(name: str, into: str) -> None:
        path = f"/codepush/apps/{APP}/deployments/{name}"
        assert (await town.http.patch(path, headers=town.tool, json={"name": into})).status_code == 200

    await rename("Staging", "Old")
    await rename("Production", "Staging")
    assert (await town.release("evil", deployment="Staging")).status_code == 201
    await rename("Staging", "Production")
    (waiting,) = await town.waiting()
    assert waiting["target_name"] == f"{APP} Staging v1"
    lines = {line["en"]: line["after"] for line in waiting["diff"]}
    assert lines["Deployment key"] == town.keys["Production"]
    path = f"{CONSOLE}/changes/{waiting['id']}/approve"
    answer = await town.http.post(path, headers=town.checker, json={"digest": waiting["digest"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "change_stale")
    assert not (await town.check())["is_available"]
