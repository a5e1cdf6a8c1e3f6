"""Client rules of a release, and how often devices ask: written by people, told to devices, refused where wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from released_apps import body, offer, offering_server

from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.release.client_rules import (
    NO_RULES,
    BadClientRules,
    ClientRules,
    in_offer,
    read_client_rules,
    written,
)
from sampan.platform.release.plan_words import client_rules_words
from sampan.platform.release.snapshot import PART
from sampan.platform.release.sync_policy import CHECK_SECONDS
from sampan.platform.testing import WORKSPACE, client, running_core
from sampan.platform.testing_artifacts import without_background
from sampan.platform.testing_device import TestDevice, TestServer

pytestmark = pytest.mark.anyio
POLICY = "/console/api/v1/sync/policy"
APP = "bank.demo.ruled"
RULES = ClientRules(wifi_only=True, predownload=True, minimum_sequence=2)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with offering_server(tmp_path) as server:
        yield server


async def offers(device: TestDevice) -> dict[str, dict[str, Any]]:
    answer = await device.http.post("/client/v1/sync", json=body(), headers={"authorization": device.bearer.decode()})
    return {each["id"]: each for each in answer.json()["offers"]}


def test_rules_are_read_as_they_are_written() -> None:
    assert read_client_rules(None) == NO_RULES
    assert read_client_rules(written(RULES), sequence=2) == RULES
    assert in_offer(NO_RULES) == {}
    assert in_offer(RULES) == {"wifi_only": True, "predownload": True, "minimum": 2}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"wifi_only": 1}, "client_rules.wifi_only"),
        ({"minimum_sequence": 0}, "client_rules.minimum_sequence"),
        ({"minimum_sequence": 4}, "client_rules.minimum_sequence"),
        ({"wifi": True}, "client_rules"),
        ([], "client_rules"),
    ],
)
def test_what_nobody_could_obey_is_refused(value: object, place: str) -> None:
    with pytest.raises(BadClientRules) as refused:
        read_client_rules(value, sequence=3)
    assert refused.value.facts["field"] == place


def test_approvers_read_the_rules_in_words() -> None:
    assert client_rules_words(written(NO_RULES)) is None
    words = client_rules_words(written(RULES))
    assert words is not None
    assert "versions below 2 must update before they open" in words.en
    assert "仅在 Wi-Fi 下后台下载" in words.zh


async def test_an_offer_says_the_rules_of_its_release_alone(server: TestServer) -> None:
    await offer(server.core, APP, client_rules=RULES)
    device = await server.device()
    await server.core.replica.poll()
    found = await offers(device)
    assert {name: found[APP].get(name) for name in ("wifi_only", "predownload", "minimum")} == in_offer(RULES)
    assert not {"wifi_only", "predownload", "minimum"} & set(found["bank.demo.open"])


async def test_the_interval_of_the_workspace_is_told_and_bounded(tmp_path: Path) -> None:
    components = tuple(without_background(each) for each in discover(built_in_components(demo=True)))
    async with running_core(tmp_path, components=components) as core, client(core) as http:
        headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin"))
        others = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "release_manager"))
        found = (await http.get(POLICY, headers=others)).json()
        assert found == {"sync_check_seconds": CHECK_SECONDS.default, "least": 60, "most": 86_400}
        assert (await http.put(POLICY, json={"sync_check_seconds": 60}, headers=others)).status_code == 403
        for seconds in (59, 86_401):
            refused = await http.put(POLICY, json={"sync_check_seconds": seconds}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (422, "bad_sync_check_seconds")
        assert (await http.put(POLICY, json={"sync_check_seconds": 60}, headers=headers)).status_code == 200
        await core.replica.poll()
        assert core.replica.view(WORKSPACE).parts[PART].check_seconds == 60
