"""How many a rule reaches: sets agree with looking at each customer; and explaining and estimating by HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from audience_drawn import CUSTOMERS, LABELS, SAVED, TAGS, rules
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from sampan.platform.audience import estimate
from sampan.platform.audience.claims import claims_kept, put_claims, read_claims
from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.reach import World, customer_ids, is_set_rule, split, tier_sets
from sampan.platform.audience.rules import compile_rule
from sampan.platform.console_app import PREFIX
from sampan.platform.core import Core
from sampan.platform.identity.service_customers import erase
from sampan.platform.identity.subjects import ERASED, UNKNOWN
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.release.sync import SyncDevice
from sampan.platform.testing import WORKSPACE, client, running_core
from sampan.platform.testing_device import Clock, TestDevice, add_retail_app

pytestmark = pytest.mark.anyio
NUMBERED = {customer: number for number, customer in enumerate(CUSTOMERS, start=1)}


def is_about_customers(rule: Any) -> bool:
    return is_set_rule(compile_rule(rule), {})


def _conditions(attr: str, values: list[str], *ops: str, most: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(st.sampled_from(values), min_size=1, max_size=most)
    return st.builds(lambda op, found: {"attr": attr, "op": op, "values": found}, st.sampled_from(ops), some)


set_conditions = st.one_of(
    _conditions("tier", LABELS, "in", "not_in"),
    _conditions("tier", LABELS, "at_least", "below", most=1),
    _conditions("tag", [*TAGS, "gone"], "in", "not_in", "has_all"),
    _conditions("customer", CUSTOMERS, "in", "not_in"),
    _conditions("audience", SAVED, "in", "not_in"),
)
set_rules = st.recursive(
    set_conditions,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
plain = set_conditions.filter(lambda rule: rule["attr"] != "audience")


@given(set_rules, st.lists(plain, max_size=2), st.lists(st.sampled_from([0, 1, 2, 3, ERASED, UNKNOWN]), max_size=12))
async def test_sets_are_what_looking_at_each_customer_gives(rule: Any, saved: list[Any], tiers: list[int]) -> None:
    audiences = dict(zip(SAVED[:2], map(compile_rule, saved), strict=False))
    tags = {name: BitMap(members) for name, members in TAGS.items()}
    known = {customer: number for customer, number in NUMBERED.items() if number < len(tiers)}
    world = World(tier_sets(bytes(tiers)), tags, audiences, known)
    compiled = compile_rule(rule)
    assert is_set_rule(compiled, audiences)
    found = split(compiled, world)
    names = {number: customer for customer, number in known.items()}
    for number, tier in enumerate(tiers):
        is_customer = 0 < tier <= 3
        facts = Facts(
            Tier(tier if is_customer else 0), number, customer=names.get(number, "cus"), tags=tags, audiences=audiences
        )
        assert (number in found.inside) is (is_customer and compiled.matches(facts))
        assert (number in found.outside) is (is_customer and compiled.excludes(facts))


@given(rules)
async def test_a_rule_that_looks_at_a_device_is_no_set(rule: Any) -> None:
    compiled = compile_rule(rule)
    own = {"tier", "tag", "customer", "audience"}
    assert is_set_rule(compiled, {}) is (compiled.attributes <= own)
    assert customer_ids(compiled, {}) <= set(CUSTOMERS)


@dataclass
class Desk:
    """A server with a full customer on one device, 30 registered ones, and a visitor's device."""

    core: Core
    http: httpx2.AsyncClient
    headers: dict[str, str]
    customer: str
    device: str
    visitor: str

    async def post(self, path: str, body: Any, *, status: int = 200, headers: Any = None) -> Any:
        found = await self.http.post(f"{PREFIX}{path}", json=body, headers=headers or self.headers)
        assert found.status_code == status, found.text
        return found.json()

    async def explain(self, rule: Any, **whom: Any) -> Any:
        return await self.post("/audience/explain", {"audience": rule, "reason": "A customer asked", **whom})


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    clock = Clock()
    async with running_core(tmp_path_factory.mktemp("desk"), now_ms=clock) as core, client(core) as http:
        yield await furnished(core, http, clock)


