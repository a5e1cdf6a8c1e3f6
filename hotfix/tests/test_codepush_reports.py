"""Reports: counted once for each device and label, bounded, and of no consequence for any release."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from codepush_scene import Scene, scene

from sampan.codepush import reports

pytestmark = pytest.mark.anyio
DEPLOY, DOWNLOAD = "/v0.1/public/codepush/report_status/deploy", "/v0.1/public/codepush/report_status/download"
OK, FAILED = "DeploymentSucceeded", "DeploymentFailed"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as found:
        await found.released("one")
        await found.released("two")
        yield found


async def report(town: Scene, path: str = DEPLOY, deployment: str = "Production", **said: Any) -> int:
    body = {"deployment_key": town.keys[deployment], "app_version": "1.0.0", **said}
    return (await town.http.post(path, json=body)).status_code


def count(active: int = 0, downloaded: int = 0, failed: int = 0, installed: int = 0) -> dict[str, int]:
    return {"active": active, "downloaded": downloaded, "failed": failed, "installed": installed}


async def test_a_device_is_counted_once_whatever_it_repeats(town: Scene) -> None:
    for _ in range(3):
        assert await report(town, client_unique_id="d1") == 200
        assert await report(town, DOWNLOAD, client_unique_id="d1", label="v1") == 200
        assert await report(town, client_unique_id="d1", label="v1", status=OK) == 200
        assert await report(town, client_unique_id="d1", label="v1", status=OK) == 200
    # Three times a device with the binary's own bundle, three times one with v1, which it fetched once.
    assert await town.metrics() == {"1.0.0": count(active=0), "v1": count(active=1, downloaded=1, installed=3)}


async def test_devices_move_from_label_to_label_and_the_sum_stays(town: Scene) -> None:
    for n in range(5):
        await report(town, client_unique_id=f"d{n}", label="v1", status=OK)
    for n in range(3):
        await report(town, client_unique_id=f"d{n}", label="v2", status=OK, previous_label_or_app_version="v1")
    await report(town, client_unique_id="d4", label="v2", status=FAILED)
    await report(town, client_unique_id="d4", label="v2", status=FAILED)
    assert await town.metrics() == {"v1": count(active=2, installed=5), "v2": count(active=3, installed=3, failed=1)}


async def test_a_device_that_returns_to_a_label_installs_it_again_and_none_is_pending(town: Scene) -> None:
    async def take(label: str, before: str) -> None:
        for _ in range(2):  # what a device repeats does not count
            await report(town, DOWNLOAD, client_unique_id="d1", label=label)
            await report(town, client_unique_id="d1", label=label, status=OK, previous_label_or_app_version=before)

    await take("v1", "1.0.0")
    await take("v2", "v1")
    await take("v1", "v2")
    found = await town.metrics()
    assert found == {"v1": count(active=1, downloaded=2, installed=2), "v2": count(downloaded=1, installed=1)}
    pending = {label: each["downloaded"] - each["installed"] - each["failed"] for label, each in found.items()}
    assert pending == {"v1": 0, "v2": 0}, "the tools show what is left as pending"


async def test_the_older_spelling_and_devices_without_a_name(town: Scene) -> None:
    key = town.keys["Production"]
    old = {"deploymentKey": key, "appVersion": "1.0.0", "label": "v1", "status": OK}
    for _ in range(2):
        assert (await town.http.post("/reportStatus/deploy", json=old)).status_code == 200
    assert (await town.http.post("/reportStatus/download", json=old)).status_code == 200
    moved = {**old, "label": "v2", "previousLabelOrAppVersion": "v1"}
    assert (await town.http.post("/reportStatus/deploy", json=moved)).status_code == 200
    assert await town.metrics() == {"v1": count(active=1, downloaded=1, installed=2), "v2": count(1, installed=1)}


async def test_a_device_that_changes_deployments_leaves_the_old_one(town: Scene) -> None:
    await report(town, client_unique_id="d1", label="v1", status=OK)
    await report(
        town, deployment="Staging", client_unique_id="d1", previous_deployment_key=town.keys["Production"],
        previous_label_or_app_version="v1",
    )  # fmt: skip
    assert await town.metrics() == {"v1": count(active=0, installed=1)}
    assert await town.metrics("Staging") == {"1.0.0": count(active=1)}


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        (DEPLOY, {"app_version": ""}, 400),
        (DEPLOY, {"app_version": "one"}, 400),
        (DEPLOY, {"deployment_key": ""}, 400),
        (DEPLOY, {"deployment_key": "k" * 30}, 404),
        (DEPLOY, {"label": "v1"}, 400),
        (DEPLOY, {"label": "v1", "status": "Fine"}, 400),
        (DEPLOY, {"label": 1}, 400),
        (DEPLOY, {"label": "v" * 300}, 400),
        (DOWNLOAD, {}, 400),
        (DOWNLOAD, {"label": "v1", "deployment_key": "k" * 30}, 404),
    ],
    ids=range(10),
)
async def test_malformed_reports_are_refused_as_plain_text(
    town: Scene, path: str, said: dict[str, Any], status: int
) -> None:
    assert await report(town, path, **said) == status
    assert await town.metrics() == {}


async def test_labels_that_are_not_there_are_not_counted(town: Scene) -> None:
    assert await report(town, client_unique_id="d1", label="v99", status=OK) == 200
    assert await report(town, DOWNLOAD, client_unique_id="d1", label="v99") == 200
    assert await town.metrics() == {}


async def test_devices_and_binaries_are_bounded(town: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_CLIENTS", 3)
    monkeypatch.setattr(reports, "MAX_BINARIES", 2)
    for n in range(6):
        assert await report(town, client_unique_id=f"d{n}", label="v1", status=OK) == 200
    for n in range(6):
        assert await report(town, app_version=f"1.{n}.0") == 200
    found = await town.metrics()
    assert found["v1"] == count(active=3, installed=3)
    assert len(found) <= 3


async def test_when_too_many_wait_reports_are_sent_away(town: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_WAITING", 0)
    body = {"deployment_key": town.keys["Production"], "app_version": "1.0.0", "client_unique_id": "d"}
    answer = await town.http.post(DEPLOY, json=body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_many_devices_at_once_are_all_counted(town: Scene) -> None:
    sent = [report(town, client_unique_id=f"d{n % 40}", label="v1", status=OK) for n in range(120)]
    assert set(await asyncio.gather(*sent)) == {200}
    assert await town.metrics() == {"v1": count(active=40, installed=40)}


async def test_no_number_of_failures_changes_a_release(town: Scene) -> None:
    for n in range(60):
        await report(town, client_unique_id=f"d{n}", label="v2", status=FAILED)
    assert (await town.metrics())["v2"]["failed"] == 60
    assert (await town.check())["label"] == "v2"
    assert await town.waiting() == []


async def test_releases_and_reports_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with scene(tmp_path, postgres_url=postgres_url) as town:
        await town.released("one")
        await town.released("two", rollout=50)
        for name in ("d1", "d2", "d1"):
            assert await report(town, DOWNLOAD, client_unique_id=name, label="v1") == 200
            assert await report(town, client_unique_id=name, label="v1", status=OK) == 200
        assert await report(town, client_unique_id="d1", label="v2", status=OK) == 200
        assert await report(town, client_unique_id="d2", label="v2", status=FAILED) == 200
        nameless = {"previous_label_or_app_version": "v1", "label": "v2", "status": OK}
        for _ in range(2):
            assert await report(town, **nameless) == 200
        assert await town.metrics() == {
            "v1": count(active=0, downloaded=2, installed=2),
            "v2": count(active=3, installed=3, failed=1),
        }
        await town.work()
        assert [each["label"] for each in await town.history()] == ["v1", "v2"]
