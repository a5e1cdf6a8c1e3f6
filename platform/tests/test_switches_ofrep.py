"""Switches as clients get them over OFREP 0.3.0: values, ETags, refusals, who may ask for whom, news."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from live_client import Stream
from switch_scene import BULK, EVERYONE, Scene, scene, switch, tier_from

from sampan.platform.app import build_app
from sampan.platform.engines.log import Cursor
from sampan.platform.live import hub_of
from sampan.platform.live.frames import HEARTBEAT
from sampan.platform.switches import ofrep
from sampan.platform.switches.listening import DAY_MS
from sampan.platform.switches.ofrep import EVENTS
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.workspaces.replica import Replica, WorkspaceView

pytestmark = pytest.mark.anyio
PHONE = "+8613800000009"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


def for_tier(tier: str, variant: str = "on") -> list[dict[str, Any]]:
    return [{"audience": tier_from(tier), "variant": variant}]


async def customer(desk: Scene, tier: str) -> str:
    """Register a customer and return the id."""
    body = {"bank_reference": f"ref-{tier}", "tier": tier, "personal": {"name": "N", "phone": PHONE}}
    return str((await desk.done("POST", "/customers", body))["id"])


async def test_every_type_arrives_as_itself_with_its_variant_and_reason(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.activate(
        switch("a-boolean", rules=[{"audience": EVERYONE, "variant": "on"}]),
        switch("b-string", type="string", variants={"x": "纸 “quoted”", "off": ""}, default="x"),
        switch("c-integer", type="integer", variants={"x": 3, "off": 0}, default="x"),
        switch("d-float", type="float", variants={"x": 1, "off": 0.5}, default="x"),
        switch("e-object", type="object", variants={"x": {"n": 1.0, "list": [1, None]}, "off": {}}, default="x"),
        switch("f-split", rules=[{"audience": EVERYONE, "split": [{"variant": "on", "share": 10_000}]}]),
        switch("g-none", rules=for_tier("full")),
    )
    answer = await desk.ask(device)
    flags = {each["key"]: each for each in answer.json()["flags"]}
    assert list(flags) == sorted(flags)
    seen = {key: (each["reason"], each["variant"]) for key, each in flags.items()}
    assert seen == {
        "a-boolean": ("TARGETING_MATCH", "on"),
        "b-string": ("STATIC", "x"),
        "c-integer": ("STATIC", "x"),
        "d-float": ("STATIC", "x"),
        "e-object": ("STATIC", "x"),
        "f-split": ("SPLIT", "on"),
        "g-none": ("DEFAULT", "off"),
    }
    assert '"value":1.0}' in answer.text
    assert '{"n":1.0,"list":[1,null]}' in answer.text or '"list":[1,null],"n":1.0' in answer.text
    assert flags["b-string"]["value"] == "纸 “quoted”"
    for key, each in flags.items():
        assert (await desk.ask(device, key=key)).json() == each


async def test_the_etag_seals_targeting_key_and_results_and_nothing_else(desk: Scene) -> None:
    device = await desk.server.device()
    await customer(desk, "full")
    await desk.activate(switch(rules=for_tier("registered")))
    first = await desk.ask(device, {"targetingKey": "me"})
    etag = first.headers["etag"]
    same = await desk.ask(device, {"targetingKey": "me"}, **{"if-none-match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    other = await desk.ask(device, {"targetingKey": "you"}, **{"if-none-match": etag})
    assert other.status_code == 200
    await desk.activate(switch("second"))
    assert (await desk.ask(device, {"targetingKey": "me"}, **{"if-none-match": etag})).status_code == 200
    etag = (await desk.ask(device, {"targetingKey": "me"})).headers["etag"]
    await desk.done("POST", "/switches", {"definition": switch("draft")})  # a revision that changes no result
    assert (await desk.ask(device, {"targetingKey": "me"}, **{"if-none-match": etag})).status_code == 304
    await device.sign_in(PHONE)  # the same key, another tier
    await desk.core.replica.poll()
    signed_in = await desk.ask(device, {"targetingKey": "me"}, **{"if-none-match": etag})
    assert signed_in.status_code == 200
    assert signed_in.json()["flags"][0]["value"] is True


async def test_a_client_claims_what_it_may_and_never_its_tier(desk: Scene) -> None:
    device = await desk.server.device()
    rule = {"attr": "app_version", "op": "at_least", "values": ["5.1"]}
    await desk.activate(
        switch(rules=for_tier("registered")), switch("version", rules=[{"audience": rule, "variant": "on"}])
    )
    lies = {"tier": "full", "customer": "cus_1", "subject": 1, "targetingKey": "cus_1", "tags": ["vip"]}
    assert await desk.value(device, lies) is False
    assert await desk.value(device, {"app_version": "5.2.0"}, "version") is True
    assert await desk.value(device, {"app_version": "5.0.9"}, "version") is False
    assert await desk.value(device, {}, "version") is False


async def test_plans_agree_with_rules_however_often_a_class_is_seen(desk: Scene) -> None:
    device = await desk.server.device()
    rules = [
        {"audience": {"attr": "platform", "op": "in", "values": ["ios"]}, "variant": "on"},
        {
            "audience": {"not": {"attr": "model", "op": "starts_with", "values": ["pixel"]}},
            "split": [{"variant": "on", "share": 5000}],
        },
    ]
    await desk.activate(switch(rules=rules), switch("second", rules=rules[::-1]), switch("third"))
    contexts = [{"platform": p, "model": m} for p in ("ios", "android") for m in ("Pixel 8", "Mate 60", "")]
    for context in contexts * 3:
        bulk = {each["key"]: each for each in (await desk.ask(device, context)).json()["flags"]}
        for key, each in bulk.items():
            assert (await desk.ask(device, context, key)).json() == each


async def test_a_stranger_does_not_make_the_server_look_for_news(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[Cursor]()
    catch_up = Replica.catch_up

    async def noted(self: Replica, workspace_id: str, seen: Cursor) -> WorkspaceView:
        looked.append(seen)
        return await catch_up(self, workspace_id, seen)

    monkeypatch.setattr(Replica, "catch_up", noted)
    device = await desk.server.device()
    looked.clear()
    ahead = f"{BULK}?flagConfigEtag=9999999999.1"
    stranger = await desk.server.http.post(ahead, json={}, headers={"authorization": "Bearer a.b.c"})
    assert (stranger.status_code, looked) == (401, [])
    known = await desk.server.http.post(ahead, json={}, headers={"authorization": device.bearer.decode()})
    assert (known.status_code, looked) == (200, [Cursor(9999999999, 1)])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b"\xff", "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": []}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 5}}', "INVALID_CONTEXT"),
        (b'{"context": {"platform": ["ios"]}}', "INVALID_CONTEXT"),
        (b'{"context": {"model": "%b"}}' % (b"m" * 201), "INVALID_CONTEXT"),
        (b"[" * 3000, "INVALID_CONTEXT"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_the_protocols_form(desk: Scene, body: bytes, code: str) -> None:
    device = await desk.server.device()
    headers = {"authorization": device.bearer.decode(), "content-type": "application/json"}
    bulk = await desk.server.http.post(BULK, content=body, headers=headers)
    single = await desk.server.http.post(f"{BULK}/some.key", content=body, headers=headers)
    assert (bulk.status_code, single.status_code) == (400, 400)
    assert (bulk.json()["errorCode"], single.json()["errorCode"], single.json()["key"]) == (code, code, "some.key")
    assert bulk.json()["errorDetails"]
    assert single.json()["errorDetails"]


async def test_refusals_have_the_status_that_clients_expect(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await desk.server.device()
    missing = await desk.ask(device, key="no-such")
    assert missing.status_code == 404
    assert {**missing.json(), "errorDetails": ""} == {
        "key": "no-such",
        "errorCode": "FLAG_NOT_FOUND",
        "errorDetails": "",
    }
    metrics = (await desk.server.http.get("/metrics")).text
    assert f'"{BULK}/{{}}"' in metrics
    assert "no-such" not in metrics
    nobody = await desk.server.http.post(BULK, json={})
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    large = await desk.ask(device, {"x": "y" * ofrep.MAX_BODY_BYTES})
    assert large.status_code == 413
    elsewhere = await desk.server.http.post(f"/w/nobodys{BULK}", json={}, headers={"authorization": "Bearer x"})
    assert elsewhere.json()["errorDetails"]
    monkeypatch.setattr(ofrep, "PER_DEVICE", 3)
    statuses = [(await desk.ask(device)).status_code for _ in range(4)]
    assert statuses.count(429) >= 1
    limited = await desk.ask(device)
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert limited.json()["errorDetails"]
    other = await desk.server.device()
    assert (await desk.ask(other)).status_code == 200
    desk.server.clock.now_ms += ofrep.WINDOW_MS
    assert (await desk.ask(device)).status_code == 200


async def test_a_failure_of_ours_has_error_details_too(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await desk.server.device()

    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ofrep, "_context", fail)
    answer = await desk.ask(device)
    assert (answer.status_code, set(answer.json())) == (500, {"errorCode", "errorDetails"})


async def ask_as(desk: Scene, secret: str, context: dict[str, Any], *, header: str = "x-api-key") -> httpx2.Response:
    value = f"Bearer {secret}" if header == "authorization" else secret
    return await desk.server.http.post(f"{BULK}/new-look", json={"context": context}, headers={header: value})


async def test_a_back_end_asks_for_anybody_with_the_right_to(desk: Scene) -> None:
    full = await customer(desk, "full")
    device = await desk.server.device()
    await desk.activate(switch(rules=for_tier("full")))
    secret = await desk.machine("evaluate:any")
    for header in ("x-api-key", "authorization"):
        assert (await ask_as(desk, secret, {"targetingKey": full}, header=header)).json()["value"] is True
    visitor = await ask_as(desk, secret, {"targetingKey": device.tokens["device"], "tier": "full"})
    assert visitor.json()["value"] is False
    assert (await ask_as(desk, secret, {"targetingKey": "their-own-key"})).json()["value"] is False
    nameless = await ask_as(desk, secret, {})
    assert (nameless.status_code, nameless.json()["errorCode"]) == (400, "TARGETING_KEY_MISSING")
    unknown = await ask_as(desk, secret, {"targetingKey": f"cus_{'0' * 32}"})
    assert (unknown.status_code, unknown.json()["errorCode"]) == (400, "INVALID_CONTEXT")
    desk.server.clock.now_ms += 2000
    await desk.done("PUT", f"/customers/{full}/tier", {"tier": "registered", "reason": "moved"})
    assert (await ask_as(desk, secret, {"targetingKey": full})).json()["value"] is False


async def test_a_token_without_the_right_names_nobody(desk: Scene, caplog: pytest.LogCaptureFixture) -> None:
    await desk.activate(switch())
    reader = await desk.machine("switch:read")
    assert (await ask_as(desk, reader, {"targetingKey": "a"})).status_code == 403
    assert "refused" in caplog.text
    secret = await desk.machine("evaluate:any")
    assert (await ask_as(desk, secret, {"targetingKey": "a"})).status_code == 200
    tokens = (await desk.done("GET", "/tokens"))["items"]
    for each in tokens:
        await desk.call("DELETE", f"/tokens/{each['id']}")
    desk.server.clock.now_ms += 1000
    assert (await ask_as(desk, secret, {"targetingKey": "a"})).status_code == 401
    assert (await ask_as(desk, "spm_none", {"targetingKey": "a"})).status_code == 401
    assert (await ask_as(desk, "other", {"targetingKey": "a"})).status_code == 401


async def test_a_page_of_any_origin_may_ask(desk: Scene) -> None:
    device = await desk.server.device()
    wanted = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    for path in (BULK, f"{BULK}/any"):
        answer = await desk.server.http.options(path, headers=wanted)
        assert answer.status_code == 204
        allowed = answer.headers["access-control-allow-headers"]
        assert {"authorization", "content-type", "if-none-match"} <= set(allowed.split(", "))
    given = await desk.ask(device, origin="https://shop.example")
    assert (given.headers["access-control-allow-origin"], "etag" in given.headers) == ("*", True)


def listen_at(answer: httpx2.Response) -> str:
    (stream,) = answer.json()["eventStreams"]
    assert stream["type"] == "sse"
    uri: str = stream["endpoint"]["requestUri"]
    return uri


async def listen(desk: Scene, uri: str, workspace: str = WORKSPACE, **headers: str) -> Stream:
    return await Stream(build_app(desk.core), uri, headers, workspace).open()


def news(stream: Stream) -> list[Any]:
    return [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]


async def test_listeners_hear_of_switches_and_of_nothing_else(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.activate(switch())
    stream = await listen(desk, listen_at(await desk.ask(device)))
    assert stream.status == 200
    assert "event:" not in stream.text  # the stock client hears plain messages alone
    (present,) = news(stream)
    assert present["type"] == "refetchEvaluation"
    await desk.done("POST", "/switches", {"definition": switch("draft")})
    await desk.activate(switch("second"))
    await stream.until(lambda: len(news(stream)) == 2)
    await hub_of(desk.core).beat()
    await stream.hears(HEARTBEAT.decode())
    told = news(stream)[1]["etag"]
    assert told == str(desk.core.replica.view(WORKSPACE).revision)
    behind = await desk.server.http.post(
        f"{BULK}?flagConfigEtag={told}", json={}, headers={"authorization": device.bearer.decode()}
    )
    assert len(behind.json()["flags"]) == 2
    event_id = next(line[4:] for line in reversed(stream.text.splitlines()) if line.startswith("id: "))
    again = await listen(desk, listen_at(await desk.ask(device)), **{"last-event-id": event_id})
    assert news(again) == []
    for each in (stream, again):
        await each.leave()


async def test_a_listen_key_holds_for_its_day_the_next_and_its_workspace(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.activate(switch())
    first = await desk.ask(device)
    uri = listen_at(first)
    desk.server.clock.now_ms += DAY_MS
    stream = await listen(desk, uri)
    assert stream.status == 200
    await stream.leave()
    await device.refresh()
    second = await desk.ask(device, {}, "", **{"if-none-match": first.headers["etag"]})
    assert second.status_code == 200, "a new day has a new ETag, so that the client gets a new address"
    assert listen_at(second) != uri
    assert (await desk.server.http.get(f"/w/{OTHER_WORKSPACE}{listen_at(second)}")).status_code == 401
    desk.server.clock.now_ms += DAY_MS
    for wrong in (uri, f"{EVENTS}", f"{EVENTS}?listen=x.y.z", listen_at(second)[:-1] + "g"):
        assert (await desk.server.http.get(wrong)).status_code == 401


async def test_sync_says_when_to_ask_again(desk: Scene) -> None:
    device = await desk.server.device()
    headers = {"authorization": device.bearer.decode()}

    async def etags(etag: str = "") -> tuple[int, str, str]:
        answer = await desk.server.http.post(
            "/client/v1/sync", json={"client_app": "retail"}, headers={**headers, "if-none-match": etag}
        )
        return answer.status_code, answer.headers["etag"], answer.json()["switches_etag"] if answer.content else ""

    _, before, first = await etags()
    soon = desk.server.clock.now_ms + 60_000
    await desk.activate(
        switch(rules=[{"audience": {"attr": "time", "op": "at_least", "values": [soon]}, "variant": "on"}])
    )
    status, before, second = await etags(before)
    assert (status, second == first) == (200, False)
    assert (await etags(before))[0] == 304
    desk.server.clock.now_ms = soon
    await desk.core.replica.poll()
    status, _, third = await etags(before)
    assert (status, third == second) == (200, False)
    assert await desk.value(device) is True


async def test_one_workspace_knows_nothing_of_the_others_switches(desk: Scene) -> None:
    await desk.activate(switch())
    other = await desk.server.device(OTHER_WORKSPACE)
    nothing = await desk.ask(other)
    assert nothing.json()["flags"] == []
    assert listen_at(nothing).startswith(f"/w/{OTHER_WORKSPACE}{EVENTS}?listen=")
    assert (await desk.ask(other, key="new-look")).status_code == 404
    secret = await desk.machine("evaluate:any")
    answer = await desk.server.http.post(
        f"/w/{OTHER_WORKSPACE}{BULK}", json={"context": {"targetingKey": "a"}}, headers={"x-api-key": secret}
    )
    assert answer.status_code == 401
