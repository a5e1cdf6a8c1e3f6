"""Releases with every kind of rule: sync offers exactly what `decide` says, and evaluates what can apply alone."""

from collections.abc import Sequence
from typing import Any

from audience_drawn import facts, rules
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sampan.platform.audience.conditions import Tests
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.index import VALUES_KEPT, RuleIndex, Sieve
from sampan.platform.audience.rules import Bucketing, Condition, Group, compile_rule, for_tiers
from sampan.platform.identity.tiers import Tier
from sampan.platform.insight.tickets import Tickets
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, decide
from sampan.platform.release.sync import ReleasesPart

TICKETS = Tickets(bytes(32))


def candidate(sequence: int, rule: Any, *, client_app: str | None = None, min_host: int = 1) -> Candidate:
    release = f"rel_{sequence}"
    return Candidate(
        release_id=release,
        sequence=sequence,
        version=f"1.{sequence}.0",
        digest=f"sha256:{sequence:064x}",
        size_bytes=1000,
        url="/trust/x",
        update="async",
        min_host=min_host,
        client_app=client_app,
        audience=compile_rule(rule, Bucketing(release)),
    )


def app(number: int, candidates: Sequence[Candidate]) -> DeliverableSnapshot:
    return DeliverableSnapshot("miniapp", f"com.example.app{number}", candidates)


candidates = st.builds(
    candidate,
    st.integers(1, 50),
    rules,
    client_app=st.sampled_from([None, "retail", "staff"]),
    min_host=st.sampled_from([1, 3, 5]),
)


@given(st.lists(st.lists(candidates, max_size=3), max_size=4), st.lists(facts, min_size=1, max_size=4))
def test_sync_plans_what_decide_decides(apps: list[list[Candidate]], callers: list[Facts]) -> None:
    part = ReleasesPart([app(number, found) for number, found in enumerate(apps)], {})
    for caller in callers:
        for host in (0, 3, 9):
            wanted = [decide(caller, Context(host), snapshot).candidate for snapshot in part.deliverables]
            planned = part.plan(caller, host, TICKETS)
            assert [item.sequence for item in planned.ready] == [found.sequence for found in wanted if found]


def counted(rule: Any, calls: list[str]) -> Any:
    """Return the compiled rule; each look at its tag is noted."""
    compiled = compile_rule(rule)
    assert isinstance(compiled.root, Group)
    tiers, tag = compiled.root.parts
    assert isinstance(tag, Condition)
    look = tag.tests.holds

    def holds(caller: Facts) -> bool:
        calls.append(caller.device)
        return look(caller)

    noted = replace(tag, tests=Tests(holds, tag.tests.fails))
    return replace(compiled, root=replace(compiled.root, parts=(tiers, noted)))


def test_what_cannot_apply_to_a_tier_is_not_evaluated() -> None:
    calls: list[str] = []
    rule = {"all": [for_tiers(Tier.FULL), {"attr": "tag", "op": "in", "values": ["vip"]}]}
    compiled = counted(rule, calls)
    found = candidate(1, {"all": []})
    part = ReleasesPart([app(number, [replace(found, audience=compiled)]) for number in range(100)], {})
    for number in range(3):
        assert part.plan(Facts(Tier.VISITOR, number, device="v", tags={"vip": {1}}), 1, TICKETS).ready == []
    assert calls == []
    assert len(part.plan(Facts(Tier.FULL, 1, device="f", tags={"vip": {1}}), 1, TICKETS).ready) == 100
    assert calls == ["f"] * 100


def test_a_stage_that_widens_takes_nobody_out() -> None:
    reached: set[str] = set()
    for below in (100, 1000, 5000, 10_000):
        rule = {"all": [for_tiers(Tier.FULL), {"attr": "percentage", "op": "below", "values": [below]}]}
        part = ReleasesPart([app(1, [candidate(1, rule)])], {})
        devices = [f"dev_{number:032x}" for number in range(1000)]
        now = {device for device in devices if part.plan(Facts(Tier.FULL, 1, device=device), 1, TICKETS).ready}
        assert reached <= now
        reached = now
    assert len(reached) == 1000


def test_what_clients_claim_does_not_fill_the_memory() -> None:
    rule = {"attr": "app_version", "op": "at_least", "values": ["1.5"]}
    sieve = Sieve(RuleIndex([("item", compile_rule(rule))]).candidates(Facts(Tier.FULL)))
    for number in range(3 * VALUES_KEPT):
        found = sieve.passing(Facts(Tier.FULL, app_version=f"1.{number}"))
        assert found == (["item"] if number >= 5 else [])
    (column,) = sieve._columns
    assert len(column._masks) <= VALUES_KEPT
