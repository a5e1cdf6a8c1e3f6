"""control/<app>.json: one spelling, every field checked, serials compared incarnation first."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.offline_packages.control import (
    Control,
    Killed,
    Message,
    Rollback,
    Serial,
    Stack,
    check_not_older,
    parse_control,
    suspended,
)
from sampan.offline_packages.trust_errors import ControlMalformed, RolledBack

APP = "bank.demo.a"
DIGEST = "sha256:" + "ab" * 32
FULL = Control(
    APP,
    "2.7",
    (1, 2, 5),
    (Killed(3, DIGEST, "data_leak"),),
    (Stack(5, ("1", "2"), DIGEST),),
    (Rollback(5, 2, DIGEST, "2.6"),),
    max_offline_days=14,
    message=Message(zh="请更新", en="Please update"),
)


def test_the_documented_form() -> None:
    assert json.loads(FULL.to_bytes()) == {
        "app": APP,
        "serial": "2.7",
        "offerable": [1, 2, 5],
        "killed": [{"sequence": 3, "digest": DIGEST, "code": "data_leak"}],
        "stacks": [{"sequence": 5, "patches": ["1", "2"], "digest": DIGEST}],
        "rollback": [{"from": 5, "to": 2, "digest": DIGEST, "serial": "2.6"}],
        "max_offline_days": 14,
        "message": {"zh": "请更新", "en": "Please update"},
    }


def test_it_is_read_back() -> None:
    assert parse_control(FULL.to_bytes(), APP) == FULL


def test_optional_members_are_left_out() -> None:
    plain = Control(APP, "1.1", (), (), (), ())
    assert plain.to_bytes() == (
        b'{"app":"bank.demo.a","killed":[],"offerable":[],"rollback":[],"serial":"1.1","stacks":[]}'
    )


def changed(**members: Any) -> bytes:
    value = json.loads(FULL.to_bytes())
    value.update(members)
    kept = {key: member for key, member in value.items() if member is not ...}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


OTHER_FORMS = [
    FULL.to_bytes() + b"\n",
    b" " + FULL.to_bytes(),
    FULL.to_bytes().replace(b'"serial"', b'"serial":"9.9","serial"', 1),
    b"[]",
    b"",
    b"[" * 100_000,
    b" " * 300_000,
    changed(app="bank.demo.b"),
    changed(app="../etc"),
    changed(extra=1),
    changed(offerable=...),
    changed(message=None),
    changed(serial="02.7"),
    changed(serial="2"),
    changed(serial=7),
    changed(serial="-1.7"),
    changed(offerable=[2, 1]),
    changed(offerable=[1, 1]),
    changed(offerable=[0]),
    changed(offerable=["1"]),
    changed(offerable=[True]),
    changed(offerable=[2**53]),
    changed(killed=[{"sequence": 3, "digest": "sha256:AB", "code": "x"}]),
    changed(killed=[{"sequence": 3, "digest": DIGEST, "code": "<b>"}]),
    changed(killed=[{"sequence": 3, "digest": DIGEST}]),
    *(
        changed(stacks=[{"sequence": 5, "patches": patches, "digest": DIGEST}])
        for patches in ([], ["h1"], [1], ["01"], ["2", "1"], ["1", "1"], ["10000"], [str(n) for n in range(1, 34)])
    ),
    changed(rollback=[{"from": 2, "to": 5, "digest": DIGEST, "serial": "2.6"}]),
    changed(rollback=[{"from": 5, "to": 2, "digest": DIGEST, "serial": "2.8"}]),
    changed(max_offline_days=0),
    changed(max_offline_days=99999),
    changed(message={"en": "x"}),
]


@pytest.mark.parametrize("data", OTHER_FORMS, ids=range(len(OTHER_FORMS)))
def test_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(ControlMalformed):
        parse_control(data, APP)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(ControlMalformed):
        parse_control(data, APP)


@given(st.tuples(st.integers(0, 99), st.integers(0, 99)), st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_serials_compare_incarnation_first(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (Serial(*one) < Serial(*other)) == (one < other)
    assert Serial.parse(str(Serial(*one))) == Serial(*one)


@pytest.mark.parametrize(("seen", "new"), [("2.7", "2.6"), ("2.7", "1.99"), ("10.0", "9.9"), ("1.10", "1.9")])
def test_a_lower_serial_is_refused(seen: str, new: str) -> None:
    old = msgspec.structs.replace(FULL, serial=seen)
    with pytest.raises(RolledBack):
        check_not_older(msgspec.structs.replace(FULL, serial=new), old)


def test_an_equal_serial_with_another_content_is_refused() -> None:
    with pytest.raises(RolledBack):
        check_not_older(msgspec.structs.replace(FULL, offerable=(1,)), FULL)


@pytest.mark.parametrize(("seen", "new"), [("2.7", "2.7"), ("2.7", "2.8"), ("1.99", "2.0"), ("1.9", "1.10")])
def test_an_equal_file_or_a_higher_serial_is_taken(seen: str, new: str) -> None:
    old = msgspec.structs.replace(FULL, serial=seen, rollback=())
    check_not_older(msgspec.structs.replace(old, serial=new), old)
    check_not_older(old, None)


def test_suspension_offers_nothing_and_keeps_the_kills() -> None:
    stopped = suspended(FULL, Serial(2, 8))
    assert stopped.offerable == ()
    assert stopped.killed == FULL.killed
    check_not_older(stopped, FULL)
