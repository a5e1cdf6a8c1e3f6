"""The browser's SDK as a whole device against a real demo server: session, sync, install, open, events, sign-in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sdk_runner import Sdk, SdkRefused

from sampan.platform.cli.demo_apps import samples
from sampan.platform.cli.demo_folder import CUSTOMERS
from sampan.platform.testing_cli import DemoServer

pytestmark = pytest.mark.node
KIT = "bank.demo.kit"
"""The package that the samples share: installed like an app, and in nobody's catalogue."""
TIERS = ("visitor", "registered", "e_account", "full")


class Phone:
    """One device of the SDK."""

    def __init__(self, sdk: Sdk, folder: Path, server: str) -> None:
        self._sdk = sdk
        self._options = {"folder": str(folder), "server": server, "workspace": "demo", "clientApp": "retail"}

    def ask(self, verb: str, *given: Any) -> Any:
        return self._sdk.ask(f"phone.{verb}", self._options, *given)

    def happenings(self, what: str) -> set[str]:
        return {each["app"] for each in self.ask("round")["happenings"] if each["what"] == what}


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


@pytest.fixture
def phone(sdk: Sdk, demo_server: DemoServer, tmp_path: Path) -> Phone:
    return Phone(sdk, tmp_path / "phone", demo_server.address)


def apps_of(tier: str) -> set[str]:
    return {each.app for each in samples()[0] if TIERS.index(each.facts["tier"]) <= TIERS.index(tier)}


@pytest.mark.parametrize("tier", ["visitor", "full"])
def test_a_device_installs_opens_and_reports_what_its_tier_may_have(tier: str, phone: Phone) -> None:
    if tier != "visitor":
        phone.ask("becomeDemo", tier)
    assert phone.happenings("installed") == apps_of(tier)
    assert apps_of(tier) - set(phone.ask("catalogue")) == {KIT}
    opened = phone.ask("openAll")
    assert set(opened) == apps_of(tier) - {KIT}
    assert min(opened.values()) >= 3
    told = phone.ask("report")
    # offered, downloaded, verified and installed with a ticket for each package; booted and opened for each app
    assert told == {"sent": 6 * len(opened) + 4, "refused": []}


def test_the_third_answer_to_the_same_question_is_304(phone: Phone) -> None:
    rounds = [phone.ask("round")["happenings"] for _ in range(4)]
    assert {each["what"] for each in rounds[0]} == {"offered", "installed"}
    assert rounds[3] == [{"what": "unchanged"}]


def test_a_customer_signs_in_with_the_code_and_out_again_and_what_apps_stored_is_wiped(
    phone: Phone, demo_server: DemoServer
) -> None:
    number = CUSTOMERS[0][2]
    assert phone.ask("askCode", number) == 300
    sent = httpx2.get(f"{demo_server.address}/client/v1/demo/codes", trust_env=False).json()["codes"]
    with pytest.raises(SdkRefused) as refused:
        phone.ask("signIn", number, "x")
    assert refused.value.code == "code_wrong"
    assert phone.ask("status")["wiped"] == []
    code = next(each["code"] for each in reversed(sent) if each["phone"].endswith(number[-4:]))
    phone.ask("signIn", number, code)
    signed_in = phone.ask("status")
    assert signed_in["tier"] == "registered"
    assert signed_in["wiped"] == [signed_in["customer"]]
    phone.ask("signOut")
    signed_out = phone.ask("status")
    assert (signed_out["customer"], signed_out["tier"]) == (None, "visitor")
    assert signed_out["wiped"] == [signed_in["customer"], None]
