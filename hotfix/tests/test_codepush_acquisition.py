"""Update checks over HTTP: first install, update, mandatory, disabled, rollout, binary versions, refusals."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from codepush_scene import CHECK, Scene, files_of, hash_of, scene, unpacked

from sampan.platform.testing import WORKSPACE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as found:
        yield found


async def test_a_release_reaches_devices_once_a_second_person_approved_it(town: Scene) -> None:
    answer = await town.release("one", "^1.0.0", isMandatory=True, description="First.")
    assert answer.status_code == 201
    assert (answer.json()["package"]["label"], answer.json()["package"]["isDisabled"]) == ("v1", True)
    assert not (await town.check())["is_available"]
    await town.approve()
    info = await town.check()
    assert (info["is_available"], info["label"], info["is_mandatory"]) == (True, "v1", True)
    assert (info["description"], info["target_binary_range"]) == ("First.", "1.0.0")
    assert info["package_hash"] == hash_of(files_of("one"))
    assert [each["isDisabled"] for each in await town.history()] == [False]
    fetched = await town.http.get(info["download_url"])
    assert unpacked(fetched.content) == files_of("one")
    assert len(fetched.content) == info["package_size"]
    assert (await town.http.get(CHECK, params={"deployment_key": "x" * 30, "app_version": "1.0.0"})).status_code == 404


async def test_a_check_reads_neither_a_row_nor_a_file(town: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.released("one")
    await town.released("two", rollout=50)
    params = {"deployment_key": town.keys["Production"], "app_version": "1.0.0", "client_unique_id": "d"}
    await town.core.replica.poll()

    def never(*_values: object, **_options: object) -> None:
        raise AssertionError("a check went to the database or the object store")

    for owner, name in ((type(town.core.store.database), "read"), (type(town.core.store.database), "write")):
        monkeypatch.setattr(owner, name, never)
    for name in ("get", "read", "size", "exists"):
        monkeypatch.setattr(type(town.core.objects), name, never)
    labels = set()
    for n in range(40):
        answer = await town.http.get(CHECK, params=params | {"client_unique_id": f"d{n}"})
        labels.add(answer.json()["update_info"]["label"])
    assert labels == {"v1", "v2"}


async def test_refusals_are_plain_text_as_clients_show_them(town: Scene) -> None:
    key = town.keys["Production"]
    for params, status, says in (
        ({"app_version": "1.0.0"}, 400, "valid deployment key"),
        ({"deployment_key": key}, 400, "binary version"),
        ({"deployment_key": key, "app_version": "latest"}, 400, "binary version"),
        ({"deployment_key": key, "app_version": "1" * 300}, 400, "longer than"),
        ({"deployment_key": "no-such-key-in-this-workspace", "app_version": "1.0.0"}, 404, "no deployment"),
    ):
        answer = await town.http.get(CHECK, params=params)
        assert (answer.status_code, says in answer.text) == (status, True), answer.text
        assert answer.headers["content-type"].startswith("text/plain")


async def test_the_older_spelling_of_a_check(town: Scene) -> None:
    await town.released("one", "2")
    params = {
        "deploymentKey": town.keys["Production"],
        "appVersion": "2.0",
        "clientUniqueId": "d",
        "isCompanion": "false",
    }
    await town.core.replica.poll()
    info = (await town.http.get("/updateCheck", params=params)).json()["updateInfo"]
    assert (info["isAvailable"], info["label"], info["appVersion"]) == (True, "v1", "2.0")
    assert (await town.http.get(info["downloadURL"])).status_code == 200


async def test_the_address_of_a_bundle_is_the_one_by_which_the_device_came(town: Scene) -> None:
    await town.released("one")
    params = {"deployment_key": town.keys["Production"], "app_version": "1.0.0"}
    answer = await town.http.get(f"http://bank.example:8443/w/{WORKSPACE}{CHECK}", params=params)
    url = answer.json()["update_info"]["download_url"]
    assert url.startswith(f"http://bank.example:8443/w/{WORKSPACE}/v0.1/public/codepush/bundles/")
