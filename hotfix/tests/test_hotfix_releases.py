"""Releases of hotfixes: stages, roll-back to a lower one or to the plain version, gates, kills, explain, counts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hotfix_scene import EVERYBODY, Phone, Scene, hotfix_scene

from sampan.platform.insight.intake import intake_of
from sampan.platform.release import looks
from sampan.platform.testing_trust import APP
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
NAME = f"{APP}@1"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


async def state_of(scene: Scene, release_id: str) -> str:
    return str((await scene.done("GET", f"/releases/{release_id}"))["state"])


async def test_rolling_back_to_the_plain_version_takes_one_person_and_no_approved_target(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    release = await scene.give(1)
    await phone.round()
    assert await phone.page() == "one\n"
    targets = (await scene.done("GET", f"/releases/{release}/rollback-targets"))["targets"]
    assert [(each["sequence"], each["version"]) for each in targets] == [(0, "1.1.0")]
    await scene.act(release, "rollback", to=0)
    assert await scene.stacks() == []
    assert await phone.hotfix() is None
    assert await phone.page() == "broken()\n"
    assert await state_of(scene, release) == "rolled_back"
    listed = await scene.done("GET", "/releases", {"deliverable": NAME})
    assert [each["id"] for each in listed["items"]] == [release]


async def test_rolling_back_to_a_lower_hotfix_offers_that_one(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    first = await scene.give(1)
    await scene.act(first, "stop")
    made = await scene.fix({"app.js": b"two\n"}, n=2, on=[1])
    second = await scene.give(2, rollback_to=1)
    await phone.round()
    assert await phone.page() == "two\n"
    await scene.act(second, "rollback")
    told = await phone.hotfix()
    assert told["patches"] == ["1"]
    assert made["digest"] not in {digest for _s, _p, digest in await scene.stacks()}
    await phone.round()
    assert await phone.page() == "one\n"


async def test_a_pause_or_a_stop_takes_nothing_back(scene: Scene) -> None:
    phone, late = await scene.phone(), await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    release = await scene.give(1)
    await phone.round()
    for verb in ("pause", "stop"):
        await scene.act(release, verb)
        assert await late.hotfix() is None
        assert len(await scene.stacks()) == 1
        await phone.round()
        assert await phone.page() == "one\n"


async def test_stages_give_a_hotfix_to_a_share_of_devices(scene: Scene) -> None:
    phones = [await scene.phone() for _ in range(30)]
    await scene.fix({"app.js": b"one\n"}, n=1)
    plan = [{"name": "some", "basis_points": 4000}, {"name": "all", "basis_points": 10_000}]
    release = await scene.give(1, stages=plan)
    some = {n for n, phone in enumerate(phones) if await phone.hotfix()}
    assert 0 < len(some) < 30
    await scene.act(release, "move-on")
    assert [n for n, phone in enumerate(phones) if not await phone.hotfix()] == []


async def test_two_partial_releases_for_the_same_people_are_a_conflict(scene: Scene) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    plan = [{"name": "some", "basis_points": 4000}]
    await scene.give(1, stages=plan)
    draft = {"kind": "hotfix", "id": NAME, "sequence": 1, "audience": {"all": []}, "stages": plan}
    made = await scene.done("POST", "/releases", draft)
    assert await scene.refused("POST", f"/releases/{made['id']}/submit", {"cause": ""}) == (409, "release_conflict")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"sequence": 2}, "not_releasable"),
        ({"id": f"{APP}@9"}, "not_releasable"),
        ({"id": APP}, "not_releasable"),
        ({"cap": {"customers": 10}}, "cap_impossible"),
        ({"client_rules": {"wifi_only": True}}, "bad_client_rules"),
        ({"rollback_to": 1}, "bad_rollback_target"),
    ],
)
async def test_what_a_release_of_a_hotfix_cannot_be(scene: Scene, members: dict[str, Any], code: str) -> None:
    await scene.fix({"app.js": b"one\n"}, n=1)
    draft = {"kind": "hotfix", "id": NAME, "sequence": 1, "audience": {"all": []}, **members}
    assert (await scene.refused("POST", "/releases", draft))[1] == code


async def test_the_approver_reads_what_the_hotfix_is(scene: Scene) -> None:
    made = await scene.fix({"app.js": b"one\n", "info.txt": None}, n=1)
    draft = {"kind": "hotfix", "id": NAME, "sequence": 1, "audience": {"all": []}, "rollback_to": 0}
    release = await scene.done("POST", "/releases", draft)
    asked = await scene.done("POST", f"/releases/{release['id']}/submit", {"cause": ""})
    lines = {line["en"]: line["after"] for line in (await scene.done("GET", f"/changes/{asked['change']}"))["diff"]}
    assert lines["Hotfix"] == "1 fix 1"
    assert lines["Changed files"] == "app.js, info.txt"
    assert lines["Digest of the package that results"] == made["digest"]
    assert lines["Update mode"] == "async"
    assert lines["May be rolled back to"] == "1.1.0 (0)"


async def test_a_kill_withdraws_a_hotfix(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    release = await scene.give(1)
    await scene.act(release, "pause")
    kill = {"kind": "hotfix", "id": NAME, "sequence": 1, "reason": "unsafe", "cause": "it leaks"}
    assert (await scene.call("POST", "/kills", kill, as_=scene.maker)).status_code < 300
    await scene.expose()
    assert await scene.stacks() == []
    assert await phone.hotfix() is None
    found = await scene.done("GET", scene.path(1))
    assert (found["state"], found["withdrawn"]["cause"]) == ("withdrawn", "it leaks")
    assert await state_of(scene, release) == "stopped"


async def test_explain_tells_why_a_device_has_a_hotfix_or_not(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    release = await scene.give(1)
    query = {"device": phone.session.tokens["device"], "kind": "hotfix", "deliverable": NAME}
    explained = (await scene.done("GET", "/explain", query))["items"][0]
    assert (explained["reason"], explained["offered"]["release"]) == ("matched", release)
    of_app = await scene.done("GET", "/explain", {"device": query["device"], "id": APP})
    assert [(each["kind"], each["id"]) for each in of_app["items"]] == [("hotfix", NAME), ("miniapp", APP)]
    assert (of_app["items"][0]["installed"], of_app["items"][0]["action"]) == (None, None)
    await scene.act(release, "pause")
    explained = (await scene.done("GET", "/explain", query))["items"][0]
    assert (explained["offered"], explained["reason"]) == (None, "release_paused")
    await scene.act(release, "rollback", to=0)
    explained = (await scene.done("GET", "/explain", query))["items"][0]
    assert explained["reason"] == "release_rolled_back"


async def test_a_withdrawn_hotfix_is_not_rolled_back_so_that_those_below_it_stay(scene: Scene) -> None:
    phone = await scene.phone()
    await scene.fix({"app.js": b"one\n"}, n=1)
    first = await scene.give(1)
    await scene.fix({"style.css": b"two\n"}, n=2, on=[1])
    second = await scene.give(2, rollback_to=0)
    await phone.round()
    await scene.withdraw(2)
    await phone.round()
    assert await phone.page() == "one\n"
    refused = await scene.refused("POST", f"/releases/{second}/rollback", {"cause": "it is wrong", "to": 0})
    assert refused == (409, "release_withdrawn")
    assert (await scene.done("GET", f"/releases/{second}/rollback-targets"))["targets"] == []
    await phone.round()
    assert (await phone.page(), await state_of(scene, first)) == ("one\n", "running")


async def test_a_hotfix_that_waits_is_not_released_and_the_refusal_says_so(scene: Scene) -> None:
    await scene.submit({"app.js": b"one\n"}, n=1)
    draft = {"kind": "hotfix", "id": NAME, "sequence": 1, "audience": EVERYBODY}
    answer = await scene.call("POST", "/releases", draft, as_=scene.maker)
    assert answer.json()["code"] == "not_releasable"
    assert answer.json()["detail"].startswith(f"Devices may not have hotfix 1 of {APP} (sequence 1): it waits")


def runs(n: int, digest: str) -> list[dict[str, Any]]:
    """Return what a device says in sync that runs hotfix n of the version."""
    version = {"kind": "miniapp", "id": APP, "version": "1.0.0", "sequence": 1, "digest": "sha256:" + 64 * "0"}
    return [version, {"kind": "hotfix", "id": NAME, "version": f"1.0.0+{n}", "sequence": n, "digest": digest}]


async def explained(scene: Scene, phone: Phone) -> tuple[Any, Any]:
    """Return what explain says that the device holds, and what it will do."""
    query = {"device": phone.session.tokens["device"], "kind": "hotfix", "deliverable": NAME}
    found = (await scene.done("GET", "/explain", query))["items"][0]
    return found["installed"] and (found["installed"]["sequence"], found["installed"]["version"]), found["action"]


async def devices(scene: Scene) -> dict[int, int]:
    """Return on how many devices each hotfix runs."""
    await intake_of(scene.core).flush()
    return {
        each["n"]: each["devices"] for each in (await scene.done("GET", f"/apps/{APP}/versions/1/hotfixes"))["items"]
    }


async def test_what_a_device_runs_is_counted_and_explained(scene: Scene) -> None:
    first, second = [await scene.phone() for _ in range(2)]
    one = await scene.fix({"app.js": b"one\n"}, n=1)
    await scene.give(1)
    await first.asked(installed=runs(1, one["digest"])[:1])
    assert (await devices(scene), await explained(scene, first)) == ({1: 0}, (None, "install"))
    await first.asked(installed=runs(1, one["digest"]))
    assert (await devices(scene), await explained(scene, first)) == ({1: 1}, ((1, "1.1.0+1"), "keep"))
    two = await scene.fix({"style.css": b"two\n"}, n=2, on=[1])
    release = await scene.give(2)
    assert await explained(scene, first) == ((1, "1.1.0+1"), "install")
    await second.asked(installed=runs(2, two["digest"]))
    assert await devices(scene) == {1: 2, 2: 1}, "below another it runs too"
    await scene.act(release, "rollback", to=1)
    await scene.expose()
    assert await explained(scene, second) == ((2, "1.1.0+2"), "rollback")
    assert await explained(scene, await scene.phone()) == (None, None), "it does not hold the version"
    await scene.withdraw(1)
    assert await explained(scene, first) == ((1, "1.1.0+1"), "remove")
    assert await devices(scene) == {1: 2, 2: 1}, "until they come back"
    await first.asked(installed=runs(1, one["digest"])[:1])
    await second.asked(installed=[])
    assert await devices(scene) == {1: 0, 2: 0}


async def told(scene: Scene, phone: Phone, *kinds: str, **attrs: Any) -> None:
    found = await phone.hotfix()
    for kind in kinds:
        assert (await phone.tell(kind, found, **attrs))["refused"] == []


async def test_deliveries_of_a_hotfix_are_counted_by_themselves(scene: Scene) -> None:
    phones = [await scene.phone() for _ in range(5)]
    await scene.fix({"app.js": b"one\n"}, n=1)
    release = await scene.give(1)
    way = ["delivery.offered", "delivery.downloaded", "delivery.verified", "delivery.installed", "delivery.booted"]
    for count, phone in enumerate(phones, start=1):
        await told(scene, phone, *way[:count])
    await told(scene, phones[3], "delivery.failed", code="crash_loop")
    funnel = await scene.done("GET", f"/insight/releases/{release}/funnel")
    steps = [(step["devices"], step["failed"]) for step in funnel["steps"]]
    assert steps == [(5, 0), (4, 0), (3, 0), (2, 1), (1, 0)]
    assert funnel["failed"] == 1
    version = (await scene.done("GET", f"/insight/apps/{APP}/funnels"))["versions"]
    assert version == []  # nobody told of the version's own release
    assert (await phones[0].tell("delivery.booted", (await phones[1].hotfix())))["refused"][0]["code"] == "bad_ticket"


@pytest.mark.parametrize(("digest", "state"), [(None, "paused"), ("", "running")])
async def test_a_gate_stops_a_hotfix_that_breaks_devices(scene: Scene, digest: str | None, state: str) -> None:
    """What apps tell without the digest of the hotfix's package is of the version, which may be what is broken."""
    phones = [await scene.phone() for _ in range(12)]
    await scene.fix({"app.js": b"one\n"}, n=1)
    scene.core.now_ms.now_ms += 60_000  # type: ignore[attr-defined] # the scene's own clock
    gate = {"signals": ["script_error"], "ratio_percent": 200}
    release = await scene.give(1, stages=[{"name": "all", "basis_points": 10_000, "gate": gate}])
    for phone in phones:
        await told(scene, phone, "delivery.offered", "delivery.installed", "delivery.booted")
        found = await phone.hotfix()
        told_of = found if digest is None else found | {"digest": digest}
        assert (await phone.tell("app.script_error", told_of, message="it broke"))["refused"] == []
    assert await state_of(scene, release) == "running"
    of_version, of_hotfix = [
        (await scene.done("GET", f"/insight/apps/{app}/health"))["versions"] for app in (APP, NAME)
    ]
    assert [(each["sequence"], each["devices"]) for each in of_version] == [(1, 12)]
    assert [(each["sequence"], each["devices"]) for each in of_hotfix] == ([(1, 12)] if digest is None else [])
    scene.core.now_ms.now_ms += 3600_000  # type: ignore[attr-defined] # the scene's own clock
    runner = build_job_runner(scene.core.store, [looks.look_job(scene.core)], now_ms=scene.core.now_ms)
    await runner.poll()
    await runner.idle()
    assert await state_of(scene, release) == state


async def test_a_control_file_lists_no_more_stacks_than_devices_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan.hotfix.stacks.MOST_STACKS", 1)
    await scene.fix({"app.js": b"one\n"}, n=1)
    first = await scene.give(1)
    await scene.act(first, "stop")
    await scene.fix({"app.js": b"two\n"}, n=2, on=[1])
    made = await scene.done("POST", "/releases", {"kind": "hotfix", "id": NAME, "sequence": 2, "audience": {"all": []}})
    asked = await scene.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    approve, digest = f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}
    assert await scene.refused("POST", approve, digest, as_=scene.checker) == (409, "hotfix_stacks_full")
    assert len(await scene.stacks()) == 1
