"""What stands in for the bank and other servers while an app is written, and stacks in the developer's own files."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sampan.miniapps.consents import ConsentRefused
from sampan.miniapps.dev.building import Building
from sampan.miniapps.dev.commands import mocks_of
from sampan.miniapps.dev.component import BUILD, MOCKS, STACK, developing
from sampan.miniapps.dev.mocks import LoginFailed, MockBank, MocksWrong, read_mocks
from sampan.miniapps.dev.stacks import told_stack
from sampan.miniapps.dev.workbench import NoMiniApp, domains_of, manifest_in, sample_of, shared_of
from sampan.miniapps.dev_facts import DevFacts
from sampan.miniapps.samples import folder as samples_folder
from sampan.platform.cli.new_app import TEMPLATES, make_app
from sampan.platform.component import ClientRoutes
from sampan.platform.guarded_calls import UpstreamFailed
from sampan.platform.ports import BankOrder

APP = "bank.demo.written"
ORDER = BankOrder("demo", "cus_1", APP, "key", "order-1", "Title")
MAP = {"version": 3, "sources": ["../src/pay.ts"], "sourcesContent": ["\n\nlet x = y.z;\n"], "mappings": "AAEQ"}


def bank_of(folder: Path, **mocks: Any) -> MockBank:
    (folder / "mocks.json").write_text(json.dumps(mocks))
    return MockBank(folder / "mocks.json")


@pytest.mark.anyio
async def test_the_first_mock_that_fits_answers(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        fetch=[
            {"url": "https://api.example/orders/*", "method": "POST", "status": 201, "json": {"id": 7}},
            {"url": "https://api.example/orders/*", "text": "none", "headers": {"X-Total": "0"}},
            {"url": "https://api.example/down", "failure": "timeout"},
        ],
    )
    posted = await bank.fetch("POST", "https://api.example/orders/1?x=y")
    assert posted is not None
    assert (posted.status, json.loads(posted.body), dict(posted.headers)["content-type"]) == (
        201,
        {"id": 7},
        "application/json",
    )
    got = await bank.fetch("GET", "https://api.example/orders/1")
    assert got is not None
    assert (got.status, got.body, dict(got.headers)["x-total"]) == (200, b"none", "0")
    with pytest.raises(UpstreamFailed) as failed:
        await bank.fetch("GET", "https://api.example/down")
    assert failed.value.facts["reason"] == "timeout"
    assert await bank.fetch("GET", "https://api.example/orders") is None
    assert await bank.fetch("GET", "https://api.example.evil/orders/1") is None


@pytest.mark.anyio
async def test_what_the_panel_chose_comes_before_the_file(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, pay="refused", sign="refused", login="failed", fetch=[{"url": "*", "json": 1}])
    with pytest.raises(LoginFailed):
        bank.login()
    assert (await bank.pay(ORDER, value_minor=1, currency="CNY")).status == "refused"
    bank.chosen.pay, bank.chosen.sign, bank.chosen.login, bank.chosen.network = "paid", "unknown", "refused", "failing"
    assert (await bank.pay(ORDER, value_minor=1, currency="CNY")).status == "paid"
    assert (await bank.sign(ORDER, digest="sha256:")).status == "unknown"
    with pytest.raises(ConsentRefused):
        bank.login()
    with pytest.raises(UpstreamFailed):
        await bank.fetch("GET", "https://api.example/")


@pytest.mark.parametrize(
    "mocks", [{"fetch": [{"status": 99, "url": "*"}]}, {"fetch": [{"url": "*", "latency_ms": 10**9}]}, {"login": "x"}]
)
def test_mocks_out_of_range_are_refused(tmp_path: Path, mocks: dict[str, Any]) -> None:
    with pytest.raises(MocksWrong):
        read_mocks(bank_of(tmp_path, **mocks).path)


def test_the_templates_mocks_are_right_and_found(tmp_path: Path) -> None:
    assert read_mocks(TEMPLATES / "shared/sampan.dev.json").fetch[0].fits("GET", "https://api.example.com/x")
    make_app(tmp_path / "app", APP, "Written")
    assert mocks_of(tmp_path / "app") == tmp_path / "app/.sampan.dev.json"
    assert read_mocks(mocks_of(tmp_path / "app")).tier == "registered"
    make_app(tmp_path / "built", APP, "Built", "vue")
    assert mocks_of(tmp_path / "built/dist") == tmp_path / "built/sampan.dev.json"


def test_the_panel_reads_and_sets_the_mocks_and_asks_for_own_lines(tmp_path: Path) -> None:
    bank, building = bank_of(tmp_path, fetch=[{"url": "https://api.example/*", "latency_ms": 50}]), Building()
    make_app(tmp_path / "app", APP, "Written")
    component = developing(
        bank, DevFacts(APP, "full", "+86"), building, folder=tmp_path / "app", maps=tmp_path / "maps"
    )
    (routes,) = [each for each in component.contributes if isinstance(each, ClientRoutes)]
    core: Any = None
    with TestClient(Starlette(routes=routes.build(core))) as http:
        assert http.get(MOCKS).json()["fetch"] == [
            {"method": "*", "url": "https://api.example/*", "says": "200, 50 ms"}
        ]
        assert http.put(MOCKS, json={"pay": "unknown"}).json()["pay"] == "unknown"
        assert http.put(MOCKS, json={"network": "slow"}).json()["pay"] == "unknown"
        building.came(1)
        building.broke(["app.js:1: error: not in an app"])
        assert http.get(BUILD).json() == {"version": 1, "broken": ["app.js:1: error: not in an app"]}
        building.came(2)
        assert http.get(BUILD).json() == {"version": 2, "broken": []}
        told = http.post(STACK, json={"text": "Error: x\n at http://ab.apps.localhost:8090/app.js:1:7"}).json()
    assert (told["text"], told["code"]) == (
        "Error: x\n at app.js:1:7",
        f"1 | {(tmp_path / 'app/app.js').read_text().splitlines()[0].strip()}",
    )


def test_a_stack_is_told_by_the_builds_maps_and_without_the_containers_frames(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/index-a1.js.map").write_text(json.dumps(MAP))
    stack = (
        "TypeError: y is undefined\n    at go (http://ab.apps.localhost:8090/assets/index-a1.js:1:1)\n"
        "    at http://ab.apps.localhost:8090/__runtime.js:1:99"
    )
    text, place = told_stack(stack, tmp_path, tmp_path / "maps")
    assert text == "TypeError: y is undefined\n    at go (src/pay.ts:3:9)\n"
    assert place is not None
    assert (place.line, place.text) == (3, "let x = y.z;")


def test_nothing_outside_the_folder_is_shown(tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text("my secret")
    (tmp_path / "app").mkdir()
    text, place = told_stack("at http://a.b/../secret.js:1:1", tmp_path / "app", tmp_path / "none")
    assert (text, place) == ("at ../secret.js:1:1", None)


def test_shared_packages_come_from_the_named_folders_else_from_the_samples(tmp_path: Path) -> None:
    coupons = samples_folder() / "coupons"
    assert [each.folder for each in shared_of(coupons, [])] == [samples_folder() / "kit"]
    own = tmp_path / "kit"
    own.mkdir()
    (own / "manifest.json").write_text((samples_folder() / "kit/manifest.json").read_text())
    (found,) = shared_of(coupons, [own])
    assert (found.folder, found.kind) == (own, "shared")
    make_app(tmp_path / "app", APP, "Written")
    assert shared_of(tmp_path / "app", []) == []
    manifest = json.loads((tmp_path / "app/manifest.json").read_text())
    digest = f"sha256:{'0' * 64}"
    manifest["x-sampan"] = {
        "dependencies": [{"id": "bank.demo.nowhere", "digest": digest}],
        "network": ["api.example.com:8443", "*.cdn.example.com"],
    }
    (tmp_path / "app/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(NoMiniApp, match=r"bank\.demo\.nowhere"):
        shared_of(tmp_path / "app", [])
    assert domains_of(manifest_in(tmp_path / "app")) == ["*.cdn.example.com", "api.example.com"]
    assert sample_of(tmp_path / "app").kind == "miniapp"
