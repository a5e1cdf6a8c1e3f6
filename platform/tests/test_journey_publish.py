"""The main job with real parts, each in a process and folder of its own.

A publisher's plain H5 build becomes a signed package that a customer's device verifies and runs: `sampan` commands,
a server process with a component of the bank's own, officers, a reviewer, release managers, stock TUF clients from
PyPI and npm, and a simulated device. Then thieves try on a copy of the server's very own tree.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import test_trust_attacks as attacks
from journey_bank import A, B, Bank, open_bank, page
from journey_memory import found_in_files, found_in_memory, spellings
from journey_mirror import copied, server_key
from journey_people import until
from test_trust_attacks import Js, Refused, Scene, Stock
from trust_simulator import Simulator, served
from tufjs_runner import TufJs

from sampan.loadtests.device import SimulatedDevice
from sampan.offline_packages.roles import control_path, index_path, package_path
from sampan.platform.crypto.tuf_keys import key_id

pytestmark = pytest.mark.xdist_group("journey")  # one bank, not one for each worker


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bank, Simulator]]:
    """A bank, and a copy of its tree that lists version 1 of two apps, taken before any test goes on."""
    with open_bank(tmp_path_factory.mktemp("bank")) as bank:
        yield bank, copied(bank, tmp_path_factory.mktemp("mirror") / "packages")


@pytest.fixture
def bank(founded: tuple[Bank, Simulator]) -> Bank:
    return founded[0]


def test_a_build_of_others_becomes_what_a_customer_opens(bank: Bank, tmp_path: Path) -> None:
    bank.show(A)
    bank.release(A, 1)
    customer, full = bank.device("phone", tier="e_account"), bank.device("tablet", tier="full")
    visitor, lower = bank.device("visitor"), bank.device("lower", tier="registered")
    _run_until_installed(customer, 1)
    _run_until_installed(full, 1)
    for other in (visitor, lower):
        assert other.run().happenings == []
    assert _text(customer) == page(A, 1)
    _stock_clients_install(bank, tmp_path, 1)

    bank.publish(A, 2)
    second = bank.release(A, 2, "--rollback-to", "1")
    _run_until_installed(customer, 2)
    assert _text(customer) == page(A, 2)

    bank.maker.sampan("release", "rollback", second, "--cause", "customers complain")
    bank.wait_for_control(A, lambda control: bool(control["rollback"]))
    _run_until_installed(customer, 1)
    assert _text(customer) == page(A, 1)

    bank.checker.confirm()
    bank.checker.sampan("kill", A, "1", "--cause", "it leaks")
    bank.wait_for_control(A, lambda control: [each["sequence"] for each in control["killed"]] == [1])
    customer.run()
    assert not customer.open(A)
    assert bank.device("late", tier="full").run().apps("installed") == {}
    shown = bank.admins[0].api.get(f"/insight/releases/{second}/funnel")
    assert shown["devices"] == 1
    assert bank.admins[0].api.post("/audit/verify", {})["intact"]


def _run_until_installed(device: SimulatedDevice, sequence: int) -> None:
    def look() -> bool | None:
        device.run()
        state = device.store.state(A).current
        return (state is not None and state.sequence == sequence) or None

    until(look, lambda: str(device.status()))


def _text(device: SimulatedDevice) -> str:
    with device.device.open(A, now_ms=time.time_ns() // 1_000_000) as app:
        return app.package.read("index.html").decode()


def _stock_clients_install(bank: Bank, folder: Path, sequence: int) -> None:
    """Both stock clients verify the very bytes that the publisher packed."""
    wanted = bank.packages[A, sequence].read_bytes()
    js = TufJs(folder / "js", bank.tree, bank.root)
    js.refresh()
    names = (index_path(A, sequence), package_path(A, sequence), control_path(A))
    assert js.download(*names)[1] == wanted
    for name in ("metadata", "targets"):
        (folder / "stock" / name).mkdir(parents=True)
    Stock(folder / "stock", bank.tree, bank.root).take(sequence)
    assert wanted in [path.read_bytes() for path in (folder / "stock" / "targets").iterdir()]


class RealScene(Scene):
    """The copied tree instead of a simulated one: its control files have their own serials."""

    def offer_both(self) -> None:
        self.sim.set_control(A, "9.1", offerable=[1, 2])


def timestamp_of_yesterday(scene: Scene) -> None:
    """The mirror alone, without any key: it shows an older timestamp again."""
    old = scene.sim.files["metadata/timestamp.json"]
    scene.honest_two()
    scene.sim.files["metadata/timestamp.json"] = old


def timestamp_thief_shows_an_old_snapshot(scene: Scene) -> None:
    assert scene.sim.snapshot is not None
    version = scene.sim.snapshot.version
    old = scene.sim.files[f"metadata/{version}.snapshot.json"]
    scene.honest_two()
    scene.sim.serve_timestamp(old, version)


def snapshot_thief_lists_no_app(scene: Scene) -> None:
    scene.honest_two()
    scene.sim.steal_snapshot({f"app.{A}": None})


NUMBERS_OF_A_FRESH_TREE = {attacks.timestamp_thief_withholds_the_new_snapshot, attacks.wrong_type}
TABLE = [
    *(row for row in attacks.TABLE if row.attack not in NUMBERS_OF_A_FRESH_TREE),
    attacks.Row(timestamp_of_yesterday, "install_not_listed", "TargetNotFound", "TargetNotFound"),
    attacks.Row(timestamp_thief_shows_an_old_snapshot, "install_not_listed", "TargetNotFound", "TargetNotFound"),
    attacks.Row(snapshot_thief_lists_no_app, "trust_refused", "RepositoryError", "snapshot|Missing|No version"),
]
SHOWN_TO_JS = {
    attacks.freeze,
    attacks.mix_and_match,
    attacks.role_of_b_lists_a,
    attacks.publisher_alone,
    attacks.platform_alone,
    attacks.package_byte,
    timestamp_thief_shows_an_old_snapshot,
}
ATTACKS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.attack.__name__)


@pytest.fixture
def mirror(founded: tuple[Bank, Simulator], tmp_path: Path) -> Simulator:
    """The copied tree, to be spoiled."""
    fork = founded[1].fork()
    fork.folder = tmp_path / "packages"
    fork.set_control(A, "8.1", offerable=[1])
    fork.commit()
    return fork


@ATTACKS
def test_our_device_refuses_and_keeps_the_old_version(row: attacks.Row, mirror: Simulator, tmp_path: Path) -> None:
    with served(mirror.files) as address:
        client = attacks.our_client(tmp_path, address, mirror)
        row.attack(RealScene(mirror))
        client.digests[2] = attacks._digest(mirror, 2)
        assert attacks.attempt(client) == row.ours
        assert client.opens() == page(A, 1)


@ATTACKS
def test_the_stock_client_refuses(row: attacks.Row, mirror: Simulator, tmp_path: Path) -> None:
    with served(mirror.files) as address:
        client = Stock(tmp_path / "stock", address, mirror.root)
        client.take(1)
        row.attack(RealScene(mirror))
        assert attacks.attempt(client) == row.python


@pytest.mark.node
@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.attack in SHOWN_TO_JS], ids=lambda row: row.attack.__name__
)
def test_the_stock_js_client_refuses(row: attacks.Row, mirror: Simulator, tmp_path: Path) -> None:
    with served(mirror.files) as address:
        client = Js(tmp_path / "js", address, mirror.root)
        client.take(1)
        row.attack(RealScene(mirror))
        with pytest.raises(Refused, match=row.js):
            client.take(2)


def test_without_an_attack_the_copied_tree_is_followed(mirror: Simulator, tmp_path: Path) -> None:
    """The control of the table above."""
    with served(mirror.files) as address:
        ours, stock = attacks.our_client(tmp_path, address, mirror), Stock(tmp_path / "stock", address, mirror.root)
        stock.take(1)
        RealScene(mirror).honest_two()
        ours.digests[2] = attacks._digest(mirror, 2)
        stock.take(2)
        ours.take(2)
        assert ours.opens() == page(A, 2)


def test_two_candidates_and_an_urgent_third_in_between(bank: Bank) -> None:
    bank.submit(B, 3)
    bank.submit(B, 7)
    assert bank.states(B) == {1: "published", 3: "in_review", 7: "uploaded"}
    bank.submit(B, 5, "--urgent")
    assert bank.states(B)[5] == "uploaded"
    bank.reviewer.api.post(f"/apps/{B}/versions/5/bring-forward", {"note": "a hotfix"})
    assert bank.states(B) == {1: "published", 3: "uploaded", 5: "in_review", 7: "uploaded"}
    bank.approve(B, 5)
    assert bank.states(B) == {1: "published", 3: "sequence_superseded", 5: "published", 7: "needs_signature"}

    signed = bank.developer.sampan("publish", bank.packages[B, 7], "--resign", "--no-trial")
    assert signed["state"] == "in_review"
    again = bank.developer.sampan("publish", bank.packages[B, 3], "--resequence", "8", "--no-trial")
    assert (again["sequence"], again["state"]) == (8, "uploaded")
    following = bank.developer.begin("publish", again_path(bank, 8), "--resign", "--wait", "--no-trial")
    try:
        bank.approve(B, 7)
        bank.wait_for(B, 8, "in_review")
        bank.approve(B, 8)
        out, err = following.communicate(timeout=60)
    finally:
        following.kill()
    assert following.returncode == 0, out + err
    assert bank.states(B) == {
        1: "published",
        3: "sequence_superseded",
        5: "published",
        7: "published",
        8: "published",
    }


def again_path(bank: Bank, sequence: int) -> Path:
    """Return the package that `--resequence` wrote beside the old one."""
    old = bank.packages[B, 3]
    return old.with_name(f"{old.stem}-{sequence}{old.suffix}")


def test_no_private_key_of_a_publisher_or_officer_is_ever_at_the_server(bank: Bank) -> None:
    others = {
        **{f"officer {number}": each.key("officer.pem") for number, each in enumerate(bank.admins)},
        "officer 3": bank.officer_3.key("officer.pem"),
        "publisher": bank.developer.key("publisher.pem"),
        "publisher, trial": bank.developer.key("publisher.trial.pem"),
    }
    needles = {spelling: f"{who}: {form}" for who, key in others.items() for form, spelling in spellings(key).items()}
    assert len(needles) >= 5 * len(others)  # base64 and base64url are often the same
    assert [(path, needles[found]) for path, found in found_in_files(bank.server.data, needles)] == []
    assert [needles[found] for found in found_in_memory(bank.server.pid, needles)] == []
    copies = [path for path in bank.server.data.rglob("*") if path.name in ("officer.pem", "publisher.pem")]
    assert copies == []


def test_the_search_finds_what_is_there(bank: Bank) -> None:
    """The control of the test above: the server's own key in its memory, public keys in its database."""
    review = spellings(server_key(bank, "review"))
    assert review["seed"] in found_in_memory(bank.server.pid, review.values())
    assert found_in_files(bank.server.data, review.values()) == []
    public = key_id(bank.developer.key("publisher.pem").public).encode()
    assert {path.name for path, _ in found_in_files(bank.server.data, [public])} & {
        "sampan.sqlite",
        "sampan.sqlite-wal",
    }
    own = bank.developer.folder / "plain.bin"
    own.write_bytes(b"before" + spellings(bank.developer.key("publisher.pem"))["PKCS#8"] + b"after")
    found = found_in_files(bank.developer.folder, spellings(bank.developer.key("publisher.pem")).values())
    assert {path for path, _ in found} == {own}
