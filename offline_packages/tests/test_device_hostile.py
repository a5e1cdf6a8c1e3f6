"""A device between a hostile sync, a hostile mirror and thieves of the platform's online keys.

Whatever they say, what runs was signed by publisher and reviewer and is at or above the floor, and what ran
before keeps running.
"""

import copy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trust_simulator import DAY_MS, MemoryFetch, Simulator, device

from sampan.offline_packages.control import Control, Killed, Rollback
from sampan.offline_packages.device import MAX_BOOTS, Device, Hint
from sampan.offline_packages.install_rule import InstallRefused, OpenRefused
from sampan.offline_packages.roles import SignedVersion, app_role, control_path
from sampan.offline_packages.trust_errors import RolledBack, TrustRefused, Unreachable
from sampan.platform.errors import SampanError

A = "bank.demo.a"


class World:
    """One app with versions 1 and 2 published, a mirror, and a device that runs version 1."""

    def __init__(self, folder: Path) -> None:
        self.sim = Simulator(folder / "tree")
        self.sim.add_app(A)
        self.versions: dict[int, SignedVersion] = {1: self.sim.publish(A, 1)}
        self.sim.set_control(A, "1.1", offerable=[1], max_offline_days=7)
        self.sim.commit()
        self.fetch = MemoryFetch(self.sim.files)
        self.device: Device = device(folder / "device", self.sim, self.fetch)
        self.n = 1
        self.take(1)
        self.boot()

    def fork(self, folder: Path) -> "World":
        """The same tree with a fresh device; what happens there stays there."""
        other = copy.copy(self)
        other.sim = self.sim.fork()
        other.fetch = MemoryFetch(other.sim.files)
        other.device = device(folder, other.sim, other.fetch)
        return other

    @property
    def now_ms(self) -> int:
        return self.sim.now_ms

    def control(
        self, *offerable: int, killed: tuple[int, ...] = (), rollback: tuple[tuple[int, int], ...] = ()
    ) -> None:
        """What the platform (or a thief of its control key) signs."""
        self.n += 1
        self.sim.set_control(
            A,
            f"1.{self.n}",
            offerable=sorted(offerable),
            killed=[Killed(number, self.digest(number), "unsafe") for number in killed],
            rollback=[Rollback(high, to, self.digest(to), f"1.{self.n}") for high, to in rollback],
            max_offline_days=7,
        )
        self.sim.commit()

    def digest(self, sequence: int) -> str:
        known = self.versions.get(sequence)
        return known.index_digest if known else f"sha256:{sequence:064x}"

    def publish(self, sequence: int, *, floor: int = 0) -> None:
        self.versions[sequence] = self.sim.publish(A, sequence, floor=floor)
        self.sim.commit()

    def take(self, sequence: int) -> None:
        assert self.device.sync(now_ms=self.now_ms) == {}
        self.device.apply(Hint(A, sequence=sequence, digest=self.digest(sequence)))

    def boot(self) -> None:
        with self.device.open(A, now_ms=self.now_ms):
            self.device.booted(A)

    def runs(self) -> int:
        """The sequence that opens, as its own content tells it."""
        with self.device.open(A, now_ms=self.now_ms) as app:
            text = app.package.read("index.html").decode()
        return int(text.removeprefix(f"<!doctype html><title>{A} ").partition("<")[0])

    def refusal(self, hint: Hint) -> str:
        assert self.device.sync(now_ms=self.now_ms) == {}
        with pytest.raises(SampanError) as refused:
            self.device.apply(hint)
        return refused.value.code


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def two(world: World) -> World:
    world.publish(2)
    world.control(1, 2)
    world.take(2)
    world.boot()
    return world


def test_a_hint_for_an_older_version_is_refused_without_a_signed_entry(two: World) -> None:
    assert two.refusal(Hint(A, action="rollback", sequence=1, digest=two.digest(1))) == "install_downgrade"
    assert two.runs() == 2


