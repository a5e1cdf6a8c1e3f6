"""The attack table: what a thief or a hostile mirror does, against three clients.

Each client has version 1 installed from an honest tree; then the attack happens and the client tries to take
version 2. It must refuse; our own must name the refusal, and still open version 1. (ota research 3.2 and more.)
"""

import functools
import gc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from trust_simulator import DAY_MS, ENDLESS, Simulator, served
from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import TargetFile, Targets
from tuf.ngclient import Updater
from tufjs_runner import TufJs, TufJsRefused

from sampan.offline_packages.device import Device, Hint
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.fetching import HttpFetch
from sampan.offline_packages.roles import app_role, index_path, package_path
from sampan.offline_packages.signed_bytes import read_body, sign_body
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import to_tuf_key
from sampan.platform.errors import SampanError
from sampan.platform.trust.bodies import make_root, with_app_keys

A, B = "bank.demo.a", "bank.demo.b"
V1 = "<!doctype html><title>bank.demo.a 1</title>"


class Refused(Exception):
    """Any client's refusal; `name` is its class or our code."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Stock:
    """PyPI tuf's ngclient, unmodified, with its own HTTP."""

    def __init__(self, folder: Path, base_url: str, root: bytes) -> None:
        self._make = functools.partial(
            Updater,
            str(folder / "metadata"),
            f"{base_url}/metadata/",
            str(folder / "targets"),
            f"{base_url}/targets/",
            bootstrap=root,
        )

    def take(self, sequence: int) -> None:
        refusal = self._try(sequence)
        with warnings.catch_warnings():  # after a refusal it leaves its socket to the garbage collector
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        if refusal:
            raise Refused(refusal)

    def _try(self, sequence: int) -> str:
        updater = self._make()
        try:
            for path in (index_path(A, sequence), package_path(A, sequence)):
                info = updater.get_targetinfo(path)
                if info is None:
                    return "TargetNotFound"
                updater.download_target(info)
        except (tuf_errors.RepositoryError, tuf_errors.DownloadError) as problem:
            return type(problem).__name__
        return ""


class Js:
    """npm tuf-js, unmodified."""

    def __init__(self, folder: Path, base_url: str, root: bytes) -> None:
        self._client = TufJs(folder, base_url, root)

    def take(self, sequence: int) -> None:
        try:
            self._client.download(index_path(A, sequence), package_path(A, sequence))
        except TufJsRefused as problem:
            raise Refused(str(problem)) from problem


class Ours:
    """Our verifier and store; `hint` is what a hostile sync would say."""

    def __init__(self, folder: Path, base_url: str, root: bytes, simulator: Simulator) -> None:
        fetch = HttpFetch(timeout_seconds=10)
        tree = TrustedTree(folder / "trust", base_url=base_url, tree="demo/intl", root=root, fetch=fetch)
        self.device = Device(tree, DeviceStore(folder / "store"), fetch)
        self._simulator = simulator
        self.digests: dict[int, str] = {}

    def take(self, sequence: int) -> None:
        try:
            for problem in self.device.sync(now_ms=self._simulator.now_ms).values():
                raise problem
            self.device.apply(Hint(A, sequence=sequence, digest=self.digests[sequence]))
        except SampanError as problem:
            raise Refused(problem.code) from problem
        with self.device.open(A, now_ms=self._simulator.now_ms):
            self.device.booted(A)

    def opens(self) -> str:
        with self.device.open(A, now_ms=self._simulator.now_ms) as app:
            return app.package.read("index.html").decode()


@dataclass
class Scene:
    """A tree with version 1 published and version 2 packed but not yet in the role."""

    sim: Simulator

    def offer_both(self) -> None:
        self.sim.set_control(A, "1.2", offerable=[1, 2])

    def honest_two(self) -> None:
        self.sim.publish(A, 2)
        self.offer_both()
        self.sim.commit()

    def signed_by(self, *keys: PrivateKey) -> None:
        self.sim.publish(A, 2, signers=keys)
        self.offer_both()
        self.sim.commit()


