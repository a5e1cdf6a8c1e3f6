"""The kinds at work on real packages: checks against the policy and the published version, scan, release, kill."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sampan.miniapps import service
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.deliverables import DELIVERABLES
from sampan.miniapps.policy import AppPolicy
from sampan.miniapps.policy_repository import put_policy
from sampan.offline_packages import NewApp, Packed, pack
from sampan.platform.artifacts import resign_service, submit_service
from sampan.platform.artifacts.scanning import scan_job
from sampan.platform.artifacts.states import VersionState
from sampan.platform.operators.changes import approve
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import COMPONENTS, SYSTEM, Publishing, publishing_in
from sampan.platform.testing_trust import APP
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
S = VersionState
WITH_MINIAPPS = (*COMPONENTS[:-1], miniapps)


@pytest.fixture
async def publishing(tmp_path: Path) -> AsyncIterator[Publishing]:
    async with publishing_in(tmp_path, components=WITH_MINIAPPS) as made:
        yield made


def _packed(
    publishing: Publishing, sequence: int, files: Mapping[str, str], vendor: Mapping[str, Any] | None = None
) -> Packed:
    folder = publishing.folder / f"source-{sequence}"
    for path, text in {"index.html": "<!doctype html><title>A</title>", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    new_app = NewApp(app_id=APP, version_name=f"1.{sequence}.0", sequence=sequence, vendor=vendor or {})
    return pack(folder, publishing.folder / f"out-{sequence}", new_app=new_app)


async def _codes(publishing: Publishing, sequence: int, source: str = "check") -> set[str]:
    return {each.code for each in (await publishing.review(sequence)).findings if each.source == source}


async def _allow(publishing: Publishing, *domains: str) -> None:
    core = publishing.core
    async with core.store.workspace(WORKSPACE).write() as tx:
        await put_policy(tx, AppPolicy(allowed_domains=domains), now_ms=core.now_ms())


async def test_a_domain_outside_the_list_fails_until_the_bank_allows_it(publishing: Publishing) -> None:
    packed = _packed(publishing, 1, {}, {"network": ["api.pay.example"]})
    assert (await publishing.submit(packed)).state is S.CHECKS_FAILED
    assert "domain_not_allowed" in await _codes(publishing, 1)
    await _allow(publishing, "*.pay.example")
    again = await submit_service.recheck(publishing.core, WORKSPACE, publishing.publisher, APP, 1)
    assert again.state is S.IN_REVIEW
    assert "domain_not_allowed" not in await _codes(publishing, 1)


async def test_findings_name_file_and_line(publishing: Publishing) -> None:
    html = "<!doctype html>\n<title>A</title>\n<script>alert(1)</script>\n"
    await publishing.submit(_packed(publishing, 1, {"index.html": html}))
    detail = await publishing.review(1)
    places = {(each.code, each.file, each.line) for each in detail.findings}
    assert ("csp_inline_script", "index.html", 3) in places


async def test_new_permissions_are_told_against_the_published_version(publishing: Publishing) -> None:
    await _allow(publishing, "*.pay.example")
    await publishing.submit(_packed(publishing, 1, {}))
    assert "permission_added" not in await _codes(publishing, 1)
    await publishing.approve(1)
    await publishing.expose()
    await publishing.submit(_packed(publishing, 2, {}, {"network": ["api.pay.example"]}))
    assert "permission_added" in await _codes(publishing, 2)


async def test_a_package_over_the_banks_size_is_refused(publishing: Publishing) -> None:
    from sampan.offline_packages.refusals import PackageTooLarge

    core = publishing.core
    async with core.store.workspace(WORKSPACE).write() as tx:
        policy = AppPolicy(max_package_bytes=10_000, max_file_bytes=10_000)
        await put_policy(tx, policy, now_ms=core.now_ms())
    packed = _packed(publishing, 1, {"one.txt": "x" * 6000, "two.txt": "x" * 6000})
    with pytest.raises(PackageTooLarge) as refusal:
        await publishing.submit(packed)
    assert {each["path"] for each in refusal.value.facts["files"]} >= {"one.txt", "two.txt"}


async def test_the_secret_scan_runs_as_a_job_after_acceptance(publishing: Publishing) -> None:
    key = "-----BEGIN " + "PRIVATE KEY-----"
    assert (await publishing.submit(_packed(publishing, 1, {"config.txt": key}))).state is S.IN_REVIEW
    core = publishing.core
    runner = build_job_runner(core.store, [scan_job(core)], now_ms=core.now_ms)
    assert await runner.poll() == 1
    await runner.idle()
    assert await _codes(publishing, 1, "scan") == {"secret_private_key"}
    assert await publishing.states() == {1: S.IN_REVIEW}


async def test_a_release_finds_published_versions_of_its_kind_and_kills_them(publishing: Publishing) -> None:
    packed = _packed(publishing, 1, {})
    await publishing.submit(packed)
    miniapp, shared, native = DELIVERABLES
    core = publishing.core
    async with core.store.workspace(WORKSPACE).read() as tx:
        assert await miniapp.find(tx, [(APP, 1)]) == {}
    await publishing.approve(1)
    await publishing.expose()
    async with core.store.workspace(WORKSPACE).read() as tx:
        found = await miniapp.find(tx, [(APP, 1), (APP, 2)])
        assert await shared.find(tx, [(APP, 1)]) == await native.find(tx, [(APP, 1)]) == {}
    assert list(found) == [(APP, 1)]
    digest = packed.index.archive.sha256
    assert found[APP, 1].digest == packed.digest
    assert found[APP, 1].url == f"/trust/{WORKSPACE}/intl/targets/apps/{APP}/1/{digest}.package.ma"
    async with core.store.workspace(WORKSPACE).write() as tx:
        await miniapp.kill(core, tx, APP, 1, "bug", SYSTEM, "found by a customer")
    async with core.store.workspace(WORKSPACE).read() as tx:
        assert await miniapp.find(tx, [(APP, 1)]) == {}
    history = (await publishing.review(1)).history
    assert (history[-1].state, history[-1].note) == (S.KILLED, "found by a customer")


async def test_a_wider_policy_waits_for_a_second_person(publishing: Publishing) -> None:
    from sampan.platform.operators.testing import actor_of, person_with

    core = publishing.core
    people = [await person_with(core, WORKSPACE, "release_manager") for _ in range(2)]
    maker, checker = [await actor_of(core, WORKSPACE, each) for each in people]
    wider = AppPolicy(allowed_domains=("pay.example",))
    change = await service.edit_policy(core, WORKSPACE, maker, wider)
    assert await service.get_policy(core, WORKSPACE, SYSTEM) == AppPolicy()
    await approve(core, WORKSPACE, checker, change.id, digest=change.digest)
    assert await service.get_policy(core, WORKSPACE, SYSTEM) == wider
    await service.edit_policy(core, WORKSPACE, maker, AppPolicy())
    assert await service.get_policy(core, WORKSPACE, SYSTEM) == AppPolicy()


async def test_a_resigned_version_keeps_its_findings(publishing: Publishing) -> None:
    packed = _packed(publishing, 1, {})
    await publishing.submit(packed)
    before = await _codes(publishing, 1)
    bodies = await publishing.bodies(packed)
    await resign_service.resign(publishing.core, WORKSPACE, publishing.publisher, APP, 1, bodies)
    assert await _codes(publishing, 1) == before
    assert "locale_missing" in before
