"""`sampan promote` between two workspaces of one server: the same bytes, approved anew, or a clear refusal."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer
from promotion_scene import APP, SIT, UAT, Scene, two_workspaces
from sqlalchemy import update
from switch_scene import EVERYONE, switch

from sampan.platform.artifacts.tables import versions
from sampan.platform.cli.output import Output
from sampan.platform.cli.promotion_commands import promote
from sampan.platform.cli.promotion_places import PromotionUnconfirmed
from sampan.platform.cli.promotion_rules import RulesPlan

pytestmark = pytest.mark.anyio
ON = [{"audience": EVERYONE, "variant": "on"}]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with two_workspaces(tmp_path) as made:
        yield made


async def serve(scene: Scene, **changes: Any) -> None:
    """Have the switch served in SIT."""
    body = {"switches": [switch(**changes)], "activate": True}
    await scene.approve(scene.sit, await scene.call(scene.sit, "post", "/switch-file", body))


async def test_a_version_goes_with_its_very_bytes_and_is_approved_anew(scene: Scene) -> None:
    await scene.sit.publish(3)
    shown = await scene.run("promote", f"{APP}@1.3.0", "--from", SIT, "--to", UAT, "--key", scene.uat.key, "--plan")
    assert shown.value["plan"][0] == f"{APP}: nothing -> 1.3.0 (sequence 3)"
    assert await scene.call(scene.uat, "get", f"/apps/{APP}/versions") == {"items": [], "next_cursor": None, "total": 0}
    asked = await scene.run("promote", f"{APP}@1.3.0", "--from", SIT, "--to", UAT, "--key", scene.uat.key)
    assert (asked.status, asked.value["code"]) == (1, "promotion_unconfirmed")
    ran = await scene.promote(f"{APP}@1.3.0")
    assert ran.status == 0, ran
    (made,) = ran.value["versions"]
    theirs = await scene.call(scene.sit, "get", f"/apps/{APP}/versions/3")
    assert (made["state"], made["digest"]) == ("in_review", theirs["digest"])
    ours = await scene.call(scene.uat, "get", f"/apps/{APP}/versions/3")
    origin = ours["origin"]
    assert (origin["server"], origin["workspace"]) == (scene.address, SIT)
    assert (origin["approved_by"], origin["approved_ms"]) == (theirs["decided_by"], theirs["decided_ms"])
    assert origin["claimed_by"] == ours["submitted_by"]
    again = await scene.promote(f"{APP}@1.3.0")
    assert (again.status, again.value["already"]) == (0, True)
    await scene.uat.publishing.approve(3)
    await scene.uat.expose()
    said = await scene.run("--profile", UAT, "status", APP, "3", as_json=False)
    assert f"promoted from sit on {scene.address}, approved there by" in said.out
    assert "nobody has checked it" in said.out
    audit = await scene.call(scene.uat, "get", "/audit", name="nobody", target=APP, action="version.submit")
    assert audit["items"][0]["detail"]["promoted_from_as_claimed"]["workspace"] == SIT


async def test_what_was_withdrawn_or_waits_for_a_signature_is_brought_on_by_doing_it_again(scene: Scene) -> None:
    await scene.sit.publish(3)
    assert (await scene.promote(f"{APP}@1.3.0")).status == 0
    await scene.call(scene.uat, "post", f"/apps/{APP}/versions/3/withdraw", {"note": ""})
    again = await scene.promote(f"{APP}@1.3.0")
    assert again.value["versions"][0]["state"] == "in_review"
    await scene.uat.publish(1)
    waits = await scene.call(scene.uat, "get", f"/apps/{APP}/versions/3")
    assert waits["state"] == "needs_signature"
    signed = await scene.promote(f"{APP}@1.3.0", "--over")
    assert (signed.status, signed.value["versions"][0]["state"]) == (0, "in_review"), signed


async def test_versions_that_cannot_go_are_refused_by_name(scene: Scene) -> None:
    await scene.sit.publish(3)

    async def refused(*arguments: str | Path, key: Path | None = None) -> str:
        ran = await scene.promote(*arguments, key=key)
        assert ran.status != 0, ran
        return str(ran.value["code"])

    assert await refused(f"{APP}@9.9.9") == "promotion_unknown"
    assert await refused("bank.demo.none@1.0.0") == "promotion_unknown"
    assert await refused(APP) == "bad_promotion_item"
    assert await refused(f"{APP}@1.3.0", key=scene.sit.key) == "promotion_other_key"
    await scene.sit.publishing.create_app("bank.demo.other")
    await scene.sit.expose()
    scene.sit.publishing.app = "bank.demo.other"
    await scene.sit.publishing.publish(1)
    assert await refused("bank.demo.other@1.1.0") == "promotion_app_missing"
    await scene.uat.publish(2, files={"own.js": "let here;\n"})
    assert await refused(f"{APP}@1.3.0") == "promotion_diverged"
    assert (await scene.promote(f"{APP}@1.3.0", "--over")).status == 0
    await scene.call(scene.uat, "post", f"/apps/{APP}/versions/3/withdraw", {"note": ""})
    await scene.uat.publish(5, files={"own.js": "let here;\n"})
    scene.sit.publishing.app = APP
    await scene.sit.publish(4)
    assert await refused(f"{APP}@1.4.0", "--over") == "promotion_sequence_lower"
    await scene.sit.publish(5, folder="other")
    assert await refused(f"{APP}@1.5.0", "--over") == "promotion_other_bytes"


async def test_the_bytes_must_be_those_that_the_source_published(scene: Scene) -> None:
    await scene.sit.publish(3)
    archives = [
        path
        for path in (scene.sit.core.settings.data / "objects").rglob("*")
        if path.is_file() and path.read_bytes()[:2] == b"PK"
    ]
    for path in archives:
        path.unlink()
    ran = await scene.promote(f"{APP}@1.3.0")
    assert (ran.status, ran.value["code"]) == (1, "promotion_package_missing"), ran


async def test_who_may_not_and_who_is_no_longer_signed_in_hears_so_of_which_side(scene: Scene) -> None:
    await serve(scene, rules=ON)
    kept = scene.terminal.folder / "home" / "profiles" / f"{UAT}.json"
    present = json.loads(kept.read_text())
    for secret, status, code in (
        (scene.uat.secret("nobody"), 3, "missing_permission"),
        (scene.uat.secret()[:-4] + "0000", 3, "session_ended"),
    ):
        kept.write_text(json.dumps({**present, "secret": secret}))
        ran = await scene.promote("switch:new-look")
        assert (ran.status, ran.value["code"], ran.value["side"]) == (status, code, "target")
        assert "The target (uat on" in ran.value["detail"]
    same = await scene.run("promote", "switch:new-look", "--from", SIT, "--to", SIT, "--yes")
    assert same.value["code"] == "promotion_to_itself"
    nobody = await scene.run("promote", "switch:new-look", "--from", SIT, "--to", "https://x.example/w/y", "--yes")
    assert (nobody.status, nobody.value["code"]) == (3, "not_signed_in")


async def test_a_right_that_is_missing_in_the_target_is_found_before_anything_is_signed(scene: Scene) -> None:
    await scene.sit.publish(3)
    kept = scene.terminal.folder / "home" / "profiles" / f"{UAT}.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "secret": scene.uat.secret("checker")}))
    for also in ((), ("--plan",)):
        ran = await scene.promote(f"{APP}@1.3.0", *also)
        assert (ran.status, ran.value["code"], ran.value["side"]) == (3, "missing_permission", "target"), ran
        assert "version:submit" in ran.value["detail"]
    assert (await scene.call(scene.uat, "get", f"/apps/{APP}/versions"))["items"] == []


async def test_a_switch_and_its_audience_go_as_one_change_request(scene: Scene) -> None:
    tag = {"attr": "tag", "op": "in", "values": ["salaried"]}
    await scene.call(scene.sit, "post", "/tags", {"name": "salaried", "title": ""})
    saved = await scene.call(scene.sit, "post", "/audiences", {"name": "Salaried", "audience": tag})
    named = {"attr": "audience", "op": "in", "values": [saved["id"]]}
    await serve(scene, rules=[{"audience": named, "variant": "on"}])
    missing = await scene.promote("switch:new-look")
    assert missing.value["code"] == "promotion_audiences_missing"
    missing = await scene.promote("switch:new-look", "audience:Salaried")
    assert (missing.value["code"], missing.value["tags"]) == ("promotion_tags_missing", ["salaried"])
    await scene.call(scene.uat, "post", "/tags", {"name": "salaried", "title": ""})
    ran = await scene.promote("switch:new-look", "audience:Salaried")
    assert ran.status == 0, ran
    asked = ran.value["rules"]
    assert asked["done"] == {"audience:Salaried": "waits", "switch:new-look": "waits"}
    await scene.approve(scene.uat, asked)
    done = await scene.promote("switch:new-look", "audience:Salaried")
    assert (done.value["already"], done.value["rules"]["change"]) == (True, None)
    ours = (await scene.call(scene.uat, "get", "/switches/new-look"))["definition"]
    (made,) = (await scene.call(scene.uat, "get", "/audiences"))["items"]
    assert ours["rules"][0]["audience"]["values"] == [made["id"]] != [saved["id"]]


async def test_what_was_changed_in_the_target_is_not_replaced_unless_it_is_said(scene: Scene) -> None:
    await serve(scene, rules=ON)
    await scene.approve(scene.uat, (await scene.promote("switch:new-look")).value["rules"])
    await serve(scene, rules=[*ON, *ON])
    forward = await scene.promote("switch:new-look")
    assert forward.status == 0, "the target stands where the source stood"
    await scene.call(scene.uat, "post", f"/changes/{forward.value['rules']['change']}/withdraw")
    await scene.call(scene.uat, "post", "/switches/new-look/off", {"cause": "wrong amounts"})
    ran = await scene.promote("switch:new-look")
    assert ran.value["code"] == "promotion_diverged"
    assert (await scene.promote("switch:new-look", "--over")).status == 0


async def test_a_source_that_shows_one_version_and_gives_another_is_found_out(scene: Scene) -> None:
    await scene.sit.publish(3)
    for path in (scene.sit.core.settings.data / "objects").rglob("*"):
        if path.is_file() and b'"sampan-package/1"' in (index := path.read_bytes()) and SIT in path.parts:
            path.write_bytes(index.replace(b'"min_host":1', b'"min_host":2'))
    ran = await scene.promote(f"{APP}@1.3.0", "--plan")
    assert (ran.status, ran.value.get("code")) == (1, "promotion_digest_differs"), ran


async def test_only_the_floor_that_was_signed_goes_along(scene: Scene) -> None:
    await scene.sit.publish(3)
    async with scene.sit.core.store.workspace(SIT).write() as tx:
        await tx.execute(
            update(versions).where(versions.c.workspace_id == SIT, versions.c.sequence == 3).values(floor=3)
        )
    theirs = await scene.call(scene.sit, "get", f"/apps/{APP}/versions/3")
    assert theirs["floor"] == 3, "the server says what its tree does not list"
    assert (await scene.promote(f"{APP}@1.3.0")).status == 0
    assert (await scene.call(scene.uat, "get", f"/apps/{APP}/versions/3"))["floor"] == 0


async def test_a_change_at_the_end_of_a_long_list_is_shown(scene: Scene) -> None:
    regions = [f"region-{n}" for n in range(12)]
    listed = {"attr": "region", "op": "in", "values": regions}
    saved = await scene.call(scene.sit, "post", "/audiences", {"name": "Regions", "audience": listed})
    rules = [{"audience": listed, "variant": "on"}]
    await serve(scene, rules=rules)
    await scene.approve(scene.uat, (await scene.promote("audience:Regions", "switch:new-look")).value["rules"])
    changed = {**listed, "values": [*regions[:-1], "everywhere"]}
    body = {"name": "Regions", "audience": changed, "edition": 1}
    await scene.approve(scene.sit, await scene.call(scene.sit, "put", f"/audiences/{saved['id']}", body))
    await serve(scene, rules=[{"audience": changed, "variant": "on"}])
    shown = await scene.promote("audience:Regions", "switch:new-look", "--plan")
    lines = [line for line in shown.value["plan"] if "everywhere" in line]
    assert len(lines) == 2, shown


async def test_nobody_is_asked_about_what_was_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def no(text: str, **_: Any) -> bool:
        asked.append(text)
        return False

    plan = RulesPlan(switches=[{"definition": {}}], lines=["switch new-look: new"])
    commands, places = "sampan.platform.cli.promotion_commands", "sampan.platform.cli.promotion_places"
    monkeypatch.setattr(f"{places}.sides", lambda *_: (SIT, UAT))
    monkeypatch.setattr(f"{commands}._planned", lambda *_, **__: ([], plan))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("typer.confirm", no)
    for output in (Output(as_json=True), Output()):
        with pytest.raises(PromotionUnconfirmed):
            promote(cast("typer.Context", SimpleNamespace(obj=output)), ["switch:new-look"], SIT, UAT)
    assert (asked, "switch new-look: new" in capsys.readouterr().err) == (["Promote this?"], True)
