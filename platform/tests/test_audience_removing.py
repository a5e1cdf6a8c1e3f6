"""A saved audience goes when nothing names it; until then its removal is refused, with what names it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from sampan.platform.audience.tables import audience_editions
from sampan.platform.console_app import PREFIX
from sampan.platform.core import Core
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core

pytestmark = pytest.mark.anyio
FULL = {"attr": "tier", "op": "in", "values": ["full"]}


@dataclass
class Desk:
    """Administrators of two banks, and a reader of ours."""

    core: Core
    http: httpx2.AsyncClient
    ours: dict[str, str]
    theirs: dict[str, str]
    reader: dict[str, str]

    async def call(self, method: str, path: str, body: Any = None, *, by: dict[str, str] | None = None) -> Any:
        place = f"/w/{OTHER_WORKSPACE}" if by is self.theirs else ""
        return await self.http.request(method, f"{place}{PREFIX}{path}", json=body, headers=by or self.ours)

    async def save(self, name: str, rule: Any = FULL) -> str:
        answer = await self.call("POST", "/audiences", {"name": name, "audience": rule})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def refusal(self, audience: str) -> Any:
        answer = await self.call("DELETE", f"/audiences/{audience}")
        assert (answer.status_code, answer.json()["code"]) == (409, "audience_in_use"), answer.text
        return answer.json()["used_by"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_core(tmp_path) as core, client(core) as http:
        people = [
            (WORKSPACE, await person_with(core, WORKSPACE, "admin")),
            (OTHER_WORKSPACE, await person_with(core, OTHER_WORKSPACE, "admin")),
            (WORKSPACE, await person_with(core, WORKSPACE, "auditor")),
        ]
        yield Desk(core, http, *[await bearer_for(core, place, person) for place, person in people])


def named(audience: str) -> dict[str, Any]:
    return {"attr": "audience", "op": "in", "values": [audience]}


async def test_what_nothing_names_goes_with_its_editions_and_leaves_a_trace(desk: Desk) -> None:
    audience = await desk.save("Full ones")
    await desk.core.replica.poll()
    assert audience in desk.core.replica.view(WORKSPACE).parts["audiences"]
    assert (await desk.call("DELETE", f"/audiences/{audience}")).status_code == 204
    assert (await desk.call("GET", f"/audiences/{audience}")).json()["code"] == "audience_unknown"
    assert (await desk.call("DELETE", f"/audiences/{audience}")).status_code == 404
    await desk.core.replica.poll()
    assert audience not in desk.core.replica.view(WORKSPACE).parts["audiences"]
    async with desk.core.store.workspace(WORKSPACE).read() as tx:
        counted = select(func.count()).where(audience_editions.c.workspace_id == tx.workspace_id)
        assert (await tx.execute(counted)).scalar_one() == 0
    (line,) = (await desk.call("GET", f"/audit?target={audience}&action=audience.delete")).json()["items"]
    assert line["detail"] == {"name": "Full ones", "rule": FULL}


async def test_what_names_it_keeps_it(desk: Desk) -> None:
    audience = await desk.save("Full ones")
    outer = await desk.save("Not them", {"not": named(audience)})
    switch = {
        "key": "new-look",
        "type": "boolean",
        "variants": {"on": True, "off": False},
        "default": "off",
        "rules": [{"audience": named(audience), "variant": "on"}],
    }
    made = await desk.call("POST", "/switches", {"definition": switch})
    assert made.status_code in (200, 201), made.text
    assert await desk.refusal(audience) == ["audience Not them", "switch new-look"]
    assert (await desk.call("DELETE", f"/audiences/{outer}")).status_code == 204
    assert await desk.refusal(audience) == ["switch new-look"]
    changed = {"definition": {**switch, "rules": []}, "edition": made.json()["edition"], "note": ""}
    assert (await desk.call("PUT", "/switches/new-look", changed)).status_code == 200
    assert (await desk.call("DELETE", f"/audiences/{audience}")).status_code == 204


async def test_a_change_that_waited_for_it_brings_it_not_back(desk: Desk) -> None:
    audience = await desk.save("Full ones")
    wanted = {"name": "All", "audience": {"all": []}, "edition": 1}
    asked = (await desk.call("PUT", f"/audiences/{audience}", wanted)).json()
    assert (await desk.call("DELETE", f"/audiences/{audience}")).status_code == 204
    other = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "reviewer"))
    answer = await desk.call("POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}, by=other)
    assert (answer.status_code, answer.json()["code"]) == (409, "change_stale")
    assert (await desk.call("GET", f"/audiences/{audience}")).status_code == 404


async def test_who_read_an_earlier_edition_overwrites_nobodys_change(desk: Desk) -> None:
    audience = await desk.save("Full ones")
    other = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "reviewer"))
    wanted = {"name": "All", "audience": {"all": []}, "edition": 1}
    asked = (await desk.call("PUT", f"/audiences/{audience}", wanted)).json()
    await desk.call("POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}, by=other)
    answer = await desk.call("PUT", f"/audiences/{audience}", {**wanted, "name": "Mine"})
    assert (answer.status_code, answer.json()["code"], answer.json()["edition"]) == (409, "audience_moved", 2)
    assert (await desk.call("PUT", f"/audiences/{audience}", {**wanted, "edition": 2})).status_code == 202


async def test_only_an_editor_of_the_same_bank_removes_it(desk: Desk) -> None:
    audience = await desk.save("Full ones")
    assert (await desk.call("DELETE", f"/audiences/{audience}", by=desk.reader)).status_code == 403
    assert (await desk.call("DELETE", f"/audiences/{audience}", by=desk.theirs)).status_code == 404
    assert (await desk.call("GET", f"/audiences/{audience}")).status_code == 200
