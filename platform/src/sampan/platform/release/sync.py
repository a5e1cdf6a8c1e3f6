"""The answer of `POST /client/v1/sync`: what should this device have now. Pure; the route is in `client_api`.

Everything that does not differ between devices is encoded when the snapshot is compiled or on first use; per
request remain the comparison with what is installed and one MAC per offer. The answer is a hint: what a device
may install is decided by signed metadata and control (docs/protocols/trust.md).
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from struct import Struct
from typing import Annotated

import msgspec
import orjson

from sampan.platform.audience.claims import Saying
from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.index import Conjunct, Kind, RuleIndex, Sieve
from sampan.platform.audience.known import facts_of
from sampan.platform.identity.caller import Caller
from sampan.platform.insight.tickets import TICKET_CHARACTERS, Offered, Tickets
from sampan.platform.release.client_rules import in_offer
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, unfit_client
from sampan.platform.release.sync_policy import CHECK_SECONDS
from sampan.platform.workspaces.replica import WorkspaceView

MAX_INSTALLED = 2000
PLANS_KEPT = 256
UNSURE_CHECK_SECONDS = 30


Name = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


AFTER_TICKET = b'"},'


class SyncDevice(Saying, omit_defaults=True, gc=False):
    """What the client says of itself."""

    platform: Name = ""
    os_version: Name = ""
    app_version: Name = ""
    host_version: Count = 1
    model: Name = ""
    region: Name = ""
    network: Name = ""
    lang: Name = ""

    def claims(self) -> Claims:
        """Return what rules may look at."""
        return Claims(
            self.platform,
            self.os_version,
            self.app_version,
            self.model,
            self.network,
            self.region,
            self.lang,
            self.host_version,
        )


class Installed(msgspec.Struct, gc=False):
    """One deliverable that the device holds."""

    kind: Name
    id: Name
    version: Name
    sequence: Count
    digest: Name


class SyncRequest(msgspec.Struct, omit_defaults=True, gc=False):
    """The body of a sync request; see docs/protocols/sync.md."""

    client_app: Name
    revision_seen: Name = ""
    apps_etag: Name = ""
    device: SyncDevice = msgspec.field(default_factory=SyncDevice)
    installed: Annotated[list[Installed], msgspec.Meta(max_length=MAX_INSTALLED)] = msgspec.field(default_factory=list)


class SyncPart(msgspec.Struct, frozen=True):
    """A component's own member of the answer: `name` and ready JSON bytes for one caller at one time; b"" is none.

    `state`, where it is given, returns what the member depends on besides revision, caller and request. `offers` takes
    the place of `answer` where the member holds offers with tickets.
    """

    name: str
    answer: Callable[[WorkspaceView, Caller, SyncRequest, int], bytes] | None = None
    state: Callable[[WorkspaceView, int], bytes] | None = None
    offers: Callable[[WorkspaceView, Caller, SyncRequest, int, Tickets], bytes] | None = None

    def member(self, view: WorkspaceView, caller: Caller, request: SyncRequest, now_ms: int, tickets: Tickets) -> bytes:
        """Return the member's JSON; empty when it is left out."""
        if self.offers is not None:
            return self.offers(view, caller, request, now_ms, tickets)
        return self.answer(view, caller, request, now_ms) if self.answer is not None else b""


class ControlState(msgspec.Struct, frozen=True):
    """What control says of one app, as far as a hint needs it."""

    serial: str
    killed: frozenset[int]
    rollbacks: frozenset[tuple[int, int]]


class Ready(msgspec.Struct, frozen=True):
    """One decided deliverable; `body` is its encoded offer but for the action and the ticket.

    `key` names it among what is installed, `control` is what control says of it, encoded, if anything; `fresh` is its
    offer to a device that does not hold it, up to its ticket, from the end of the offer before on; `tag` is its
    ticket's (see `Tickets.many`). `n` is the deliverable's number.
    """

    n: int

    kind: str
    id: str
    sequence: int
    body: bytes
    key: tuple[str, str]
    control: bytes
    fresh: bytes
    tag: bytes

    def offer(self, action: bytes, ticket: bytes) -> bytes:
        """Return the offer's JSON for one device."""
        return b'{"action":"%b",%b,"ticket":"%b"}' % (action, self.body, ticket)


class Plan(msgspec.Struct, frozen=True):
    """What one kind of subject on one kind of client should have.

    `tags` are the offers' tags, joined (see `Tickets.many`), `cut` cuts joined tickets apart. `fresh` is
    the offers' JSON of a device that holds nothing, cut where its tickets go: every second piece is a gap.
    """

    ready: Sequence[Ready]
    keys: frozenset[tuple[str, str]]
    tags: int
    cut: Callable[[bytes], tuple[bytes, ...]]
    fresh: list[bytes]
    control: bytes
    all_control: Mapping[str, bytes]

    def tickets(self, tickets: Tickets, device_id: str) -> tuple[bytes, ...]:
        """Return the device's tickets in the order of `ready`."""
        return self.cut(tickets.many(device_id, self.tags, len(self.ready)).encode())

    def fresh_offers(self, tickets: Sequence[bytes]) -> list[bytes]:
        """Return the pieces of the offers' JSON for a device that holds nothing."""
        pieces = self.fresh.copy()
        pieces[1::2] = tickets
        return pieces


