"""Streams: what devices and people hear, how fast a thousand of them hear it, and every way in which a stream ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from live_client import Stream
from starlette.types import ASGIApp

from sampan.platform.app import build_app, built_in_components
from sampan.platform.core import Core
from sampan.platform.live import hub as hub_module
from sampan.platform.live import hub_of, publish
from sampan.platform.live.frames import HEARTBEAT, frame
from sampan.platform.live.hub import MAX_PER_OWNER, Audience, LiveFull
from sampan.platform.live.listener import MAX_WAITING, Listener, everything
from sampan.platform.operators.actor import system_actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.session_cookie import cookie_name
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestServer, identity_server
from sampan.platform.workspaces.revisions import raise_revision

pytestmark = pytest.mark.anyio
DEVICES, CONSOLE = "/client/v1/live", "/console/api/v1/live"
COMPONENTS = tuple(each for each in built_in_components(demo=True))


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[TestServer, ASGIApp]]:
    async with identity_server(folder, components=COMPONENTS) as server:
        yield server, build_app(server.core)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[TestServer, ASGIApp]]:
    async with serving(tmp_path) as found:
        yield found


async def move(core: Core, workspace_id: str = WORKSPACE) -> str:
    async with core.store.workspace(workspace_id).write() as tx:
        await raise_revision(tx)
    await core.replica.poll()
    return str(core.replica.view(workspace_id).revision)


async def of_device(server: TestServer, app: ASGIApp, workspace: str = WORKSPACE, **headers: str) -> Stream:
    device = await server.device(workspace)
    authorization = {"authorization": device.bearer.decode()}
    return await Stream(app, DEVICES, {**authorization, **headers}, workspace).open()


def test_an_event_is_one_line_of_each_kind() -> None:
    assert frame("revision", {"revision": "1.88"}, event_id="1.88") == (
        b'id: 1.88\nevent: revision\ndata: {"revision":"1.88"}\n\n'
    )
    assert frame("notice", {"text": "a\nb"}) == b'event: notice\ndata: {"text":"a\\nb"}\n\n'


async def test_a_device_hears_of_every_new_revision_of_its_workspace(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    stream = await of_device(server, app)
    other = await of_device(server, app, OTHER_WORKSPACE)
    first = str(server.core.replica.view(WORKSPACE).revision)
    assert stream.status == 200
    assert dict(stream.messages[0]["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert f'id: {first}\nevent: revision\ndata: {{"revision":"{first}"}}' in stream.text
    second = await move(server.core)
    await stream.hears(f'"revision":"{second}"')
    assert stream.text.count("event: revision") == 2
    assert other.text.count("event: revision") == 1
    for each in (stream, other):
        await each.leave()
    assert len(hub_of(server.core)) == 0


async def test_what_the_client_knows_is_not_told_again(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    device = await server.device()
    present = str(server.core.replica.view(WORKSPACE).revision)
    for last_seen, told in ((present, 0), ("1.0", 1), ("nonsense\x00", 1)):
        headers = {"authorization": device.bearer.decode(), "last-event-id": last_seen}
        stream = await Stream(app, DEVICES, headers).open()
        assert stream.text.count("event: revision") == told, last_seen
        await stream.leave()


async def test_nobody_listens_without_a_good_token(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    device = await server.device()
    for headers, workspace, code in (
        ({}, WORKSPACE, "token_missing"),
        ({"authorization": "Bearer x.y.z"}, WORKSPACE, "token_invalid"),
        ({"authorization": device.bearer.decode()}, OTHER_WORKSPACE, "token_invalid"),
    ):
        stream = await Stream(app, DEVICES, headers, workspace).open()
        assert (stream.status, stream.code) == (401, code)
    for headers, code in (({}, "not_signed_in"), ({"authorization": device.bearer.decode()}, "session_ended")):
        stream = await Stream(app, CONSOLE, headers).open()
        assert (stream.status, stream.code) == (401, code)


async def test_a_stream_ends_with_the_right_to_listen(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    device = await server.device()
    signed_out = await Stream(app, DEVICES, {"authorization": device.bearer.decode()}).open()
    hub = hub_of(server.core)
    await hub.beat()
    await signed_out.until(lambda: signed_out.text.endswith(HEARTBEAT.decode()))
    await device.sign_in("+8613800000001")
    await server.core.replica.poll()
    await hub.beat()
    assert await signed_out.ends()
    assert 'event: end\ndata: {"reason":"session_revoked"}' in signed_out.text
    expired = await of_device(server, app)
    server.clock.now_ms += 600_000
    await hub.beat()
    assert await expired.ends()
    assert '"reason":"token_expired"' in expired.text


async def test_a_client_that_does_not_keep_up_is_cut(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    slow, quick = await of_device(server, app), await of_device(server, app)
    slow.is_reading.clear()
    hub = hub_of(server.core)
    for number in range(MAX_WAITING + 2):
        hub.publish(WORKSPACE, Audience.DEVICES, "notice", {"n": number})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not await slow.ends(), "its connection is cut in the middle"
    await quick.hears(f'"n":{MAX_WAITING + 1}')
    assert len(hub) == 1
    await quick.leave()


async def test_a_client_that_does_not_even_take_heartbeats_is_cut(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    stuck = await of_device(server, app)
    stuck.is_reading.clear()
    hub = hub_of(server.core)
    for _ in range(3):
        await hub.beat()
        await asyncio.sleep(0)
    assert not await stuck.ends()
    assert len(hub) == 0


async def test_one_device_has_few_streams(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    device = await server.device()
    headers = {"authorization": device.bearer.decode()}
    streams = [await Stream(app, DEVICES, headers).open() for _ in range(MAX_PER_OWNER + 1)]
    assert await streams[0].ends()
    assert '"reason":"replaced"' in streams[0].text
    assert len(hub_of(server.core)) == MAX_PER_OWNER
    for stream in streams[1:]:
        await stream.leave()


async def test_a_full_server_says_so(served: tuple[TestServer, ASGIApp], monkeypatch: pytest.MonkeyPatch) -> None:
    server, app = served
    monkeypatch.setattr(hub_module, "MAX_LISTENERS", 0)
    stream = await of_device(server, app)
    assert (stream.status, stream.code) == (503, "live_full")


async def test_a_crowd_of_one_bank_leaves_room_for_people_and_for_other_banks(
    served: tuple[TestServer, ASGIApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, app = served
    monkeypatch.setattr(hub_module, "MAX_LISTENERS", 6)
    monkeypatch.setattr(hub_module, "KEPT_FOR_PEOPLE", 2)
    crowd = [await of_device(server, app) for _ in range(4)]
    assert [stream.status for stream in crowd] == [200, 200, 200, 503]  # three quarters of four
    hub = hub_of(server.core)
    others = [listener_of(OTHER_WORKSPACE, str(number)) for number in range(2)]
    hub.add(Audience.DEVICES, others[0])
    with pytest.raises(LiveFull):
        hub.add(Audience.DEVICES, others[1])
    people = [listener_of(WORKSPACE, f"person {number}") for number in range(2)]
    for person in people:
        hub.add(Audience.CONSOLE, person)
    with pytest.raises(LiveFull):
        hub.add(Audience.CONSOLE, listener_of(OTHER_WORKSPACE, "one more"))
    for audience, listener in ((Audience.DEVICES, others[0]), *((Audience.CONSOLE, each) for each in people)):
        hub.remove(audience, listener)
    for stream in crowd[:3]:
        await stream.leave()
    assert len(hub) == 0


def listener_of(workspace_id: str, owner: str) -> Listener:
    async def check() -> None:
        return None

    return Listener(workspace_id, owner, check, everything)


async def test_a_stopping_server_ends_all_streams_at_once(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    stream = await of_device(server, app)
    for action in server.core.on_stop:
        action()
    assert await stream.ends()
    assert '"reason":"stopping"' in stream.text
    late = await of_device(server, app)
    assert late.status == 503


async def test_a_thousand_listeners_share_one_encoding(served: tuple[TestServer, ASGIApp]) -> None:
    server, _app = served
    hub = hub_of(server.core)

    async def may() -> None:
        return

    listeners = [Listener(WORKSPACE, f"dev{number}", may, everything) for number in range(1000)]
    for listener in listeners:
        hub.add(Audience.DEVICES, listener)
    hub.publish(WORKSPACE, Audience.DEVICES, "notice", {"text": "hello"})
    got = [await listener.next() for listener in listeners]
    assert got == [b'event: notice\ndata: {"text":"hello"}\n\n'] * 1000
    assert len({id(each._waiting) for each in listeners}) == 1000
    for listener in listeners:
        hub.remove(Audience.DEVICES, listener)
    assert (len(hub), hub._listeners, hub._owners) == (0, {}, {})


async def test_people_hear_what_changed_and_only_what_is_theirs(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    core = server.core
    streams = {}
    for role in ("reviewer", "publisher"):
        person = await person_with(core, WORKSPACE, role)
        streams[role] = await Stream(app, CONSOLE, await bearer_for(core, WORKSPACE, person)).open()
    outsider = await person_with(core, OTHER_WORKSPACE, "admin")
    foreign = await Stream(app, CONSOLE, await bearer_for(core, OTHER_WORKSPACE, outsider), OTHER_WORKSPACE).open()
    async with core.store.workspace(WORKSPACE).write() as tx:
        for action in ("change.propose", "change.approve", "version.submit"):
            await record(tx, system_actor("test"), action, target="x", now_ms=1)
    publish(core, WORKSPACE, "notice", {"text": "hello"})
    for stream in streams.values():
        await stream.hears('"area":"version"')
    await streams["reviewer"].hears("event: notice")
    assert streams["reviewer"].text.count('"area":"change"') == 1, "the same thing once for each transaction"
    assert '"area":"change"' not in streams["publisher"].text
    assert "notice" not in streams["publisher"].text
    assert "changed" not in foreign.text
    for stream in (*streams.values(), foreign):
        await stream.leave()


async def test_what_was_rolled_back_is_not_told(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    person = await person_with(server.core, WORKSPACE, "reviewer")
    stream = await Stream(app, CONSOLE, await bearer_for(server.core, WORKSPACE, person)).open()

    async def fail() -> None:
        async with server.core.store.workspace(WORKSPACE).write() as tx:
            await record(tx, system_actor("test"), "change.propose", target="x", now_ms=1)
            raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        await fail()
    publish(server.core, WORKSPACE, "notice", {})
    await stream.hears("event: notice")
    assert "changed" not in stream.text
    await stream.leave()


async def test_a_page_of_another_site_does_not_listen_by_the_cookie(served: tuple[TestServer, ASGIApp]) -> None:
    server, app = served
    person = await person_with(server.core, WORKSPACE, "reviewer")
    secret = (await bearer_for(server.core, WORKSPACE, person))["authorization"].removeprefix("Bearer ")
    cookie = {"cookie": f"{cookie_name(WORKSPACE)}={secret}"}
    foreign = await Stream(app, CONSOLE, {**cookie, "sec-fetch-site": "cross-site"}).open()
    assert (foreign.status, foreign.code) == (403, "foreign_origin")
    own = await Stream(app, CONSOLE, {**cookie, "sec-fetch-site": "same-origin"}).open()
    assert own.status == 200
    await own.leave()