def test_a_signed_rollback_entry_leads_back_and_the_mark_stays(two: World) -> None:
    two.control(1, 2, rollback=((2, 1),))
    two.take(1)
    two.boot()
    assert two.runs() == 1
    assert two.device.store.state(A).highest == 2
    two.control(1, 2)
    two.take(2)
    assert two.runs() == 2


@pytest.mark.parametrize("sequence", [3, 2**53 - 1])
def test_a_hint_for_an_unsigned_version_is_refused(two: World, sequence: int) -> None:
    two.control(1, 2, sequence)
    assert two.refusal(Hint(A, sequence=sequence, digest=two.digest(sequence))) == "install_not_listed"
    assert two.runs() == 2


def test_a_hint_with_a_foreign_digest_is_refused(world: World) -> None:
    world.publish(2)
    world.control(1, 2)
    assert world.refusal(Hint(A, sequence=2, digest=world.digest(1))) == "install_not_listed"
    assert world.runs() == 1


def test_a_hint_for_an_app_without_a_role_is_refused(world: World) -> None:
    assert world.refusal(Hint("bank.demo.ghost", sequence=1, digest=world.digest(1))) == "trust_not_listed"


@pytest.mark.parametrize("app", ["../../etc", "A", "bank.*", ""])
def test_a_hint_with_an_id_that_is_a_path_is_refused(world: World, app: str) -> None:
    assert world.refusal(Hint(app, sequence=1, digest=world.digest(1))) == "trust_malformed"


def test_a_remove_hint_wipes_nothing_that_may_open(two: World) -> None:
    two.device.sync(now_ms=two.now_ms)
    assert two.device.apply(Hint(A, action="remove")) is not None
    assert two.runs() == 2


def test_a_remove_hint_deletes_what_control_has_killed(two: World) -> None:
    two.control(1, killed=(2,))
    two.device.sync(now_ms=two.now_ms)
    assert two.device.apply(Hint(A, action="remove")) is None
    assert two.device.store.state(A).highest == 2


def test_an_app_that_sync_no_longer_lists_is_closed_until_it_does_again(two: World) -> None:
    two.device.sync(listed=[], now_ms=two.now_ms)
    with pytest.raises(OpenRefused, match="not available") as refused:
        two.runs()
    assert refused.value.code == "open_not_for_you"
    two.device.sync(listed=[A], now_ms=two.now_ms)
    assert two.runs() == 2


def test_a_kill_closes_the_app_and_survives_the_network(two: World) -> None:
    two.control(1, killed=(2,))
    two.device.sync(now_ms=two.now_ms)
    two.fetch.is_online = False
    with pytest.raises(OpenRefused) as refused:
        two.runs()
    assert refused.value.code == "open_killed"


def test_a_floor_closes_what_is_below_it(two: World) -> None:
    two.publish(3, floor=3)
    two.device.sync(now_ms=two.now_ms)
    with pytest.raises(OpenRefused) as refused:
        two.runs()
    assert refused.value.code == "open_below_floor"


def test_a_thief_of_control_cannot_lower_the_floor(two: World) -> None:
    two.publish(3, floor=3)
    two.control(1, 2, 3, rollback=((2, 1),))
    assert two.refusal(Hint(A, sequence=1, digest=two.digest(1))) == "install_below_floor"
    assert two.refusal(Hint(A, sequence=2, digest=two.digest(2))) == "install_below_floor"


def _only(refused: dict[str, SampanError]) -> str:
    assert set(refused) == {A}
    return refused[A].code


def test_a_lower_control_serial_is_refused_and_the_later_one_obeyed(two: World) -> None:
    two.control(1, killed=(2,))
    two.device.sync(now_ms=two.now_ms)
    two.sim.set_control(A, "1.1", offerable=[1, 2])
    two.sim.commit()
    assert _only(two.device.sync(now_ms=two.now_ms)) == "trust_rolled_back"
    with pytest.raises(OpenRefused):
        two.runs()


def test_a_restored_server_raises_the_incarnation_and_is_obeyed(two: World) -> None:
    two.sim.set_control(A, "2.0", offerable=[1, 2])
    two.sim.commit()
    assert two.device.sync(now_ms=two.now_ms) == {}
    assert two.device.tree.obeyed_control(A) == Control(A, "2.0", (1, 2), (), (), ())