class Prepared(msgspec.Struct):
    """What a kind of subject on a kind of client may get, the releases of one deliverable by rank.

    `has_rivals` says whether any deliverable has more than one of them; `plan` is what all subjects get, once it is
    known, None as long as some audience depends on more than the kind.
    """

    sieve: Sieve[Ready]
    has_rivals: bool
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class ReleasesPart:
    """The compiled snapshot part `releases`; `hosts` are the host versions that any candidate asks for, sorted.

    `capped` are the deliverables of which a release gives places; see `places.py`.
    """

    deliverables: Sequence[DeliverableSnapshot]
    control: Mapping[str, ControlState]
    check_seconds: int = CHECK_SECONDS.default
    hosts: Sequence[int] = field(init=False)
    moments_ms: Sequence[int] = field(init=False)
    has_tags: bool = field(init=False)
    capped: Sequence[DeliverableSnapshot] = field(init=False)
    _index: RuleIndex[tuple[int, Candidate]] = field(init=False)
    _all_control: Mapping[str, bytes] = field(init=False)
    _prepared: dict[tuple[Kind, str, int], Prepared] = field(default_factory=dict)

    def __post_init__(self) -> None:
        candidates = [(n, each) for n, snapshot in enumerate(self.deliverables) for each in snapshot.candidates]
        rules = [each.audience for _n, each in candidates]
        object.__setattr__(self, "hosts", sorted({each.min_host for _n, each in candidates}))
        object.__setattr__(self, "moments_ms", sorted({moment for rule in rules for moment in rule.moments_ms}))
        object.__setattr__(self, "has_tags", any(rule.tags or rule.audiences for rule in rules))
        capped = [each for each in self.deliverables if any(release.cap is not None for release in each.candidates)]
        object.__setattr__(self, "capped", capped)
        all_control = {
            app: orjson.dumps({"app": app, "serial": state.serial}) for app, state in sorted(self.control.items())
        }
        object.__setattr__(self, "_all_control", all_control)
        object.__setattr__(self, "_index", RuleIndex((each, each[1].audience) for each in candidates))

    def plan(self, facts: Facts, host_version: int, tickets: Tickets) -> Plan:
        """Return what this subject should have; the same plan for all whose kind decides it alone.

        The client's host version counts only as far as candidates tell it apart: what a client may say at will
        must not decide how much is remembered.
        """
        key = (self._index.kind(facts), facts.client_app, bisect_right(self.hosts, host_version))
        prepared = self._prepared.get(key)
        if prepared is None:
            while len(self._prepared) >= PLANS_KEPT:
                del self._prepared[next(iter(self._prepared))]
            prepared = self._prepared[key] = self._prepare(facts, Context(host_version), tickets)
        if prepared.plan is not None:
            return prepared.plan
        return self._make_plan(_chosen(prepared, facts))

    def _prepare(self, facts: Facts, context: Context, tickets: Tickets) -> Prepared:
        """Work out, as `decide` would, what is left to be decided for each subject of this kind."""
        items: list[tuple[Ready, Sequence[Conjunct]]] = []
        decided = -1
        for (n, candidate), conjuncts in self._index.candidates(facts):
            if n == decided or unfit_client(candidate, facts, context) is not None:
                continue
            if candidate.cap is not None:
                conjuncts = [*conjuncts, _has_place(candidate.release_id)]
            items.append((self._ready(n, candidate, tickets), conjuncts))
            if not conjuncts:
                decided = n  # everyone of this kind gets it, and so nothing lower
        prepared = Prepared(Sieve(items), len({ready.n for ready, _left in items}) < len(items))
        if prepared.sieve.is_sure:
            prepared.plan = self._make_plan(_chosen(prepared, facts))
        return prepared

    def _ready(self, n: int, candidate: Candidate, tickets: Tickets) -> Ready:
        snapshot = self.deliverables[n]
        body = _offer_body(snapshot, candidate)
        return Ready(
            n,
            snapshot.kind,
            snapshot.id,
            candidate.sequence,
            body,
            (snapshot.kind, snapshot.id),
            self._all_control.get(snapshot.id, b""),
            AFTER_TICKET + b'{"action":"install",%b,"ticket":"' % body,
            tickets.tag(Offered(candidate.release_id, snapshot.id, candidate.sequence, candidate.digest).text()),
        )

    def _make_plan(self, ready: Sequence[Ready]) -> Plan:
        fresh: list[bytes] = []
        if ready:
            fresh = [b""] * (2 * len(ready)) + [b'"}']
            fresh[:-1:2] = [item.fresh for item in ready]
            fresh[0] = fresh[0][len(AFTER_TICKET) :]
        return Plan(
            ready,
            frozenset([item.key for item in ready]),
            int.from_bytes(b"".join([item.tag for item in ready])),
            _cutter(len(ready)),
            fresh,
            b",".join([item.control for item in ready if item.control]),
            self._all_control,
        )


