"""The install rule and the open rule: tables of cases, and properties that no control file can break."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.offline_packages.control import Control, Killed, Rollback, Stack
from sampan.offline_packages.install_rule import (
    CLOCK_SLACK_MS,
    DAY_MS,
    InstallRefused,
    Offered,
    Opening,
    OpenRefused,
    check_install,
    check_open,
    check_revert,
    check_stack,
)
from sampan.offline_packages.roles import AppRole, SignedHotfix, SignedVersion

APP = "bank.demo.a"


def sha(sequence: int) -> str:
    return f"sha256:{sequence:064x}"


def role(floors: Mapping[int, int]) -> AppRole:
    """A role with these sequences and the floor each carries."""
    versions = {
        number: SignedVersion(APP, number, f"1.0.{number}", floor, sha(number), 10, sha(1000 + number), 20)
        for number, floor in floors.items()
    }
    return AppRole(APP, "demo/intl", 3, 0, versions)


def control(
    offerable: tuple[int, ...] = (1, 2, 3),
    *,
    killed: tuple[int, ...] = (),
    rollback: tuple[tuple[int, int], ...] = (),
    max_offline_days: int | None = None,
) -> Control:
    return Control(
        APP,
        "1.5",
        offerable,
        tuple(Killed(number, sha(number), "unsafe") for number in killed),
        (),
        tuple(Rollback(high, to, sha(to), "1.4") for high, to in rollback),
        max_offline_days=max_offline_days,
    )


def verdict(
    sequence: int, signed: AppRole, file: Control, highest: int, failed: frozenset[str] = frozenset(), digest: str = ""
) -> str:
    try:
        check_install(Offered(sequence, digest or sha(sequence)), signed, file, highest=highest, failed=failed)
    except InstallRefused as refusal:
        return refusal.code
    return "ok"


PLAIN = {1: 0, 2: 0, 3: 0}


@pytest.mark.parametrize(
    ("sequence", "floors", "file", "highest", "expected"),
    [
        (1, PLAIN, control(), 0, "ok"),
        (3, PLAIN, control(), 2, "ok"),
        (2, PLAIN, control(), 2, "ok"),
        (4, PLAIN, control((4,)), 0, "install_not_listed"),
        (3, PLAIN, control((1, 2)), 2, "install_not_offerable"),
        (3, PLAIN, control((1, 2), killed=(3,)), 2, "install_killed"),
        (3, PLAIN, control(killed=(3,)), 0, "install_killed"),
        (1, {1: 0, 2: 2, 3: 0}, control(), 0, "install_below_floor"),
        (2, {1: 0, 2: 2, 3: 0}, control(), 0, "ok"),
        (1, PLAIN, control(), 2, "install_downgrade"),
        (1, PLAIN, control(rollback=((2, 1),)), 2, "ok"),
        (1, PLAIN, control(rollback=((3, 1),)), 2, "install_downgrade"),
        (1, PLAIN, control(rollback=((2, 1),)), 3, "install_downgrade"),
        (2, PLAIN, control(rollback=((3, 1),)), 3, "install_downgrade"),
        (1, PLAIN, control((2, 3), rollback=((2, 1),)), 2, "install_not_offerable"),
        (1, PLAIN, control(killed=(1,), rollback=((2, 1),)), 2, "install_killed"),
        (1, {1: 0, 2: 2, 3: 0}, control(rollback=((2, 1),)), 2, "install_below_floor"),
        (1, {}, control(), 0, "install_not_listed"),
    ],
)
def test_the_install_rule(sequence: int, floors: dict[int, int], file: Control, highest: int, expected: str) -> None:
    assert verdict(sequence, role(floors), file, highest) == expected


def test_another_digest_under_a_signed_sequence_is_not_that_version() -> None:
    assert verdict(2, role(PLAIN), control(), 0, digest=sha(3)) == "install_not_listed"


def test_a_kill_hits_by_sequence_or_by_digest() -> None:
    by_digest = Control(APP, "1.5", (1, 2), (Killed(9, sha(2), "unsafe"),), (), ())
    by_sequence = Control(APP, "1.5", (1, 2), (Killed(2, sha(9), "unsafe"),), (), ())
    assert verdict(2, role(PLAIN), by_digest, 0) == "install_killed"
    assert verdict(2, role(PLAIN), by_sequence, 0) == "install_killed"


def stacked(*stacks: Stack, offerable: tuple[int, ...] = (), killed: tuple[Killed, ...] = ()) -> Control:
    return Control(APP, "1.5", offerable, killed, stacks, ())


def stack_verdict(stack: Stack, signed: AppRole, file: Control, failed: frozenset[str] = frozenset()) -> str:
    try:
        return ",".join(str(each.n) for each in check_stack(stack, signed, file, failed=failed))
    except InstallRefused as refusal:
        return refusal.code


def fixed(*numbers: int, floors: Mapping[int, int] = PLAIN) -> AppRole:
    """A role whose version 2 has these hotfixes."""
    listed = {(2, n): SignedHotfix(APP, 2, n, sha(100 + n), 1, sha(200 + n), 1) for n in numbers}
    return msgspec.structs.replace(role(floors), hotfixes=listed)


GOOD = Stack(2, ("1", "3"), sha(77))


@pytest.mark.parametrize(
    ("stack", "signed", "file", "failed", "expected"),
    [
        (GOOD, fixed(1, 2, 3), stacked(GOOD), (), "1,3"),
        (GOOD, fixed(1, 3), stacked(Stack(2, ("1",), sha(1)), GOOD, offerable=(1, 3)), (), "1,3"),
        (GOOD, fixed(1, 2), stacked(GOOD), (), "hotfix_not_listed"),
        (GOOD, role({1: 0, 3: 0}), stacked(GOOD), (), "hotfix_not_listed"),
        (GOOD, fixed(1, 3), stacked(), (), "hotfix_not_listed"),
        (GOOD, fixed(1, 3), stacked(Stack(2, ("1", "3"), sha(78))), (), "hotfix_not_listed"),
        (GOOD, fixed(1, 2, 3), stacked(Stack(2, ("1", "2"), sha(77))), (), "hotfix_not_listed"),
        (GOOD, fixed(1, 3), stacked(Stack(1, ("1", "3"), sha(77))), (), "hotfix_not_listed"),
        (GOOD, fixed(1, 3), stacked(GOOD, killed=(Killed(2, sha(2), "x"),)), (), "install_killed"),
        (GOOD, fixed(1, 3), stacked(GOOD, killed=(Killed(9, sha(2), "x"),)), (), "install_killed"),
        (GOOD, fixed(1, 3), stacked(GOOD, killed=(Killed(9, sha(77), "x"),)), (), "install_killed"),
        (GOOD, fixed(1, 3, floors={1: 0, 2: 0, 3: 3}), stacked(GOOD), (), "install_below_floor"),
        (GOOD, fixed(1, 3), stacked(GOOD), (sha(77),), "install_failed_here"),
        (GOOD, fixed(1, 3), stacked(GOOD), (sha(2),), "1,3"),
    ],
)
def test_the_rule_of_stacks(
    stack: Stack, signed: AppRole, file: Control, failed: tuple[str, ...], expected: str
) -> None:
    assert stack_verdict(stack, signed, file, frozenset(failed)) == expected


def test_a_rollback_entry_holds_for_its_digest_alone() -> None:
    file = Control(APP, "1.5", (1, 2), (), (), (Rollback(2, 1, sha(9), "1.4"),))
    assert verdict(1, role(PLAIN), file, 2) == "install_downgrade"


def test_a_package_that_failed_here_is_not_taken_again() -> None:
    assert verdict(2, role(PLAIN), control(), 2, failed=frozenset({sha(2)})) == "install_failed_here"


@pytest.mark.parametrize(
    ("started", "file", "expected"),
    [
        (1, control(), "ok"),
        (2, control(), "install_downgrade"),
        (2, control(rollback=((2, 1),)), "ok"),
        (1, control((2,)), "install_not_offerable"),
        (1, control(killed=(1,)), "install_killed"),
    ],
)
def test_the_boot_watchdog_goes_back_by_the_same_rule(started: int, file: Control, expected: str) -> None:
    found = "ok"
    try:
        check_revert(Offered(1, sha(1)), role(PLAIN), file, highest_before=started)
    except InstallRefused as refusal:
        found = refusal.code
    assert found == expected


MONEY = control((2,), max_offline_days=7)
NOW = 1_000 * DAY_MS


@pytest.mark.parametrize(
    ("installed", "floors", "file", "is_listed", "age_ms", "expected"),
    [
        (2, PLAIN, control(), True, 0, Opening(may_move_money=True)),
        (1, PLAIN, control((2, 3)), True, 0, Opening(may_move_money=True)),  # no longer offerable keeps opening
        (1, {}, control(()), True, 900 * DAY_MS, Opening(may_move_money=True)),  # expired long ago keeps opening
        (1, PLAIN, control(killed=(1,)), True, 0, "open_killed"),
        (1, {1: 0, 2: 2}, control(), True, 0, "open_below_floor"),
        (1, PLAIN, control(), False, 0, "open_not_for_you"),
        (None, PLAIN, control(), True, 0, "open_nothing_installed"),
        (2, PLAIN, MONEY, True, 7 * DAY_MS, Opening(may_move_money=True)),
        (2, PLAIN, MONEY, True, 7 * DAY_MS + 1, Opening(may_move_money=False, why="offline_too_long")),
        (2, PLAIN, MONEY, True, -CLOCK_SLACK_MS, Opening(may_move_money=True)),
        (2, PLAIN, MONEY, True, -CLOCK_SLACK_MS - 1, Opening(may_move_money=False, why="clock_moved_back")),
    ],
)
def test_the_open_rule(
    installed: int | None,
    floors: dict[int, int],
    file: Control,
    is_listed: bool,
    age_ms: int,
    expected: Opening | str,
) -> None:
    found: Opening | str
    try:
        found = check_open(
            Offered(installed, sha(installed)) if installed else None,
            role(floors),
            file,
            app_id=APP,
            is_listed=is_listed,
            last_verified_ms=NOW - age_ms,
            now_ms=NOW,
        )
    except OpenRefused as refusal:
        found = refusal.code
    assert found == expected


def test_without_any_verified_control_no_money_moves() -> None:
    opening = check_open(Offered(1, sha(1)), None, None, app_id=APP, is_listed=True, last_verified_ms=0, now_ms=NOW)
    assert opening == Opening(may_move_money=False, why="control_missing")


SEQUENCES = st.integers(1, 6)
ROLES = st.dictionaries(SEQUENCES, st.integers(0, 6), max_size=6).map(
    lambda floors: role({number: min(floor, number) for number, floor in floors.items()})
)
PAIRS = st.tuples(SEQUENCES, SEQUENCES).filter(lambda pair: pair[1] < pair[0])
CONTROLS = st.builds(
    lambda offerable, killed, rollback: control(tuple(sorted(offerable)), killed=killed, rollback=rollback),
    st.sets(SEQUENCES),
    st.lists(SEQUENCES, max_size=3).map(tuple),
    st.lists(PAIRS, max_size=3).map(tuple),
)


@given(SEQUENCES, ROLES, CONTROLS, st.integers(0, 6))
def test_whatever_control_says_only_doubly_signed_versions_at_or_above_the_floor_install(
    sequence: int, signed: AppRole, thief: Control, highest: int
) -> None:
    if verdict(sequence, signed, thief, highest) == "ok":
        assert sequence in signed.versions
        assert sequence >= signed.floor
        assert sequence in thief.offerable
        assert sequence not in {entry.sequence for entry in thief.killed}
        assert sequence >= highest or (highest, sequence) in {(entry.from_, entry.to) for entry in thief.rollback}


@given(SEQUENCES, ROLES, CONTROLS, st.integers(0, 6), SEQUENCES)
def test_a_kill_or_a_higher_mark_never_opens_what_was_refused(
    sequence: int, signed: AppRole, file: Control, highest: int, victim: int
) -> None:
    before = verdict(sequence, signed, file, highest)
    killed = control(
        file.offerable,
        killed=(*(entry.sequence for entry in file.killed), victim),
        rollback=tuple((entry.from_, entry.to) for entry in file.rollback),
    )
    if before != "ok":
        assert verdict(sequence, signed, killed, highest) != "ok"
        bare = control(file.offerable, killed=tuple(entry.sequence for entry in file.killed))
        assert verdict(sequence, signed, bare, highest + 1) != "ok"


@given(st.lists(st.tuples(SEQUENCES, st.sets(SEQUENCES)), max_size=20))
def test_without_rollback_entries_a_device_never_goes_down(hints: list[tuple[int, set[int]]]) -> None:
    signed, highest, taken = role(dict.fromkeys(range(1, 7), 0)), 0, []
    for sequence, offerable in hints:
        if verdict(sequence, signed, control(tuple(sorted(offerable))), highest) == "ok":
            highest = max(highest, sequence)
            taken.append(sequence)
    assert taken == sorted(taken)


@given(SEQUENCES, ROLES, CONTROLS, st.integers(0, 6))
def test_the_watchdog_is_never_looser_than_an_offer(kept: int, signed: AppRole, file: Control, started: int) -> None:
    try:
        check_revert(Offered(kept, sha(kept)), signed, file, highest_before=started)
    except InstallRefused:
        return
    assert verdict(kept, signed, file, started) == "ok"