async def furnished(core: Core, http: httpx2.AsyncClient, clock: Clock) -> Desk:
    await add_retail_app(core)
    await core.replica.poll()
    headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin", "service_desk"))
    phone = "+8613800000001"
    customers = [{"tier": "full", "personal": {"phone": phone}}, *({"tier": "registered"} for _ in range(30))]
    made = []
    for body in customers:
        answer = await http.post(f"{PREFIX}/customers", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    own, other = (TestDevice(http, clock, f"/w/{WORKSPACE}", "retail") for _ in range(2))
    for each in (own, other):
        assert (await each.begin()).status_code == 201
    await core.replica.poll()
    assert (await own.sign_in(phone)).status_code == 200
    path = f"{PREFIX}/customers/{made[0]}/devices/{own.tokens['device']}/assurance"
    assert (await http.put(path, json={"tier": "full"}, headers=headers)).status_code == 200
    await core.replica.poll()
    return Desk(core, http, headers, made[0], own.tokens["device"], other.tokens["device"])


def one(attr: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attr": attr, "op": op, "values": list(values)}


async def test_an_estimate_counts_customers_and_devices(desk: Desk) -> None:
    registered = await desk.post("/audience/estimate", {"audience": one("tier", "in", "registered")})
    assert registered["is_exact"] is True
    assert registered["customers"] == {"at_least": 12, "at_most": 31, "total": 31, "is_small": False}  # 1 is left out
    full = await desk.post("/audience/estimate", {"audience": one("tier", "in", "full")})
    assert full["customers"] == {"at_least": 0, "at_most": 19, "total": 31, "is_small": True}
    assert full["devices"]["total"] == 2
    everybody = await desk.post("/audience/estimate", {"audience": {"all": []}})
    assert everybody["customers"] == {"at_least": 31, "at_most": 31, "total": 31, "is_small": False}
    unknown = await desk.post("/audience/estimate", {"audience": one("platform", "in", "ios")})
    assert unknown["is_exact"] is False
    refused = await desk.post("/audience/estimate", {"audience": one("tag", "in", "none")}, status=422)
    assert (refused["code"], refused["at"]) == ("rule_tag_unknown", "rule.values[0]")


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
async def test_what_is_told_hides_few_and_who_is_left_out(inside: int, unsure: int, outside: int) -> None:
    total = inside + unsure + outside
    found = estimate.told(inside, inside + unsure, total)
    assert 0 <= found.at_least <= found.at_most <= max(total, estimate.SMALL - 1)
    assert abs(found.at_least - inside) <= max(estimate.SMALL, inside / 10 + 1)
    few = range(estimate.SMALL)
    if inside in few:  # how many exactly changes nothing
        assert found in {estimate.told(n, inside + unsure, total) for n in few if n <= inside + unsure}
        assert found.at_least == 0
    if total - inside in few and inside >= estimate.SMALL:
        assert found == estimate.told(total, total, total)
    is_small = inside < estimate.SMALL or total - inside < estimate.SMALL
    assert is_small or found.at_least % estimate.STEP == 0


async def test_rules_that_differ_by_one_person_are_mostly_told_the_same() -> None:
    told = [estimate.told(n, n, 10_000).at_most for n in range(200, 300)]
    assert sum(before != after for before, after in pairwise(told)) == 10


async def test_numbers_about_one_person_take_the_permission_to_explain(desk: Desk) -> None:
    reviewer = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "reviewer"))
    full = one("tier", "in", "full")
    await desk.post("/audience/estimate", {"audience": full}, headers=reviewer)
    alone = one("customer", "in", desk.customer)
    saved = await desk.post("/audiences", {"name": "Alone", "audience": alone}, status=201)
    await desk.core.replica.poll()
    for singled in (alone, one("device", "in", desk.device), one("audience", "in", saved["id"])):
        rule = {"audience": {"not": {"all": [singled, full]}}}  # 30 of 31: this very customer is a full one
        refused = await desk.post("/audience/estimate", rule, status=403, headers=reviewer)
        assert refused["code"] == "missing_permission"
        await desk.post("/audience/estimate", rule)


async def test_a_sample_stands_for_all_devices(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "SAMPLE", 1)
    found = await desk.post("/audience/estimate", {"audience": one("tier", "at_least", "visitor")})
    assert found["devices"]["total"] == 2
    assert found["sampled"] <= 2
    assert (found["customers"]["at_least"], found["customers"]["at_most"]) == (12, 31)  # all, or all but a few


async def test_who_was_entered_a_moment_ago_counts(tmp_path: Path) -> None:
    clock = Clock()
    async with running_core(tmp_path, now_ms=clock) as core, client(core) as http:
        desk = await furnished(core, http, clock)
        for already in (31, 32):
            found = await desk.post("/audience/estimate", {"audience": one("tier", "in", "registered")})
            assert found["customers"]["total"] == already
            made = await http.post(f"{PREFIX}/customers", json={"tier": "registered"}, headers=desk.headers)
            assert made.status_code == 201


async def test_explaining_a_device_says_what_was_seen(desk: Desk) -> None:
    rule = {"all": [one("tier", "in", "full"), {"not": one("os_version", "below", "17")}]}
    found = await desk.explain(rule, device=desk.device)
    assert found["outcome"] is None
    tier, version = found["tree"]["parts"]
    assert (tier["outcome"], tier["seen"], tier["source"]) == (True, "full", "server")
    assert (version["word"], version["outcome"]) == ("not", None)
    kept = claims_kept(desk.core)
    kept.note(WORKSPACE, desk.device, SyncDevice(platform="iOS", os_version="18.1"))
    await kept.flush()
    again = await desk.explain(rule, device=desk.device)
    assert again["outcome"] is True
    assert again["tree"]["parts"][1]["parts"][0]["seen"] == "18.1"
    claimed = await desk.explain(rule, device=desk.device, claims={"os_version": "16.0"})
    assert claimed["outcome"] is False
    visitor = await desk.explain(rule, device=desk.visitor)
    assert (visitor["outcome"], visitor["tree"]["parts"][0]["seen"]) == (False, "visitor")
    for whom in ({"device": "dev_none"}, {"customer": "cus_none"}, {}):
        body = {"audience": rule, "reason": "because", **whom}
        assert (await desk.post("/audience/explain", body, status=404))["code"] == "subject_unknown"


