"""Editions of a switch given by releases: in stages, to the same devices, until they stop or become everybody's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_client import Stream
from msgspec.structs import replace
from switch_scene import EVERYONE, Scene, scene, switch, tier_from
from test_switches_rules import SALT, audiences, definitions, subjects
from value_releases import act, draft, release, stages, synced

from sampan.platform.app import build_app
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import Bucketing, compile_rule
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.release.decide import Candidate
from sampan.platform.release.looks import look_job
from sampan.platform.switches.compiled import Rollout, SwitchesPart
from sampan.platform.switches.definition import Definition, to_text
from sampan.platform.switches.proposals import _is_everyone
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import Clock, TestDevice
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
KIND = "switch"
MINUTE_MS = 60_000
ON: dict[str, Any] = {"rules": [{"audience": EVERYONE, "variant": "on"}]}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


async def proposed(desk: Scene, key: str = "new-look", *, edition: int, **changes: Any) -> int:
    body = {"definition": switch(key, **changes), "edition": edition}
    return int((await desk.done("POST", f"/switches/{key}/proposals", body))["edition"])


async def on_for_all(desk: Scene) -> int:
    """Serve the switch, off for everyone, and propose to turn it on; return the proposed edition."""
    await desk.activate(switch())
    edition = (await desk.done("GET", "/switches/new-look"))["edition"]
    return await proposed(desk, edition=edition, **ON)


async def values(desk: Scene, devices: list[TestDevice]) -> list[Any]:
    return [await desk.value(device) for device in devices]


async def bulk(desk: Scene, device: TestDevice, **headers: str) -> Any:
    return await desk.ask(device, {"targetingKey": "k"}, **headers)


async def looked_at(desk: Scene, *, minutes: int) -> None:
    """Let time pass and the jobs of releases run."""
    core = desk.server.core
    assert isinstance(core.now_ms, Clock)
    core.now_ms.now_ms += minutes * MINUTE_MS
    runner = build_job_runner(core.store, [look_job(core)], now_ms=core.now_ms)
    await runner.poll()
    await runner.idle()
    await core.replica.poll()


async def refused(desk: Scene, method: str, path: str, body: Any) -> tuple[int, str]:
    answer = await desk.call(method, path, body)
    return answer.status_code, answer.json()["code"]


async def test_nobody_gets_what_is_only_proposed(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    assert await desk.value(device) is False
    (found,) = (await desk.done("GET", "/switches/new-look/proposals"))["items"]
    assert (found["edition"], [line["en"] for line in found["diff"]]) == (edition, ["Rule 1"])
    history = (await desk.done("GET", "/switches/new-look/history"))["items"]
    assert edition not in [each["edition"] for each in history]


async def test_a_share_of_devices_gets_it_the_same_ones_at_every_stage(desk: Scene) -> None:
    edition = await on_for_all(desk)
    devices = [await desk.server.device() for _ in range(40)]
    made = await release(desk, KIND, "new-look", edition, stages=stages(2500, 6000, 10_000))
    first = await values(desk, devices)
    assert 0 < sum(first) < 40
    assert await values(desk, devices) == first
    await act(desk, made, "move-on")
    second = await values(desk, devices)
    assert all(late for early, late in zip(first, second, strict=True) if early)
    assert sum(first) < sum(second) < 40
    await act(desk, made, "move-on")
    assert await values(desk, devices) == [True] * 40
    await act(desk, made, "narrow")
    assert await values(desk, devices) == second


async def test_all_at_once_and_one_by_one_are_the_same(desk: Scene) -> None:
    edition = await on_for_all(desk)
    await release(desk, KIND, "new-look", edition, stages=stages(5000, 10_000))
    for device in [await desk.server.device() for _ in range(12)]:
        (flag,) = (await bulk(desk, device)).json()["flags"]
        assert flag == (await desk.ask(device, key="new-look")).json()


@pytest.mark.parametrize("verb", ["stop", "pause"])
async def test_stopping_puts_everybody_back(desk: Scene, verb: str) -> None:
    edition = await on_for_all(desk)
    devices = [await desk.server.device() for _ in range(3)]
    made = await release(desk, KIND, "new-look", edition)
    assert await values(desk, devices) == [True] * 3
    await act(desk, made, verb)
    assert await values(desk, devices) == [False] * 3
    assert (await desk.done("GET", "/switches/new-look"))["edition"] < edition


async def test_the_etag_and_the_news_change_with_a_release(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    before, member = await bulk(desk, device), (await synced(device))["switches_etag"]
    made = await release(desk, KIND, "new-look", edition)
    during = await bulk(desk, device, **{"if-none-match": before.headers["etag"]})
    assert during.status_code == 200
    assert (await synced(device))["switches_etag"] != member
    await act(desk, made, "stop")
    after = await bulk(desk, device, **{"if-none-match": during.headers["etag"]})
    assert after.headers["etag"] == before.headers["etag"]
    assert (await synced(device))["switches_etag"] == member


async def test_whom_a_release_does_not_mean_keeps_their_etag(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    before = await bulk(desk, device)
    await release(desk, KIND, "new-look", edition, audience=tier_from("full"))
    assert (await bulk(desk, device, **{"if-none-match": before.headers["etag"]})).status_code == 304


async def test_completion_for_everyone_makes_it_the_active_edition(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    made = await release(desk, KIND, "new-look", edition, stages=stages(100, 10_000))
    await act(desk, made, "move-on")
    await act(desk, made, "complete")
    served = await desk.done("GET", "/switches/new-look")
    assert (served["edition"], served["definition"]["rules"]) == (edition, ON["rules"])
    assert await desk.value(device) is True
    newest = (await desk.done("GET", "/switches/new-look/history"))["items"][0]
    assert (newest["edition"], newest["state"], made in newest["cause"]) == (edition, "active", True)
    await act(desk, made, "stop")  # it is everybody's now: only rolling back or a change takes it away
    assert await desk.value(device) is True


async def test_completion_for_some_leaves_the_others_as_they_are(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    made = await release(desk, KIND, "new-look", edition, audience=tier_from("full"))
    await act(desk, made, "complete")
    assert (await desk.done("GET", "/switches/new-look"))["edition"] < edition
    assert await desk.value(device) is False


async def test_rolling_back_serves_the_target_again(desk: Scene) -> None:
    edition = await on_for_all(desk)
    before = (await desk.done("GET", "/switches/new-look"))["edition"]
    device = await desk.server.device()
    made = await release(desk, KIND, "new-look", edition, rollback_to=before)
    await act(desk, made, "complete")
    assert await desk.value(device) is True
    assert (await act(desk, made, "rollback"))["state"] == "rolled_back"
    assert await desk.value(device) is False
    served = await desk.done("GET", "/switches/new-look")
    assert (served["edition"], served["definition"]["rules"]) == (edition + 1, [])


async def test_rolling_back_before_completion_changes_no_edition(desk: Scene) -> None:
    edition = await on_for_all(desk)
    before = (await desk.done("GET", "/switches/new-look"))["edition"]
    device = await desk.server.device()
    made = await release(desk, KIND, "new-look", edition, rollback_to=before)
    await act(desk, made, "rollback")
    assert await desk.value(device) is False
    assert (await desk.done("GET", "/switches/new-look"))["edition"] == before


async def test_turning_off_wins_over_a_release_and_stops_it(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    made = await release(desk, KIND, "new-look", edition)
    assert await desk.value(device) is True
    await desk.done("POST", "/switches/new-look/off", {"cause": "wrong"})
    assert await desk.value(device) is False
    assert (await desk.done("GET", f"/releases/{made}"))["state"] == "stopped"


async def test_turning_off_stops_a_release_that_waits_for_its_schedule(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    opens_ms = desk.server.core.now_ms() + MINUTE_MS
    made = await release(desk, KIND, "new-look", edition, schedule={"not_before_ms": opens_ms})
    await desk.done("POST", "/switches/new-look/off", {"cause": "wrong"})
    await looked_at(desk, minutes=2)
    assert await desk.value(device) is False
    assert (await desk.done("GET", f"/releases/{made}"))["state"] == "stopped"


async def test_a_waiting_release_that_its_kind_refuses_by_then_is_stopped_with_the_sentence(desk: Scene) -> None:
    edition = await on_for_all(desk)
    opens_ms = desk.server.core.now_ms() + MINUTE_MS
    waits = await release(desk, KIND, "new-look", edition, schedule={"not_before_ms": opens_ms})
    served = (await desk.done("GET", "/switches/new-look"))["edition"]
    newer = await proposed(desk, edition=served, rules=[{"audience": tier_from("full"), "variant": "on"}])
    await act(desk, await release(desk, KIND, "new-look", newer), "complete")
    await looked_at(desk, minutes=2)
    found = await desk.done("GET", f"/releases/{waits}")
    assert found["state"] == "stopped"
    assert f"Edition {edition} is not newer than edition {newer}" in found["cause"]


async def test_who_is_erased_is_forgotten_by_what_releases_of_switches_serve(desk: Scene) -> None:
    admin = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "admin"))
    body = {"bank_reference": "CIF-1", "tier": "full", "personal": {}}
    gone = (await desk.call("POST", "/customers", body, as_=admin)).json()["id"]
    edition = await on_for_all(desk)
    await release(desk, KIND, "new-look", edition, audience={"attr": "customer", "op": "in", "values": [gone]})

    def seal() -> str:
        return str(desk.core.replica.view(WORKSPACE).parts["switches"].seal)

    before = seal()
    assert (await desk.call("POST", f"/customers/{gone}/erase", as_=admin)).status_code == 200
    await desk.core.replica.poll()
    assert seal() != before, "it was compiled anew, without the customer"


def test_a_choice_of_no_rules_is_nobody() -> None:
    """Completion of such a release must not serve the edition to everybody."""
    assert not _is_everyone({"any": []})
    assert not _is_everyone({"all": [{"any": []}]})
    assert _is_everyone({"any": [EVERYONE]})


async def test_the_newest_edition_wins_among_releases(desk: Scene) -> None:
    first = await on_for_all(desk)
    second = await proposed(desk, edition=first - 1, default="on")
    full, device = tier_from("full"), await desk.server.device()
    await release(desk, KIND, "new-look", second, audience=full)
    newer = await release(desk, KIND, "new-look", first, audience={"not": full})
    assert await desk.value(device) is True
    await act(desk, newer, "stop")
    assert await desk.value(device) is False


async def test_what_is_served_or_older_is_not_released(desk: Scene) -> None:
    edition = await on_for_all(desk)
    body = {"kind": KIND, "id": "new-look", "sequence": edition - 1, "audience": EVERYONE}
    assert await refused(desk, "POST", "/releases", body) == (409, "not_releasable")
    waiting = await draft(desk, KIND, "new-look", edition)
    submitted = await desk.done("POST", f"/releases/{waiting['id']}/submit", {"cause": ""})
    change = {"definition": switch(title="Renamed"), "edition": edition - 1}
    assert (await desk.done("PUT", "/switches/new-look", change))["edition"] == edition + 1
    answer = await desk.call(
        "POST", f"/changes/{submitted['change']}/approve", {"digest": submitted["digest"]}, as_=desk.checker
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_releasable")


async def test_a_draft_is_not_proposed_and_nothing_twice(desk: Scene) -> None:
    await desk.done("POST", "/switches", {"definition": switch()})
    body = {"definition": switch(**ON), "edition": 1}
    assert await refused(desk, "POST", "/switches/new-look/proposals", body) == (409, "wrong_switch_state")
    await desk.approve(await desk.done("POST", "/switches/new-look/activate", {"cause": ""}))
    assert await refused(desk, "POST", "/switches/new-look/proposals", body) == (409, "switch_moved")
    same = {"definition": switch(), "edition": 2}
    assert await refused(desk, "POST", "/switches/new-look/proposals", same) == (422, "bad_switch")


async def test_gates_and_kills_of_values_are_refused(desk: Scene) -> None:
    edition = await on_for_all(desk)
    plan = [{"name": "all", "basis_points": 10_000, "gate": {"ratio_percent": 200}}]
    body = {"kind": KIND, "id": "new-look", "sequence": edition, "audience": EVERYONE, "stages": plan}
    assert await refused(desk, "POST", "/releases", body) == (422, "gate_impossible")
    kill = {"kind": KIND, "id": "new-look", "sequence": edition, "reason": "unsafe", "cause": "x"}
    assert await refused(desk, "POST", "/kills", kill) == (409, "not_killable")


async def test_the_approver_reads_what_differs(desk: Scene) -> None:
    edition = await on_for_all(desk)
    made = await draft(desk, KIND, "new-look", edition)
    submitted = await desk.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    diff = (await desk.done("GET", f"/changes/{submitted['change']}"))["diff"]
    (line,) = [each for each in diff if each["en"] == "Rule 1"]
    assert line["after_words"] == {"zh": "所有人：on", "en": "everyone: on"}


async def test_explain_says_which_release_decides(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    made = await release(desk, KIND, "new-look", edition)
    body = {"device": device.tokens["device"], "reason": "a call"}
    found = await desk.done("POST", "/switches/new-look/explain", body)
    assert (found["value"], found["edition"]) == (True, edition)
    (told,) = found["releases"]
    assert (told["release"], told["reason"], told["edition"]) == (made, "matched", edition)
    await act(desk, made, "stop")
    found = await desk.done("POST", "/switches/new-look/explain", body)
    assert (found["value"], found["edition"], found["releases"]) == (False, edition - 1, [])


async def test_open_streams_hear_of_a_release_and_of_its_end(desk: Scene) -> None:
    edition = await on_for_all(desk)
    device = await desk.server.device()
    (news,) = (await desk.ask(device)).json()["eventStreams"]
    stream = await Stream(build_app(desk.core), news["endpoint"]["requestUri"], {}, WORKSPACE).open()
    made = await release(desk, KIND, "new-look", edition)
    await stream.until(lambda: stream.text.count("data: ") == 2)  # the first says how things stand
    await act(desk, made, "stop")
    await stream.until(lambda: stream.text.count("data: ") == 3)
    await stream.leave()


def candidate(number: int, audience: dict[str, Any], client_app: str | None) -> tuple[Candidate, str]:
    rule = compile_rule(audience, Bucketing(f"rel_{number}"))
    made = Candidate(f"rel_{number}", number, str(number), "sha256:0", 0, "", "async", 0, client_app, rule)
    return made, canonical_json(audience).decode()


apps = st.sampled_from([None, "retail", "other"])


@given(
    definitions,
    st.lists(st.tuples(definitions, audiences, apps), max_size=3),
    st.lists(st.tuples(subjects, st.sampled_from(["", "retail", "web"])), min_size=10, max_size=20),
)
def test_plans_and_single_answers_agree(
    served: Definition,
    released: list[tuple[Definition, dict[str, Any], str | None]],
    people: list[tuple[Facts, str]],
) -> None:
    rollouts = [
        Rollout(*candidate(n, audience, app), to_text(definition))
        for n, (definition, audience, app) in enumerate(released, start=2)
    ]
    part = SwitchesPart([(to_text(served), SALT)], {"k": rollouts})
    for someone, app in people:
        facts = replace(someone, client_app=app)
        pieces, _seal = part.plan(facts).answer(facts)
        assert b"".join(pieces) == part.by_key["k"].answer(facts).body


def test_the_seal_is_the_same_in_every_process_and_another_for_another_stage() -> None:
    made = [Rollout(*candidate(2, {"attr": "percentage", "op": "below", "values": [n]}, None), "t") for n in (1, 2)]
    one, again, other = (SwitchesPart([], {"k": [each]}).seal for each in (made[0], made[0], made[1]))
    assert one == again != other


async def test_the_apps_that_may_read_a_switch_stand_in_its_answer(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.activate(switch(apps=["bank.demo.b", "bank.demo.a", "bank.demo.a"]), switch("plain"))
    flags = {each["key"]: each for each in (await bulk(desk, device)).json()["flags"]}
    assert flags["new-look"]["metadata"] == {"apps": "bank.demo.a bank.demo.b"}
    assert "metadata" not in flags["plain"]


@pytest.mark.parametrize("apps", [["*", "bank.demo.a"], ["no id"], "*", [3]])
async def test_readers_are_app_ids_or_every_one(desk: Scene, apps: Any) -> None:
    body = {"definition": switch(apps=apps)}
    assert await refused(desk, "POST", "/switches", body) == (422, "bad_switch")


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [([], ["bank.demo.a"], True), (["bank.demo.a"], [], False), (["*"], ["bank.demo.a"], False), ([], ["*"], True)],
)
async def test_more_readers_wait_for_a_second_person(
    desk: Scene, before: list[str], after: list[str], waits: bool
) -> None:
    await desk.activate(switch(apps=before))
    served = (await desk.done("GET", "/switches/new-look"))["edition"]
    outcome = await desk.done("PUT", "/switches/new-look", {"definition": switch(apps=after), "edition": served})
    assert (outcome["change"] is not None) is waits