Attack = Callable[[Scene], None]


def timestamp_thief_withholds_the_new_snapshot(scene: Scene) -> None:
    old = scene.sim.files["metadata/1.snapshot.json"]
    scene.honest_two()
    scene.sim.serve_timestamp(old, 1)


def freeze(scene: Scene) -> None:
    scene.sim.publish(A, 2)
    scene.offer_both()
    scene.sim.commit(now_ms=scene.sim.now_ms - 2 * DAY_MS)


def mix_and_match(scene: Scene) -> None:
    old = scene.sim.bodies[app_role(A)]
    scene.honest_two()
    scene.sim.files[f"metadata/2.{app_role(A)}.json"] = old


def role_of_b_lists_a(scene: Scene) -> None:
    version = scene.sim.build(A, 2)
    body = Targets(1, None, read_body(scene.sim.bodies[app_role(A)], Targets).expires, dict(version.targets()))
    body.unrecognized_fields = {"x-sampan-role": app_role(B), "x-sampan-tree": scene.sim.tree}
    scene.sim.put(app_role(B), sign_body(body, scene.sim.publishers[B], scene.sim.review))
    scene.offer_both()
    scene.sim.commit()


def publisher_alone(scene: Scene) -> None:
    scene.signed_by(scene.sim.publishers[A])


def platform_alone(scene: Scene) -> None:
    scene.signed_by(scene.sim.review)


def two_publishers(scene: Scene) -> None:
    scene.signed_by(scene.sim.publishers[A], scene.sim.publishers[B])


def platform_signs_with_all_it_has(scene: Scene) -> None:
    sim = scene.sim
    scene.signed_by(sim.review, sim.control_key, sim.snapshot_key, sim.timestamp_key)


def signed_part_changed_after_signing(scene: Scene) -> None:
    scene.honest_two()
    path = f"metadata/2.{app_role(A)}.json"
    scene.sim.files[path] = scene.sim.files[path].replace(b'"x-sampan-version":"1.0.2"', b'"x-sampan-version":"1.0.3"')


def package_byte(scene: Scene) -> None:
    scene.honest_two()
    _flip(scene, "package.ma")


def index_byte(scene: Scene) -> None:
    scene.honest_two()
    _flip(scene, "index.json")