@pytest.mark.parametrize("data", [b"{}", b"not json", b'{"app":"bank.demo.a"}', b" " * 400_000])
def test_a_hostile_control_file_is_refused_and_the_last_good_one_obeyed(two: World, data: bytes) -> None:
    two.sim.set_control_bytes(A, data)
    two.sim.commit()
    assert _only(two.device.sync(now_ms=two.now_ms)) in {"control_malformed", "trust_too_long"}
    assert two.runs() == 2


def test_a_control_file_with_other_bytes_than_the_signed_ones_is_refused(two: World) -> None:
    two.control(1, 2)
    true = two.sim.controls[A]
    path = next(path for path, data in two.sim.files.items() if data == true)
    two.sim.files[path] = true.replace(b"[1,2]", b"[1,9]")
    assert _only(two.device.sync(now_ms=two.now_ms)) == "trust_bytes_differ"
    assert two.runs() == 2


def test_a_withheld_control_file_stops_the_money_in_time_but_not_the_app(two: World) -> None:
    two.control(1, 2)
    for path in [path for path in two.sim.files if path.startswith(f"targets/{control_path(A).partition('/')[0]}")]:
        del two.sim.files[path]
    late = two.now_ms + 8 * DAY_MS
    assert _only(two.device.sync(now_ms=late)) == "trust_unreachable"
    with two.device.open(A, now_ms=late) as app:
        assert (app.may_move_money, app.why) == (False, "offline_too_long")


def test_an_expired_control_role_installs_nothing_and_keeps_opening(two: World) -> None:
    two.publish(3)
    two.n += 1
    two.sim.set_control(A, f"1.{two.n}", offerable=[1, 2, 3])
    two.sim.put_control_role(now_ms=two.now_ms - 2 * DAY_MS)
    two.sim.commit()
    assert _only(two.device.sync(now_ms=two.now_ms)) == "trust_expired"
    with pytest.raises(TrustRefused) as refused:
        two.device.apply(Hint(A, sequence=3, digest=two.digest(3)))
    assert refused.value.code == "trust_expired"
    assert two.runs() == 2


def test_without_network_the_app_opens_and_money_stops_after_the_days(two: World) -> None:
    two.fetch.is_online = False
    with pytest.raises(Unreachable):
        two.device.sync(now_ms=two.now_ms)
    for days, may in ((0, True), (7, True), (8, False)):
        with two.device.open(A, now_ms=two.now_ms + days * DAY_MS) as app:
            assert app.may_move_money is may


def test_nothing_is_believed_before_a_refresh(two: World, tmp_path: Path) -> None:
    fresh = device(tmp_path / "fresh", two.sim, two.fetch)
    with pytest.raises(Unreachable):
        fresh.apply(Hint(A, sequence=2, digest=two.digest(2)))


def test_a_version_that_never_boots_gives_way_to_the_kept_one_and_is_not_taken_again(world: World) -> None:
    world.publish(2)
    world.control(1, 2)
    world.take(2)
    for _ in range(MAX_BOOTS):
        assert world.runs() == 2
    assert world.runs() == 1
    assert world.refusal(Hint(A, sequence=2, digest=world.digest(2))) == "install_failed_here"
    world.publish(3)
    world.control(1, 3)
    world.take(3)
    assert world.runs() == 3


def test_the_watchdog_stays_when_the_kept_version_may_not_be_installed(world: World) -> None:
    world.publish(2)
    world.control(2)
    world.take(2)
    for _ in range(MAX_BOOTS + 2):
        assert world.runs() == 2


def test_a_booted_version_is_left_by_a_signed_entry_alone(two: World) -> None:
    for _ in range(MAX_BOOTS + 2):
        assert two.runs() == 2


