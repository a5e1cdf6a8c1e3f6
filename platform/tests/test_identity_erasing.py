"""What an erased customer leaves in rules, in their history and among testers: a stand-in that nobody has."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from journey_town import Town, towns
from sqlalchemy import insert, select

from sampan.platform.audience.forgetting import NOBODY
from sampan.platform.release.cap_rows import release_places

pytestmark = pytest.mark.anyio


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with towns(tmp_path, "bank-a", "bank-b") as (ours, _theirs):
        yield ours


def one_of(*customers: str) -> dict[str, Any]:
    return {"attr": "customer", "op": "in", "values": list(customers)}


async def new_customer(town: Town, reference: str) -> str:
    made = await town.post("/customers", {"bank_reference": reference, "tier": "full", "personal": {}})
    return str(made["id"])


async def erase(town: Town, customer: str) -> None:
    await town.post(f"/customers/{customer}/erase")
    await town.core.replica.poll()


async def test_rules_name_nobody_in_place_of_an_erased_customer(town: Town) -> None:
    gone, stays = await new_customer(town, "CIF-1"), await new_customer(town, "CIF-2")
    rule = one_of(gone, stays)
    saved = await town.post("/audiences", {"name": "By hand", "audience": rule})
    asked = await town.call(
        "PUT", f"/audiences/{saved['id']}", {"name": "By hand", "audience": one_of(gone), "edition": 1}
    )
    await town.approve_change(asked.json()["change"])
    served = {
        "key": "by-hand",
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"audience": rule, "variant": "on"}],
    }
    await town.approve_change((await town.post("/switch-file", {"switches": [served], "activate": True}))["change"])
    release = await town.post("/releases", {"kind": "miniapp", "id": town.app, "sequence": 2, "audience": rule})
    testers = {"devices": [], "customers": [gone, stays]}
    assert (await town.call("PUT", f"/apps/{town.app}/testers", testers)).status_code == 200
    async with town.core.store.workspace(town.workspace).write() as tx:
        row = {"workspace_id": town.workspace, "release_id": release["id"], "at_ms": 1}
        await tx.execute(insert(release_places), [{**row, "subject": each} for each in (gone, stays)])
    await erase(town, gone)
    found = {
        "audience": await town.get(f"/audiences/{saved['id']}"),
        "history": await town.get(f"/audiences/{saved['id']}/history"),
        "switch": await town.get("/switches/by-hand"),
        "editions": await town.get("/switches/by-hand/history"),
        "release": await town.get(f"/releases/{release['id']}"),
        "testers": await town.get(f"/apps/{town.app}/testers"),
    }
    assert [name for name, each in found.items() if gone in json.dumps(each)] == []
    assert found["audience"]["audience"] == one_of(NOBODY)
    assert (
        found["release"]["audience"] == found["switch"]["definition"]["rules"][0]["audience"] == one_of(NOBODY, stays)
    )
    assert [each["id"] for each in found["testers"]["items"]] == [stays]
    async with town.core.store.workspace(town.workspace).read() as tx:
        places = select(release_places.c.subject).where(release_places.c.workspace_id == town.workspace)
        left = sorted(row.subject for row in await tx.execute(places))
    assert (len(left), stays in left, gone in left) == (2, True, False), "the place stays taken"
    view = town.core.replica.view(town.workspace)
    assert gone not in str(view.parts["switches"]), "what is served was compiled anew"


async def test_a_request_that_waited_brings_no_erased_customer_back(town: Town) -> None:
    gone = await new_customer(town, "CIF-1")
    saved = await town.post("/audiences", {"name": "By hand", "audience": {"all": []}})
    asked = (
        await town.call("PUT", f"/audiences/{saved['id']}", {"name": "By hand", "audience": one_of(gone), "edition": 1})
    ).json()
    await erase(town, gone)
    with pytest.raises(AssertionError, match="rule_customer_erased"):
        await town.approve_change(asked["change"])
    answer = await town.call("POST", "/audiences", {"name": "Another", "audience": one_of(gone)})
    assert (answer.status_code, answer.json()["code"]) == (422, "rule_customer_erased")
    assert (await town.get(f"/audiences/{saved['id']}"))["audience"] == {"all": []}