def _flip(scene: Scene, name: str) -> None:
    path = next(path for path in scene.sim.files if f"/{A}/2/" in path and path.endswith(name))
    data = bytearray(scene.sim.files[path])
    data[len(data) // 2] ^= 1
    scene.sim.files[path] = bytes(data)


def endless_timestamp(scene: Scene) -> None:
    scene.honest_two()
    scene.sim.files["metadata/timestamp.json"] = ENDLESS


def endless_package(scene: Scene) -> None:
    scene.honest_two()
    for path in [path for path in scene.sim.files if f"/{A}/2/" in path]:
        scene.sim.files[path] = ENDLESS


def foreign_root(scene: Scene) -> None:
    scene.honest_two()
    sim = scene.sim
    officers = [PrivateKey.generate() for _ in range(3)]
    root = make_root(
        sim.tree,
        [officer.public for officer in officers],
        snapshot=sim.snapshot_key.public,
        timestamp=sim.timestamp_key.public,
        now_ms=sim.now_ms,
    )
    root.version = 2
    sim.files["metadata/2.root.json"] = sign_body(root, *officers)


def one_officer_replaces_the_root(scene: Scene) -> None:
    scene.honest_two()
    root = make_root(
        scene.sim.tree,
        [officer.public for officer in scene.sim.officers],
        snapshot=scene.sim.control_key.public,
        timestamp=PrivateKey.generate().public,
        now_ms=scene.sim.now_ms,
    )
    root.version = 2
    scene.sim.files["metadata/2.root.json"] = sign_body(root, scene.sim.officers[0])


def role_leaves_the_snapshot(scene: Scene) -> None:
    scene.honest_two()
    scene.sim.steal_snapshot({app_role(B): None})


def wrong_type(scene: Scene) -> None:
    scene.honest_two()
    scene.sim.files["metadata/timestamp.json"] = scene.sim.files["metadata/2.snapshot.json"]


def not_json(scene: Scene) -> None:
    scene.honest_two()
    scene.sim.files["metadata/timestamp.json"] = b"<html>captive portal</html>"


def metadata_missing(scene: Scene) -> None:
    scene.honest_two()
    del scene.sim.files[f"metadata/2.{app_role(A)}.json"]


def expired_app_role(scene: Scene) -> None:
    version = scene.sim.build(A, 2)
    body = scene.sim.next_body(version)
    body.expires = body.expires.replace(year=body.expires.year - 2)
    scene.sim.put(app_role(A), sign_body(body, scene.sim.publishers[A], scene.sim.review))
    scene.offer_both()
    scene.sim.commit()


def unlisted(scene: Scene) -> None:
    """The mirror serves a package that no role lists."""
    scene.sim.build(A, 2)
    scene.offer_both()
    scene.sim.commit()


@dataclass(frozen=True)
class Row:
    attack: Attack
    ours: str
    python: str
    js: str


TABLE = [
    Row(timestamp_thief_withholds_the_new_snapshot, "install_not_listed", "TargetNotFound", "TargetNotFound"),
    Row(freeze, "trust_expired", "ExpiredMetadataError", "expired"),
    Row(mix_and_match, "trust_rolled_back", "BadVersionNumberError", "Unable to load targets"),
    Row(role_of_b_lists_a, "install_not_listed", "TargetNotFound", "TargetNotFound"),
    Row(publisher_alone, "trust_not_signed", "UnsignedMetadataError", "1/2|not signed|threshold"),
    Row(platform_alone, "trust_not_signed", "UnsignedMetadataError", "1/2|not signed|threshold"),
    Row(two_publishers, "trust_not_signed", "UnsignedMetadataError", "1/2|not signed|threshold"),
    Row(platform_signs_with_all_it_has, "trust_not_signed", "UnsignedMetadataError", "1/2|threshold"),
    Row(signed_part_changed_after_signing, "trust_not_signed", "UnsignedMetadataError", "0/2|threshold"),
    Row(package_byte, "archive_mismatch", "LengthOrHashMismatchError", "hash"),
    Row(index_byte, "trust_bytes_differ", "LengthOrHashMismatchError", "hash"),
    Row(endless_timestamp, "trust_too_long", "DownloadLengthMismatchError", "Max length"),
    Row(endless_package, "trust_too_long", "DownloadLengthMismatchError", "Max length"),
    Row(foreign_root, "trust_not_signed", "UnsignedMetadataError", "root"),
    Row(one_officer_replaces_the_root, "trust_not_signed", "UnsignedMetadataError", "root"),
    Row(role_leaves_the_snapshot, "trust_refused", "RepositoryError", "snapshot|Missing"),
    Row(wrong_type, "trust_refused", "RepositoryError", "."),
    Row(not_json, "trust_refused", "DeserializationError", "."),
    Row(metadata_missing, "trust_unreachable", "DownloadHTTPError", "404|Failed to download"),
    Row(expired_app_role, "trust_expired", "ExpiredMetadataError", "expired"),
    Row(unlisted, "install_not_listed", "TargetNotFound", "TargetNotFound"),
]
ATTACKS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.attack.__name__)


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    simulator = Simulator(tmp_path / "tree")
    simulator.add_app(A)
    simulator.add_app(B)
    simulator.publish(A, 1)
    simulator.publish(B, 1)
    simulator.set_control(A, "1.1", offerable=[1])
    simulator.commit()
    return simulator


