"""Sealed values open with their key, in their place, unchanged, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.crypto.problems import SealBroken
from sampan.platform.crypto.seal import Sealer, derive, mac, mac_is_good

MASTER, OTHER = b"m" * 32, b"o" * 32


@given(st.binary(max_size=300), st.text(max_size=40))
def test_a_sealed_value_opens_in_its_place(plain: bytes, context: str) -> None:
    sealer = Sealer(MASTER)
    sealed = sealer.seal(plain, context)
    assert sealer.open(sealed, context) == plain
    assert len(sealed) == len(plain) + 33


@given(st.data())
def test_any_changed_byte_breaks_the_seal(data: st.DataObject) -> None:
    sealed = bytearray(Sealer(MASTER).seal(b"secret", "here"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        Sealer(MASTER).open(bytes(sealed), "here")


@given(st.binary(max_size=60))
def test_random_bytes_are_no_sealed_value(data: bytes) -> None:
    with pytest.raises(SealBroken):
        Sealer(MASTER).open(data, "here")


def test_a_value_copied_to_another_place_or_key_does_not_open() -> None:
    sealed = Sealer(MASTER).seal(b"secret", "demo/totp/opr_1")
    with pytest.raises(SealBroken):
        Sealer(MASTER).open(sealed, "demo/totp/opr_2")
    with pytest.raises(SealBroken):
        Sealer(OTHER).open(sealed, "demo/totp/opr_1")


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert len({Sealer(MASTER).seal(b"secret", "here") for _ in range(100)}) == 100


def test_a_retired_master_key_still_opens_but_seals_no_more() -> None:
    old = Sealer(OTHER).seal(b"secret", "here")
    rotated = Sealer(MASTER, retired=(OTHER,))
    assert rotated.open(old, "here") == b"secret"
    assert not rotated.is_current(old)
    assert rotated.is_current(rotated.seal(b"secret", "here"))
    assert Sealer(MASTER).open(rotated.seal(b"secret", "here"), "here") == b"secret"


def test_a_customers_key_is_wrapped_and_without_it_nothing_opens() -> None:
    master = Sealer(MASTER)
    key, wrapped = master.new_key("demo/customer/7")
    theirs = master.unwrap(wrapped, "demo/customer/7")
    assert theirs.open(Sealer(key).seal(b"name", "n"), "n") == b"name"
    with pytest.raises(SealBroken):
        master.unwrap(wrapped, "demo/customer/8")
    with pytest.raises(SealBroken):
        master.open(wrapped, "demo/customer/7")
    with pytest.raises(SealBroken):
        master.unwrap(master.seal(key, "demo/customer/7"), "demo/customer/7")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_master_key_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"k" * size)


def test_a_sealer_does_not_show_its_key() -> None:
    assert MASTER.hex() not in repr(Sealer(MASTER))
    assert len(repr(Sealer(MASTER))) < 20


def test_purposes_give_independent_keys() -> None:
    assert derive(MASTER, "a") != derive(MASTER, "b")
    assert derive(MASTER, "a") == derive(MASTER, "a")
    assert derive(MASTER, "a") != derive(MASTER, "a", salt=b"x")
    assert len(derive(MASTER, "a", size_bytes=17)) == 17


def test_a_mac_holds_for_its_purpose_and_data_alone() -> None:
    value = mac(MASTER, "ticket", b"data")
    assert len(value) == 32
    assert mac_is_good(MASTER, "ticket", b"data", value)
    for key, purpose, data in ((OTHER, "ticket", b"data"), (MASTER, "other", b"data"), (MASTER, "ticket", b"date")):
        assert not mac_is_good(key, purpose, data, value)
    assert not mac_is_good(MASTER, "ticket", b"data", value[:-1])