def test_the_watchdog_needs_the_signed_entry_to_go_below_what_has_started(two: World) -> None:
    """2 ran, an entry led back to 1, 2 came again and fails: without the entry nothing leads to 1 any more."""
    two.control(1, 2, rollback=((2, 1),))
    two.take(1)
    two.boot()
    two.control(1, 2)
    two.take(2)
    for _ in range(MAX_BOOTS + 2):
        assert two.runs() == 2
    two.control(1, 2, rollback=((2, 1),))
    two.device.sync(now_ms=two.now_ms)
    assert two.runs() == 1


def test_a_mirror_with_the_online_keys_cannot_bring_back_an_older_role(two: World) -> None:
    two.sim.steal_snapshot({app_role(A): 1})
    with pytest.raises(RolledBack):
        two.device.sync(now_ms=two.now_ms)
    assert two.runs() == 2


def test_a_device_that_lost_its_metadata_still_remembers_the_role_it_saw(two: World) -> None:
    """Emptied metadata loses python-tuf's memory; the obeyed copy keeps ours."""
    two.sim.steal_snapshot({app_role(A): 1})
    metadata = two.device.tree._metadata
    for path in metadata.glob("*.json"):
        path.unlink()
    assert _only(two.device.sync(now_ms=two.now_ms)) == "trust_rolled_back"
    assert two.runs() == 2


SEQUENCES = st.integers(1, 5)
MOVES = st.one_of(
    st.tuples(st.just("hint"), SEQUENCES, SEQUENCES),
    st.tuples(st.just("control"), st.sets(SEQUENCES), st.sets(SEQUENCES, max_size=1)),
    st.tuples(st.just("rollback"), SEQUENCES, SEQUENCES),
    st.tuples(st.just("role"), st.integers(1, 4), st.none()),
    st.tuples(st.just("boot"), st.booleans(), st.none()),
    st.tuples(st.just("network"), st.booleans(), st.none()),
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four signed versions; floor 2 from version 3 on."""
    world = World(tmp_path_factory.mktemp("prepared"))
    for sequence, floor in ((2, 0), (3, 2), (4, 0)):
        world.publish(sequence, floor=floor)
    return world


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVES, max_size=12))
def test_thieves_of_all_online_keys_only_choose_among_signed_versions_above_the_floor(
    prepared: World, tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, object, object]]
) -> None:
    """Sync, mirror, snapshot, timestamp and control keys in one hostile hand."""
    world = prepared.fork(tmp_path_factory.mktemp("victim"))
    victim = world.device
    signed = {version.index_digest: number for number, version in world.versions.items()}
    role_version = 0
    for move, one, other in moves:
        before = victim.store.state(A).current
        try:
            _make(world, victim, move, one, other)
        except (InstallRefused, TrustRefused, OpenRefused, Unreachable):
            assert victim.store.state(A).current == before
        role = victim.tree.obeyed_role(A)
        current = victim.store.state(A).current
        if role is None or current is None:
            continue
        assert role.metadata_version >= role_version
        role_version = role.metadata_version
        assert signed[current.digest] == current.sequence
        assert current == before or current.sequence >= role.floor
        with victim.store.open(A) as package:
            assert f"{A} {current.sequence}<" in package.read("index.html").decode()


def _make(world: World, victim: Device, move: str, one: object, other: object) -> None:
    if move == "hint":
        assert isinstance(one, int)
        assert isinstance(other, int)
        victim.sync(now_ms=world.now_ms)
        victim.apply(Hint(A, sequence=one, digest=world.digest(other if other == one else one)))
    elif move == "control":
        assert isinstance(one, set)
        assert isinstance(other, set)
        world.control(*one, killed=tuple(other))
    elif move == "rollback":
        assert isinstance(one, int)
        assert isinstance(other, int)
        if other < one:
            world.control(1, 2, 3, 4, 5, rollback=((one, other),))
    elif move == "role":
        assert isinstance(one, int)
        world.sim.steal_snapshot({app_role(A): one})
    elif move == "boot":
        victim.open(A, now_ms=world.now_ms).package.close()
        if one:
            victim.booted(A)
    else:
        world.fetch.is_online = bool(one)