def _has_place(release_id: str) -> Conjunct:
    return Conjunct(lambda facts: release_id in facts.places, frozenset({"places"}))


def _chosen(prepared: Prepared, facts: Facts) -> list[Ready]:
    """Return the first of each deliverable whose audience matches."""
    passing = prepared.sieve.passing(facts)
    if not prepared.has_rivals:
        return passing
    return [next(group) for _n, group in groupby(passing, attrgetter("n"))]


@lru_cache(maxsize=4096)
def _cutter(count: int) -> Callable[[bytes], tuple[bytes, ...]]:
    return Struct(f"{TICKET_CHARACTERS}s" * count).unpack


def answer(
    view: WorkspaceView,
    part: ReleasesPart,
    caller: Caller,
    request: SyncRequest,
    *,
    tickets: Tickets,
    now_ms: int,
    parts: Sequence[SyncPart] = (),
    places: frozenset[str] = frozenset(),
) -> bytes:
    """Return the whole answer's JSON bytes; `places` are the capped releases that keep a place for the caller."""
    facts = facts_of(view, caller, now_ms=now_ms, claims=request.device.claims())
    if places:
        facts = msgspec.structs.replace(facts, places=places)
    plan = part.plan(facts, request.device.host_version, tickets)
    mine = plan.tickets(tickets, caller.device_id)
    if request.installed:
        installed = {(item.kind, item.id): item for item in request.installed}
        offers = [b",".join(_differences(part, plan, installed, mine))]
        control = _control(plan, installed)
    else:
        offers = plan.fresh_offers(mine)
        control = plan.control
    members = [
        b',"%b":%b' % (extra.name.encode(), member)
        for extra in parts
        if (member := extra.member(view, caller, request, now_ms, tickets))
    ]
    revision = view.revision
    head = b'{"revision":"%d.%d","next_check_seconds":%d' % (revision.incarnation, revision.n, part.check_seconds)
    return b"".join([head, *members, b',"offers":[', *offers, b'],"control":[', control, b"]}"])


def no_change(view: WorkspaceView, request: SyncRequest) -> bytes:
    """Return the answer of a worker that has not heard from the database for a while: keep what you have."""
    return orjson.dumps(
        {
            "revision": str(view.revision),
            "next_check_seconds": UNSURE_CHECK_SECONDS,
            "apps": {"etag": request.apps_etag},
            "offers": [],
            "control": [],
            "unsure": True,
        }
    )


def _differences(
    part: ReleasesPart, plan: Plan, installed: Mapping[tuple[str, str], Installed], tickets: Sequence[bytes]
) -> list[bytes]:
    offers = []
    for item, ticket in zip(plan.ready, tickets, strict=True):
        has = installed.get((item.kind, item.id))
        if has is None or has.sequence < item.sequence:
            offers.append(item.offer(b"install", ticket))
        elif has.sequence > item.sequence and _may_go_back(part, has, item.sequence):
            offers.append(item.offer(b"rollback", ticket))
    for key, has in installed.items():
        state = part.control.get(has.id)
        if key not in plan.keys and state is not None and has.sequence in state.killed:
            offers.append(_removal(has))
    return offers


def _may_go_back(part: ReleasesPart, has: Installed, sequence: int) -> bool:
    state = part.control.get(has.id)
    return state is not None and (has.sequence, sequence) in state.rollbacks


def _control(plan: Plan, installed: Mapping[tuple[str, str], Installed]) -> bytes:
    extra = [
        plan.all_control[app] for kind, app in installed if (kind, app) not in plan.keys and app in plan.all_control
    ]
    return b",".join([plan.control, *extra] if plan.control else extra)


def _removal(has: Installed) -> bytes:
    return orjson.dumps(
        {
            "action": "remove",
            "kind": has.kind,
            "id": has.id,
            "version": has.version,
            "sequence": has.sequence,
            "digest": has.digest,
            "reason": "killed",
        }
    )


def _offer_body(snapshot: DeliverableSnapshot, candidate: Candidate) -> bytes:
    body = {
        "release": candidate.release_id,
        "kind": snapshot.kind,
        "id": snapshot.id,
        "version": candidate.version,
        "sequence": candidate.sequence,
        "digest": candidate.digest,
        "size": candidate.size_bytes,
        "url": candidate.url,
        "update": candidate.update,
        "reason": "matched",
        **in_offer(candidate.client_rules),
    }
    return orjson.dumps(body)[1:-1]