async def test_explaining_masks_persons_and_is_audited(desk: Desk) -> None:
    rule = one("customer", "in", desk.customer)
    whole = await desk.explain(rule, customer=desk.customer)
    assert (whole["outcome"], whole["tree"]["seen"]) == (True, desk.customer)
    headers = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "campaign_operator"))
    body = {"audience": rule, "customer": desk.customer, "reason": "because"}
    masked = (await desk.post("/audience/explain", body, headers=headers))["tree"]
    assert (masked["outcome"], masked["seen"], masked["values"]) == (True, "***", ["***"])
    audit = await desk.http.get(f"{PREFIX}/audit?action=audience.explain", headers=desk.headers)
    assert [row["detail"]["reason"] for row in audit.json()["items"][:2]] == ["because", "A customer asked"]
    reviewer = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "reviewer"))
    await desk.post("/audience/explain", body, status=403, headers=reviewer)


async def test_a_rule_is_checked_and_said_in_words(desk: Desk) -> None:
    rule = {"all": [one("tier", "in", "full"), one("platform", "in", "ios")]}
    found = await desk.post("/audience/check", {"audience": rule})
    assert (found["en"], found["claimed"]) == ("(full customers) and (platform is ios)", ["platform"])
    assert found["attributes"] == ["platform", "tier"]
    refused = await desk.post("/audience/check", {"audience": one("shoe_size", "in", 1)}, status=422)
    assert (refused["code"], refused["at"]) == ("rule_attribute_unknown", "rule.attr")


async def test_a_saved_audience_changes_by_a_second_person_and_never_holds_itself(desk: Desk) -> None:
    first = await desk.post("/audiences", {"name": "Full", "audience": one("tier", "in", "full")}, status=201)
    outer = {"name": "Outer", "audience": one("audience", "in", first["id"])}
    second = await desk.post("/audiences", outer, status=201)
    path = f"{PREFIX}/audiences/{first['id']}"
    around = {"name": "Round", "audience": {"not": one("audience", "in", second["id"])}, "edition": 1}
    answer = await desk.http.put(path, json=around, headers=desk.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "rule_audience_unknown")
    wider = {"name": "All customers", "audience": one("tier", "at_least", "registered"), "edition": 1}
    proposed = await desk.http.put(path, json=wider, headers=desk.headers)
    assert proposed.status_code == 202, proposed.text
    assert (await desk.http.get(path, headers=desk.headers)).json()["edition"] == 1
    other = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "reviewer"))
    change = f"/changes/{proposed.json()['change']}/approve"
    await desk.post(change, {"digest": proposed.json()["digest"]}, headers=other)
    now = (await desk.http.get(path, headers=desk.headers)).json()
    assert (now["edition"], now["name"]) == (2, "All customers")
    history = (await desk.http.get(f"{path}/history", headers=desk.headers)).json()["items"]
    assert [(each["edition"], each["name"]) for each in history] == [(2, "All customers"), (1, "Full")]
    assert [line["en"] for line in history[0]["diff"]] == ["Name", "Audience"]
    assert history[0]["diff"][1]["before_words"]["en"] == "full customers"
    uses = (await desk.http.get(f"{path}/uses", headers=desk.headers)).json()["items"]
    assert uses == [{"kind": "audience", "id": second["id"], "name": "Outer"}]
    found = (await desk.http.get(f"{PREFIX}/audiences?search=all+CUST", headers=desk.headers)).json()["items"]
    assert [each["id"] for each in found] == [first["id"]]
    await desk.core.replica.poll()
    explained = await desk.explain(one("audience", "in", second["id"]), customer=desk.customer)
    assert explained["outcome"] is True
    assert explained["tree"]["parts"][0]["parts"][0]["op"] == "at_least"


async def test_erasing_a_customer_forgets_what_their_device_said(desk: Desk) -> None:
    claims = Claims(model="Mate 60", region="CN-SH")
    door = desk.core.store.workspace(WORKSPACE)
    async with door.write() as tx:
        await put_claims(tx, {desk.device: (claims, 1), desk.visitor: (claims, 1)})
        await erase(desk.core, tx, desk.customer, by="test", now_ms=desk.core.now_ms())
    async with door.read() as tx:
        assert set(await read_claims(tx, [desk.device, desk.visitor])) == {desk.visitor}
