"""The attack table against a fourth client: the verifier of the browser's SDK. Codes must be those of the device's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sdk_runner import Sdk, SdkRefused, in_base64
from test_trust_attacks import (
    ATTACKS,
    BACK,
    V1,
    A,
    B,
    Refused,
    Row,
    Scene,
    _digest,
    _go_back,
    _let_b_cover_everything,
    _one_key_twice,
    _three_keys,
    _threshold_one,
    _wider_paths,
    expired_app_role,
    sim,
)
from trust_simulator import Simulator, served
from tuf.api.metadata import TargetFile, Targets

from sampan.offline_packages.roles import app_role, index_path
from sampan.offline_packages.signed_bytes import read_body, sign_body
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.trust.bodies import with_app_keys

__all__ = ["sim"]
pytestmark = pytest.mark.node
V2 = V1.replace(" 1<", " 2<")


class Browser:
    """A device of the SDK; `digests` are what a hostile sync would name."""

    def __init__(self, sdk: Sdk, folder: Path, base_url: str, simulator: Simulator) -> None:
        self.sdk = sdk
        self.digests: dict[int, str] = {}
        self.where: dict[str, Any] = {
            "folder": str(folder),
            "url": base_url,
            "tree": simulator.tree,
            "root": in_base64(simulator.root),
            "nowMs": simulator.now_ms,
        }

    def take(self, sequence: int) -> None:
        try:
            for code in self.sdk.ask("device.sync", self.where, None).values():
                raise Refused(code)
            hint = {"action": "install", "id": A, "sequence": sequence, "digest": self.digests[sequence]}
            self.sdk.ask("device.apply", self.where, hint)
        except SdkRefused as problem:
            raise Refused(problem.code) from problem
        self.opens()
        self.sdk.ask("device.booted", self.where, A)

    def opens(self) -> str:
        """Open without a network, and prove the version from the root as a service worker does."""
        shown = self.sdk.ask("device.show", self.where, A, "index.html")
        assert (
            self.sdk.ask("device.prove", self.where, A)
            == self.sdk.ask("device.state", self.where, A)["current"]["sequence"]
        )
        return str(shown["text"])

    def refusal(self, sequence: int = 2) -> str:
        with pytest.raises(Refused) as refusal:
            self.take(sequence)
        return refusal.value.name


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


@pytest.fixture
def client(sdk: Sdk, sim: Simulator, tmp_path: Path) -> Iterator[Browser]:
    """A device that has version 1 from an honest tree."""
    with served(sim.files) as base_url:
        browser = Browser(sdk, tmp_path / "browser", base_url, sim)
        browser.digests[1] = _digest(sim, 1)
        browser.take(1)
        yield browser


@ATTACKS
def test_the_sdk_refuses_by_the_devices_code_and_keeps_the_old_version_running(
    row: Row, client: Browser, sim: Simulator
) -> None:
    row.attack(Scene(sim))
    client.digests[2] = _digest(sim, 2)
    assert client.refusal() == row.ours
    assert client.opens() == V1


def test_without_an_attack_the_sdk_takes_version_two(client: Browser, sim: Simulator) -> None:
    Scene(sim).honest_two()
    client.digests[2] = _digest(sim, 2)
    client.take(2)
    assert client.opens() == V2


@BACK
def test_the_sdk_refuses_to_go_back(how: str, client: Browser, sim: Simulator) -> None:
    old = dict(sim.files)
    Scene(sim).honest_two()
    client.digests[2] = _digest(sim, 2)
    client.take(2)
    _go_back(sim, how, old)
    client.sdk.ask("device.restart", client.where)
    assert client.refusal(1) == "trust_rolled_back"
    assert client.opens() == V2


@pytest.mark.parametrize("careless", [_three_keys, _one_key_twice, _threshold_one, _wider_paths])
def test_the_sdk_refuses_a_delegation_that_lets_one_party_publish_alone(
    careless: Callable[[Targets, Simulator], None], client: Browser, sim: Simulator
) -> None:
    targets = sim.targets
    targets.version += 1
    careless(targets, sim)
    sim.put_targets(targets)
    sim.publish(A, 2, signers=[sim.publishers[A], sim.publishers[B], sim.review])
    Scene(sim).offer_both()
    sim.commit()
    client.digests[2] = _digest(sim, 2)
    assert client.refusal() == "trust_delegation_unsafe"
    assert client.opens() == V1


def test_an_earlier_role_over_the_same_paths_cannot_stand_in_for_the_apps_own(client: Browser, sim: Simulator) -> None:
    targets = sim.targets
    targets.version += 1
    _let_b_cover_everything(targets)
    sim.put_targets(targets)
    sim.publish(A, 2)
    Scene(sim).offer_both()
    sim.commit()
    client.digests[2] = _digest(sim, 2)
    assert client.refusal() == "trust_rolled_back"
    assert client.opens() == V1


@pytest.mark.parametrize(
    ("role", "field", "value"),
    [
        (app_role(A), "x-sampan-role", app_role(B)),
        (app_role(A), "x-sampan-tree", "demo/trial"),
        ("targets", "x-sampan-tree", "demo/trial"),
        ("control", "x-sampan-tree", "demo/trial"),
        ("control", "x-sampan-role", "targets"),
    ],
)
def test_a_body_of_another_role_or_tree_is_refused_although_its_keys_fit(
    role: str, field: str, value: str, client: Browser, sim: Simulator
) -> None:
    body = read_body(sim.bodies[role], Targets)
    body.version += 1
    body.unrecognized_fields[field] = value
    keys = {app_role(A): [sim.publishers[A], sim.review], "targets": sim.officers[:2], "control": [sim.control_key]}
    sim.put(role, sign_body(body, *keys[role]))
    sim.commit()
    client.digests[2] = digest(b"")
    assert client.refusal() == "trust_role_mismatch"
    assert client.opens() == V1


def test_a_version_with_one_target_or_no_floor_is_refused(client: Browser, sim: Simulator) -> None:
    body = read_body(sim.bodies[app_role(A)], Targets)
    body.version += 1
    body.targets[index_path(A, 2)] = TargetFile.from_data(index_path(A, 2), b"{}")
    sim.put(app_role(A), sign_body(body, sim.publishers[A], sim.review))
    sim.commit()
    client.digests[2] = digest(b"{}")
    assert client.refusal() == "trust_malformed"
    assert client.opens() == V1


@pytest.mark.parametrize("spelling", [b" ", b"\n"])
def test_another_spelling_of_a_signed_body_is_refused(spelling: bytes, client: Browser, sim: Simulator) -> None:
    """TUF alone takes it: its signatures are over the canonical form, not over the file."""
    Scene(sim).honest_two()
    sim.files[f"metadata/2.{app_role(A)}.json"] += spelling
    client.digests[2] = _digest(sim, 2)
    assert client.refusal() == "trust_malformed"
    assert client.opens() == V1


def test_an_expired_role_blocks_its_own_app_alone(client: Browser, sim: Simulator) -> None:
    sim.set_control(B, "1.1", offerable=[1])
    expired_app_role(Scene(sim))
    assert client.sdk.ask("device.sync", client.where, None) == {A: "trust_expired"}
    name = next(path for path in sim.files if f"/{B}/1/" in path and path.endswith("index.json"))
    named = f"sha256:{name.rpartition('/')[2].partition('.')[0]}"
    hint = {"action": "install", "id": B, "sequence": 1, "digest": named}
    assert client.sdk.ask("device.apply", client.where, hint)["sequence"] == 1


def test_a_stale_role_file_behind_an_earlier_role_is_not_believed(client: Browser, sim: Simulator) -> None:
    """The version fits the snapshot, but the keys were changed since."""
    targets = with_app_keys(sim.targets, A, publisher=PrivateKey.generate().public, now_ms=sim.now_ms)
    _let_b_cover_everything(targets)
    sim.put_targets(targets)
    sim.commit()
    client.digests[2] = digest(b"")
    assert client.refusal() == "trust_not_signed"
    assert client.opens() == V1


@pytest.mark.parametrize("listed", ["index of version 1", "archive of version 1"])
def test_a_version_whose_two_targets_do_not_belong_together_is_refused(
    listed: str, client: Browser, sim: Simulator
) -> None:
    one, two = sim.build(A, 1), sim.build(A, 2)
    mixed = (
        msgspec.structs.replace(one, sequence=2)
        if listed == "index of version 1"
        else msgspec.structs.replace(two, package_digest=one.package_digest, package_bytes=one.package_bytes)
    )
    for path, target in mixed.targets().items():
        name = path.rpartition("/")[2]
        found = next(data for known, data in sim.files.items() if f"/{target.hashes['sha256']}.{name}" in known)
        sim.serve_target(path, found)
    sim.put(app_role(A), sign_body(sim.next_body(mixed), sim.publishers[A], sim.review))
    Scene(sim).offer_both()
    sim.commit()
    client.digests[2] = mixed.index_digest
    assert client.refusal() == "trust_bytes_differ"
    assert client.opens() == V1


def test_a_root_of_another_tree_is_no_anchor(sdk: Sdk, sim: Simulator, tmp_path: Path) -> None:
    other = Browser(sdk, tmp_path / "other", "http://127.0.0.1:9", sim)
    other.where["tree"] = "demo/trial"
    with pytest.raises(SdkRefused) as refused:
        sdk.ask("device.sync", other.where, None)
    assert refused.value.code == "trust_role_mismatch"