def our_client(tmp_path: Path, base_url: str, sim: Simulator) -> Ours:
    client = Ours(tmp_path / "ours", base_url, sim.root, sim)
    client.digests[1] = _digest(sim, 1)
    client.take(1)
    return client


def _digest(sim: Simulator, sequence: int) -> str:
    """The digest a hostile sync would name: that of the index the mirror serves, true or not."""
    for path in sim.files:
        if f"/{A}/{sequence}/" in path and path.endswith("index.json"):
            return f"sha256:{path.rpartition('/')[2].partition('.')[0]}"
    return digest(b"")


def attempt(client: Stock | Js | Ours, sequence: int = 2) -> str:
    with pytest.raises(Refused) as refusal:
        client.take(sequence)
    return refusal.value.name


@ATTACKS
def test_our_verifier_refuses_and_keeps_the_old_version_running(row: Row, sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        row.attack(Scene(sim))
        client.digests[2] = _digest(sim, 2)
        assert attempt(client) == row.ours
        assert client.opens() == V1


@ATTACKS
def test_the_stock_python_client_refuses(row: Row, sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = Stock(tmp_path / "stock", base_url, sim.root)
        client.take(1)
        row.attack(Scene(sim))
        assert attempt(client) == row.python


@pytest.mark.node
@ATTACKS
def test_the_stock_js_client_refuses(row: Row, sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = Js(tmp_path / "js", base_url, sim.root)
        client.take(1)
        row.attack(Scene(sim))
        with pytest.raises(Refused, match=row.js):
            client.take(2)


def test_without_an_attack_ours_and_the_stock_python_client_take_version_two(sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        ours, stock = our_client(tmp_path, base_url, sim), Stock(tmp_path / "stock", base_url, sim.root)
        stock.take(1)
        Scene(sim).honest_two()
        ours.digests[2] = _digest(sim, 2)
        stock.take(2)
        ours.take(2)
        assert ours.opens() == V1.replace(" 1<", " 2<")


@pytest.mark.node
def test_without_an_attack_the_stock_js_client_takes_version_two(sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        js = Js(tmp_path / "js", base_url, sim.root)
        js.take(1)
        Scene(sim).honest_two()
        js.take(2)


def _go_back(sim: Simulator, how: str, yesterday: dict[str, bytes]) -> None:
    if how == "old mirror":
        sim.files.clear()
        sim.files.update(yesterday)
    elif how == "timestamp key, snapshot":
        sim.serve_timestamp(yesterday["metadata/1.snapshot.json"], 1)
    elif how == "online keys, role":
        sim.steal_snapshot({app_role(A): 1})
    else:
        sim.steal_snapshot({"targets": 2})


BACK = pytest.mark.parametrize(
    "how", ["old mirror", "timestamp key, snapshot", "online keys, role", "online keys, targets"]
)


@BACK
def test_our_verifier_refuses_to_go_back(how: str, sim: Simulator, tmp_path: Path) -> None:
    old = dict(sim.files)
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        Scene(sim).honest_two()
        client.digests[2] = _digest(sim, 2)
        client.take(2)
        _go_back(sim, how, old)
        assert attempt(client, 1) == "trust_rolled_back"
        assert client.opens() == V1.replace(" 1<", " 2<")


@BACK
def test_the_stock_python_client_refuses_to_go_back(how: str, sim: Simulator, tmp_path: Path) -> None:
    old = dict(sim.files)
    with served(sim.files) as base_url:
        client = Stock(tmp_path / "stock", base_url, sim.root)
        Scene(sim).honest_two()
        client.take(2)
        _go_back(sim, how, old)
        assert attempt(client, 1) == "BadVersionNumberError"


@pytest.mark.node
@BACK
def test_the_stock_js_client_refuses_to_go_back(how: str, sim: Simulator, tmp_path: Path) -> None:
    old = dict(sim.files)
    with served(sim.files) as base_url:
        client = Js(tmp_path / "js", base_url, sim.root)
        Scene(sim).honest_two()
        client.take(2)
        _go_back(sim, how, old)
        with pytest.raises(Refused, match="version"):
            client.take(1)


def _three_keys(targets: Targets, sim: Simulator) -> None:
    """Careless officers add a second publisher key instead of replacing the first."""
    second = to_tuf_key(sim.publishers[B].public)
    targets.add_key(second, app_role(A))


def _one_key_twice(targets: Targets, sim: Simulator) -> None:
    twin = to_tuf_key(sim.publishers[A].public)
    twin.keyid = "f" * 64
    targets.revoke_key(to_tuf_key(sim.review.public).keyid, app_role(A))
    targets.add_key(twin, app_role(A))


def _threshold_one(targets: Targets, sim: Simulator) -> None:
    assert targets.delegations is not None
    assert targets.delegations.roles is not None
    targets.delegations.roles[app_role(A)].threshold = 1


def _wider_paths(targets: Targets, sim: Simulator) -> None:
    assert targets.delegations is not None
    assert targets.delegations.roles is not None
    targets.delegations.roles[app_role(A)].paths = ["apps/*/*/*"]


@pytest.mark.parametrize("careless", [_three_keys, _one_key_twice, _threshold_one, _wider_paths])
def test_our_verifier_refuses_a_delegation_that_lets_one_party_publish_alone(
    careless: Callable[[Targets, Simulator], None], sim: Simulator, tmp_path: Path
) -> None:
    """Stock clients obey whatever two officers signed; ours and the server do not sign or obey these."""
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        targets = sim.targets
        targets.version += 1
        careless(targets, sim)
        sim.put_targets(targets)
        sim.publish(A, 2, signers=[sim.publishers[A], sim.publishers[B], sim.review])
        Scene(sim).offer_both()
        sim.commit()
        client.digests[2] = _digest(sim, 2)
        assert attempt(client) == "trust_delegation_unsafe"
        assert client.opens() == V1


def test_an_earlier_role_over_the_same_paths_cannot_stand_in_for_the_apps_own(sim: Simulator, tmp_path: Path) -> None:
    """python-tuf follows the first terminating match; our layer asks for the app's own role by name."""
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        targets = sim.targets
        targets.version += 1
        _let_b_cover_everything(targets)
        sim.put_targets(targets)
        sim.publish(A, 2)
        Scene(sim).offer_both()
        sim.commit()
        client.digests[2] = _digest(sim, 2)
        assert attempt(client) == "trust_rolled_back"
        assert client.opens() == V1


def test_a_body_of_another_app_or_tree_is_refused_although_its_keys_fit(sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        for field, value in (("x-sampan-role", app_role(B)), ("x-sampan-tree", "demo/trial")):
            body = read_body(sim.bodies[app_role(A)], Targets)
            body.version += 1
            body.unrecognized_fields = {
                "x-sampan-role": app_role(A),
                "x-sampan-tree": sim.tree,
                field: value,
            }
            sim.put(app_role(A), sign_body(body, sim.publishers[A], sim.review))
            sim.commit()
            client.digests[2] = digest(b"")
            assert attempt(client) == "trust_role_mismatch"
            assert client.opens() == V1


def test_a_version_with_one_target_or_no_floor_is_refused(sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        body = read_body(sim.bodies[app_role(A)], Targets)
        body.version += 1
        body.targets[index_path(A, 2)] = TargetFile.from_data(index_path(A, 2), b"{}")
        sim.put(app_role(A), sign_body(body, sim.publishers[A], sim.review))
        sim.commit()
        client.digests[2] = digest(b"{}")
        assert attempt(client) == "trust_malformed"
        assert client.opens() == V1


def test_an_expired_role_blocks_its_own_app_alone(sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        sim.set_control(B, "1.1", offerable=[1])
        expired_app_role(Scene(sim))
        assert list(client.device.sync(now_ms=sim.now_ms)) == [A]
        version = client.device.tree.app(B).version(1)
        assert client.device.apply(Hint(B, sequence=1, digest=version.index_digest)) is not None


def test_a_stale_role_file_behind_an_earlier_role_is_not_believed(sim: Simulator, tmp_path: Path) -> None:
    """The version fits the snapshot, but the keys were changed since, or the body has expired."""
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        targets = with_app_keys(sim.targets, A, publisher=PrivateKey.generate().public, now_ms=sim.now_ms)
        _let_b_cover_everything(targets)
        sim.put_targets(targets)
        sim.commit()
        client.digests[2] = digest(b"")
        assert attempt(client) == "trust_not_signed"
        assert client.opens() == V1


def test_an_expired_role_file_behind_an_earlier_role_is_not_believed(sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        targets = sim.targets
        targets.version += 1
        _let_b_cover_everything(targets)
        sim.put_targets(targets)
        expired_app_role(Scene(sim))
        local = tmp_path / "ours" / "trust" / "metadata" / f"{app_role(A)}.json"
        local.write_bytes(sim.bodies[app_role(A)])
        client.digests[2] = _digest(sim, 2)
        assert attempt(client) == "trust_expired"
        assert client.opens() == V1


def _let_b_cover_everything(targets: Targets) -> None:
    assert targets.delegations is not None
    assert targets.delegations.roles is not None
    roles = targets.delegations.roles
    roles[app_role(B)].paths = ["apps/*/*/*"]
    targets.delegations.roles = {app_role(B): roles.pop(app_role(B)), **roles}


@pytest.mark.parametrize("role", ["targets", "control"])
def test_bodies_of_another_tree_are_refused_even_under_the_same_keys(role: str, sim: Simulator, tmp_path: Path) -> None:
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        body = read_body(sim.bodies[role], Targets)
        body.version += 1
        body.unrecognized_fields["x-sampan-tree"] = "demo/trial"
        keys = sim.officers[:2] if role == "targets" else [sim.control_key]
        sim.put(role, sign_body(body, *keys))
        sim.commit()
        client.digests[2] = digest(b"")
        assert attempt(client) == "trust_role_mismatch"
        assert client.opens() == V1


def test_a_root_of_another_tree_is_no_anchor(sim: Simulator, tmp_path: Path) -> None:
    with pytest.raises(SampanError) as refused:
        TrustedTree(tmp_path, base_url="http://mirror", tree="demo/trial", root=sim.root, fetch=HttpFetch())
    assert refused.value.code == "trust_role_mismatch"


@pytest.mark.parametrize("listed", ["index of version 1", "archive of version 1"])
def test_a_version_whose_two_targets_do_not_belong_together_is_refused(
    listed: str, sim: Simulator, tmp_path: Path
) -> None:
    """Both signed it by mistake; the device still does not run one version under another's number."""
    with served(sim.files) as base_url:
        client = our_client(tmp_path, base_url, sim)
        one = client.device.tree.app(A).version(1)
        two = sim.build(A, 2)
        mixed = (
            msgspec.structs.replace(one, sequence=2)
            if listed == "index of version 1"
            else msgspec.structs.replace(two, package_digest=one.package_digest, package_bytes=one.package_bytes)
        )
        for path, target in mixed.targets().items():
            name = path.rpartition("/")[2]
            bytes_of = next(data for known, data in sim.files.items() if f"/{target.hashes['sha256']}.{name}" in known)
            sim.serve_target(path, bytes_of)
        sim.put(app_role(A), sign_body(sim.next_body(mixed), sim.publishers[A], sim.review))
        Scene(sim).offer_both()
        sim.commit()
        client.digests[2] = mixed.index_digest
        assert attempt(client) == "trust_bytes_differ"
        assert client.opens() == V1
