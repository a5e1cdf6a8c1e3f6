"""What a hostile device says that it runs: neither the table nor anybody else's events or numbers suffer from it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hotfix_scene import Phone, Scene, hotfix_scene
from sqlalchemy import select

from sampan.platform.insight import intake as intake_module
from sampan.platform.insight.intake import intake_of
from sampan.platform.insight.repository import held_versions, inventory
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
NAME = f"{APP}@1"
OF_VERSION = "sha256:" + 64 * "0"
GOOD = {"seq": 1, "type": "app.opened", "at": 1}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
async def crowded(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """A scene in which what is sent at nearly the same time shares a transaction."""
    monkeypatch.setattr(intake_module, "GATHER_SECONDS", 0.2)
    address = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    async with hotfix_scene(tmp_path, postgres_url=address) as made:
        yield made


def said(kind: str, name: str, sequence: int, digest: str = OF_VERSION) -> dict[str, Any]:
    return {"kind": kind, "id": name, "version": "1.0.0", "sequence": sequence, "digest": digest}


async def stored(scene: Scene, phone: Phone) -> set[tuple[str, str, int]]:
    """Return what is kept of what a device says."""
    await intake_of(scene.core).flush()
    table = inventory.c
    statement = select(table.kind, table.artefact_id, table.sequence).where(
        table.workspace_id == WORKSPACE, table.device_id == phone.session.tokens["device"]
    )
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        return {(row.kind, row.artefact_id, row.sequence) for row in await tx.execute(statement)}


async def devices(scene: Scene) -> dict[int, int]:
    """Return on how many devices each hotfix runs."""
    found = await scene.done("GET", f"/apps/{APP}/versions/1/hotfixes")
    return {each["n"]: each["devices"] for each in found["items"]}


async def told(scene: Scene, phone: Phone, **members: Any) -> Any:
    """Have a device report one event."""
    headers = {"authorization": phone.session.bearer.decode()}
    return await scene.http.post("/client/v1/events", json={"batch": [GOOD | members]}, headers=headers)


async def test_made_up_hotfixes_do_not_fill_the_table(scene: Scene) -> None:
    phone = await scene.phone()
    await phone.asked(installed=[said("hotfix", f"{APP}@{n}", n) for n in range(1, 2001)])
    assert await stored(scene, phone) == {("hotfix", f"{APP}@2000", 2000)}
    await phone.asked(installed=[said("miniapp", f"{APP}@{n}", n) for n in range(1, 2001)])
    assert await stored(scene, phone) == set()


async def test_a_hotfix_is_of_a_version(scene: Scene) -> None:
    for odd in ("", "@", "@0", "@01", "@1@1", "@-1", "@\u0661", "@1\u0000", "@99999999999999999"):
        phone = await scene.phone()
        await phone.asked(installed=[said("miniapp", APP, 1), said("hotfix", APP + odd, 1)])
        assert await stored(scene, phone) == {("miniapp", APP, 1)}, odd


async def test_a_digest_that_no_column_holds_costs_no_others_event(crowded: Scene) -> None:
    for odd in ("", "d" * 200, OF_VERSION + "\u0000", "sha256:" + 64 * "é"):
        hostile, honest = await crowded.phone(), await crowded.phone()
        await hostile.asked(installed=[said("miniapp", APP, 1, odd), said("hotfix", NAME, 1, odd)])
        answer = await told(crowded, honest)
        assert (answer.status_code, answer.json()["accepted_through"]) == (200, 1), odd
        assert await stored(crowded, hostile) == set()


async def test_a_text_that_no_column_holds_costs_no_others_event(crowded: Scene) -> None:
    for member in ("session", "app", "release", "message", "campaign"):
        hostile, honest = await crowded.phone(), await crowded.phone()
        odd = {member: "a\u0000b"}
        bad, good = await asyncio.gather(told(crowded, hostile, **odd), told(crowded, honest))
        assert (bad.status_code, bad.json()["code"], bad.json()["field"]) == (422, "bad_events", f"batch[0].{member}")
        assert (good.status_code, good.json()["accepted_through"]) == (200, 1)


async def test_an_error_that_no_column_holds_costs_no_others_event(crowded: Scene) -> None:
    hostile, honest = await crowded.phone(), await crowded.phone()
    attrs = {"message": "a\u0000b", "source": "\u0000", "stack": "at f (x.js:1:1)\u0000"}
    odd = {"type": "app.script_error", "app": APP, "sequence": 1, "attrs": attrs}
    bad, good = await asyncio.gather(told(crowded, hostile, **odd), told(crowded, honest))
    assert (good.status_code, good.json()["accepted_through"]) == (200, 1)
    assert (bad.status_code, bad.json()["refused"]) == (200, []), "apps may say anything in an error"


async def test_what_is_said_twice_counts_once(scene: Scene) -> None:
    one = await scene.fix({"app.js": b"one\n"}, n=1)
    hostile, honest = await scene.phone(), await scene.phone()
    mine = [said("miniapp", APP, 1), said("hotfix", NAME, 1, one["digest"])]
    await honest.asked(installed=mine)
    await hostile.asked(installed=mine * 900)
    assert len(await stored(scene, hostile)) == 2
    assert await devices(scene) == {1: 2}
    await hostile.asked(installed=[said("hotfix", NAME, n, f"sha256:{n:064x}") for n in (2**53 - 1, 0, 7)])
    assert len(await stored(scene, hostile)) == 1
    assert await devices(scene) == {1: 1}, "a number that nobody made counts for nothing"


async def test_a_device_counts_once_for_an_app_and_as_no_more_than_a_package(scene: Scene) -> None:
    hostile, honest = await scene.phone(), await scene.phone()
    await honest.asked(installed=[said("miniapp", APP, 1)])
    await hostile.asked(installed=[said(kind, APP, 1) for kind in ("shared", "native", "switch", "app_upgrade")])
    assert await stored(scene, hostile) == {("native", APP, 1)}
    await hostile.asked(installed=[said(kind, APP, 1) for kind in ("switch", "app_upgrade", "hotfix", "MINIAPP")])
    assert await stored(scene, hostile) == set()
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        held = await held_versions(tx, APP)
    assert [(each.kind, each.sequence, each.devices) for each in held] == [("miniapp", 1, 1)]


async def test_apps_that_are_not_of_this_bank_are_not_kept(scene: Scene) -> None:
    phone = await scene.phone()
    await phone.asked(installed=[said("miniapp", "bank.other.app", 1), said("hotfix", "bank.other.app@1", 1)])
    assert await stored(scene, phone) == set()


async def test_explain_says_of_others_nothing_that_a_hostile_device_said(scene: Scene) -> None:
    one = await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.give(1)
    hostile, honest = await scene.phone(), await scene.phone()
    await honest.asked(installed=[said("miniapp", APP, 1), said("hotfix", NAME, 1, one["digest"])])
    await hostile.asked(installed=[said("miniapp", APP, 1), said("hotfix", NAME, 2**53 - 1)])
    await intake_of(scene.core).flush()
    for phone, held, action in ((honest, 1, "keep"), (hostile, 2**53 - 1, "rollback")):
        query = {"device": phone.session.tokens["device"], "kind": "hotfix", "id": NAME}
        (found,) = (await scene.done("GET", "/explain", query))["items"]
        assert (found["installed"]["sequence"], found["action"]) == (held, action)
    odd = {"device": hostile.session.tokens["device"], "kind": "hotfix", "id": f"{APP}@x"}
    assert (await scene.done("GET", "/explain", odd))["items"] == []
