"""Buckets: the hash itself, what a widening does, and that Unleash's own engine puts people in the same places."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yggdrasil_engine.engine import UnleashEngine

from sampan.platform.audience import buckets
from sampan.platform.audience.buckets import STEPS, UNLEASH_STEPS, Buckets, murmur3_32
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import Bucketing, compile_rule
from sampan.platform.identity.tiers import Tier

# Published test vectors of MurmurHash3_x86_32 (data, seed, hash).
VECTORS = [
    (b"", 0, 0x00000000),
    (b"", 1, 0x514E28B7),
    (b"", 0xFFFFFFFF, 0x81F16F39),
    (b"\xff\xff\xff\xff", 0, 0x76293B50),
    (b"!Ce\x87", 0, 0xF55B516B),
    (b"!Ce\x87", 0x5082EDEE, 0x2362F9DE),
    (b"!Ce", 0, 0x7E4A8634),
    (b"!C", 0, 0xA0F7B07A),
    (b"!", 0, 0x72661CF4),
    (b"\0\0\0\0", 0, 0x2362F9DE),
    (b"\0", 0, 0x514E28B7),
    (b"aaaa", 0x9747B28C, 0x5A97808A),
    (b"abc", 0, 0xB3DD93FA),
    (b"Hello, world!", 0x9747B28C, 0x24884CBA),
    (b"The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD),
]
IDS = [f"dev_{n:032x}" for n in range(10_000)]


@pytest.mark.parametrize(("data", "seed", "value"), VECTORS)
def test_the_hash_is_murmur3(data: bytes, seed: int, value: int) -> None:
    assert murmur3_32(data, seed) == value


@given(st.text(), st.text())
def test_the_library_and_our_own_hash_agree(salt: str, key: str) -> None:
    text = f"{salt}:{key}".encode("utf-8", "replace").decode()
    assert buckets.murmur3(text.encode()) == murmur3_32(text.encode())


def reached(salt: str, below: int) -> set[str]:
    rule = compile_rule({"attr": "percentage", "op": "below", "values": [below]}, Bucketing(salt))
    return {device for device in IDS if rule.matches(Facts(Tier.FULL, device=device))}


def test_a_widening_only_adds_people() -> None:
    before: set[str] = set()
    for below in (0, 1, 100, 500, 1000, 2000, 5000, 9999, STEPS):
        now = reached("rel_1", below)
        assert before <= now
        assert abs(len(now) - below) < 5 * 50  # five standard deviations of the widest stage
        before = now
    assert before == set(IDS)


def test_another_salt_draws_other_people() -> None:
    both = reached("rel_1", 1000) & reached("rel_2", 1000)
    assert 40 < len(both) < 170  # a tenth of a tenth


def test_signing_in_does_not_change_a_devices_place() -> None:
    rule = compile_rule({"attr": "percentage", "op": "below", "values": [3000]}, Bucketing("rel_1"))
    for device in IDS[:500]:
        visitor = Facts(Tier.VISITOR, 5, device=device)
        customer = Facts(Tier.FULL, 9, device=device, customer="cus_" + device[4:])
        assert rule.matches(visitor) is rule.matches(customer)


def test_by_customer_a_visitor_is_in_no_percentage() -> None:
    rule = compile_rule({"attr": "percentage", "op": "below", "values": [STEPS]}, Bucketing("cmp_1", by="customer"))
    assert rule.matches(Facts(Tier.FULL, customer="cus_1"))
    visitor = Facts(Tier.VISITOR, device=IDS[0])
    assert (rule.matches(visitor), rule.excludes(visitor)) == (False, False)


def test_unleash_puts_two_thousand_people_in_the_same_hundred_places() -> None:
    parameters = {"stickiness": "userId", "groupId": "bills.new-page"}
    features = [
        {
            "name": f"at-{percent}",
            "enabled": True,
            "strategies": [{"name": "flexibleRollout", "parameters": {**parameters, "rollout": str(percent)}}],
        }
        for percent in range(101)
    ]
    engine = UnleashEngine()
    engine.take_state(json.dumps({"version": 2, "features": features}))
    ours = Buckets("bills.new-page", UNLEASH_STEPS)
    for device in IDS[:2000]:
        place = ours.place(device) // 100  # 0 to 99; Unleash counts from 1
        context = {"userId": device}
        assert engine.is_enabled(f"at-{place + 1}", context).is_enabled
        assert not engine.is_enabled(f"at-{place}", context).is_enabled
