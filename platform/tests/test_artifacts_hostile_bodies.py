"""A publisher who sends nonsense in every place of a signed body or an index hears a named refusal, never a fault."""

import copy
import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.offline_packages import Packed
from sampan.offline_packages.publishing import renewed_app_body
from sampan.offline_packages.signed_bytes import sign_body
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
BASE = f"/w/{WORKSPACE}/console/api/v1/apps/{APP}"
JUNK: list[Any] = [None, True, -1, 2**63, 1.5, "", "x" * 300, "\u0000", "\ud800", [], {}, [[]], {"keyid": 1}]
TRIES = 120


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path) as made:
        await made.publish(1)
        yield made


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside `value`."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _spoiled(value: Any, chance: random.Random) -> Any:
    spoiled = copy.deepcopy(value)
    *path, last = chance.choice(list(_places(spoiled)))
    holder = spoiled
    for key in path:
        holder = holder[key]
    if chance.random() < 0.3:
        del holder[last]
    else:
        holder[last] = chance.choice(JUNK)
    return spoiled


async def _send(http: httpx2.AsyncClient, headers: dict[str, str], path: str, body: Any) -> httpx2.Response:
    content = json.dumps(body).encode()
    return await http.post(BASE + path, content=content, headers={**headers, "content-type": "application/json"})


async def _upload(http: httpx2.AsyncClient, headers: dict[str, str], packed: Packed) -> str:
    data = packed.archive_path.read_bytes()
    answer = await http.post(f"/w/{WORKSPACE}/console/api/v1/uploads", content=data, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["upload"])


async def test_spoiled_bodies_and_indexes_are_refused_by_name(publishing: Publishing) -> None:
    core, chance = publishing.core, random.Random(20)  # noqa: S311 - the same places at every run
    own = {"role": "publisher", "publisher": publishing.publisher_id}
    headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, grants=[own]))
    packed, waiting = packed_app(publishing.folder, 3), packed_app(publishing.folder, 2)
    await publishing.submit(waiting)
    bodies = {name: json.loads(body) for name, body in (await publishing.bodies(packed)).items()}
    current = await publishing.parties.current("intl", f"app.{APP}")
    assert current is not None
    renewed = sign_body(renewed_app_body(current, now_ms=core.now_ms()), publishing.parties.publisher["intl"])
    index = json.loads(packed.index_bytes)
    targets: dict[str, dict[str, Any]] = {
        "/versions": {"upload": "upl_none", "index": index, "bodies": bodies},
        "/versions/2/resequence": {"index": index, "bodies": bodies},
        "/versions/2/bodies": {"bodies": bodies},
        "/renewals": {"kind": "renewal", "bodies": {"intl": json.loads(renewed)}},
    }
    refused: set[str] = set()
    async with client(core) as http:
        for _ in range(TRIES):
            path = chance.choice(list(targets))
            if path == "/versions":
                targets[path]["upload"] = await _upload(http, headers, packed)
            answer = await _send(http, headers, path, _spoiled(targets[path], chance))
            assert 400 <= answer.status_code < 500, (path, answer.status_code, answer.text)
            refused.add(answer.json()["code"])
    assert len(refused) > 4, refused
    states = {sequence: state.value for sequence, state in (await publishing.states()).items()}
    assert states == {1: "published", 2: "in_review"}
