"""The answer of `POST /client/v1/sync`: what should this device have now. Pure; the route is in `client_api`.

Everything that does not differ between devices is encoded when the snapshot is compiled or on first use; per
request remain the comparison with what is installed and one MAC per offer. The answer is a hint: what a device
may install is decided by signed metadata and control (docs/protocols/trust.md).
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Annotated

import msgspec
import orjson

from sampan.platform.identity.caller import Caller
from sampan.platform.insight.tickets import TICKET_CHARACTERS, Tickets, release_text
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, Subject, decide
from sampan.platform.workspaces.replica import WorkspaceView

MAX_INSTALLED = 2000
PLANS_KEPT = 256
CHECK_SECONDS = 1800
UNSURE_CHECK_SECONDS = 30
_SLOT = b"\x00ticket\x00"  # cannot occur in JSON text


Name = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class SyncDevice(msgspec.Struct, omit_defaults=True):
    """What the client says of itself."""

    platform: Name = ""
    os_version: Name = ""
    app_version: Name = ""
    host_version: Count = 1
    model: Name = ""
    region: Name = ""
    network: Name = ""
    lang: Name = ""


class Installed(msgspec.Struct):
    """One deliverable that the device holds."""

    kind: Name
    id: Name
    version: Name
    sequence: Count
    digest: Name


class SyncRequest(msgspec.Struct, omit_defaults=True):
    """The body of a sync request; see docs/protocols/sync.md."""

    client_app: Name
    revision_seen: Name = ""
    apps_etag: Name = ""
    device: SyncDevice = msgspec.field(default_factory=SyncDevice)
    installed: Annotated[list[Installed], msgspec.Meta(max_length=MAX_INSTALLED)] = msgspec.field(default_factory=list)


class SyncPart(msgspec.Struct, frozen=True):
    """A component's own member of the answer: `name` and ready JSON bytes for one caller."""

    name: str
    answer: Callable[[WorkspaceView, Caller, SyncRequest], bytes]


class ControlState(msgspec.Struct, frozen=True):
    """What control says of one app, as far as a hint needs it."""

    serial: str
    killed: frozenset[int]
    rollbacks: frozenset[tuple[int, int]]


class Ready(msgspec.Struct, frozen=True):
    """One decided deliverable; `body` is its encoded offer but for the action and the ticket."""

    kind: str
    id: str
    sequence: int
    body: bytes

    def offer(self, action: bytes, ticket: bytes) -> bytes:
        """Return the offer's JSON for one device."""
        return b'{"action":"%b",%b,"ticket":"%b"}' % (action, self.body, ticket)


class Plan(msgspec.Struct, frozen=True):
    """What one kind of subject on one kind of client should have.

    `tags` are the tickets' release tags, joined (see `Tickets.many`), `cut` cuts joined tickets apart. `fresh` is
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


@dataclass(frozen=True, slots=True)
class ReleasesPart:
    """The compiled snapshot part `releases`; `hosts` are the host versions that any candidate asks for, sorted."""

    deliverables: Sequence[DeliverableSnapshot]
    control: Mapping[str, ControlState]
    hosts: Sequence[int] = field(init=False)
    _plans: dict[tuple[int, str, int], Plan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted = {candidate.min_host for snapshot in self.deliverables for candidate in snapshot.candidates}
        object.__setattr__(self, "hosts", sorted(wanted))

    def plan(self, caller: Caller, host_version: int, tickets: Tickets) -> Plan:
        """Return the plan for all callers whose decisions are the same; remembered, the oldest forgotten.

        The client's host version counts only as far as candidates tell it apart: what a client may say at will
        must not decide how many plans there are.
        """
        key = (caller.tier, caller.client_app, bisect_right(self.hosts, host_version))
        plan = self._plans.get(key)
        if plan is None:
            while len(self._plans) >= PLANS_KEPT:
                del self._plans[next(iter(self._plans))]
            subject = Subject(caller.device_id, caller.subject, caller.tier)
            plan = self._plans[key] = self._make_plan(subject, Context(caller.client_app, host_version), tickets)
        return plan

    def _make_plan(self, subject: Subject, context: Context, tickets: Tickets) -> Plan:
        ready, tags = [], b""
        for snapshot in self.deliverables:
            candidate = decide(subject, context, snapshot).candidate
            if candidate is not None:
                ready.append(Ready(snapshot.kind, snapshot.id, candidate.sequence, _offer_body(snapshot, candidate)))
                tags += tickets.tag(release_text(candidate.release_id, candidate.digest))
        all_control = {
            app: orjson.dumps({"app": app, "serial": state.serial}) for app, state in sorted(self.control.items())
        }
        around = b",".join(item.offer(b"install", _SLOT) for item in ready).split(_SLOT)
        fresh = [piece for text in around for piece in (text, b"")][:-1]
        return Plan(
            ready,
            frozenset((item.kind, item.id) for item in ready),
            int.from_bytes(tags),
            Struct(f"{TICKET_CHARACTERS}s" * len(ready)).unpack,
            fresh,
            b",".join(all_control[item.id] for item in ready if item.id in all_control),
            all_control,
        )


def answer(
    view: WorkspaceView,
    part: ReleasesPart,
    caller: Caller,
    request: SyncRequest,
    *,
    tickets: Tickets,
    parts: Sequence[SyncPart] = (),
) -> bytes:
    """Return the whole answer's JSON bytes."""
    plan = part.plan(caller, request.device.host_version, tickets)
    mine = plan.tickets(tickets, caller.device_id)
    if request.installed:
        installed = {(item.kind, item.id): item for item in request.installed}
        offers = [b",".join(_differences(part, plan, installed, mine))]
        control = _control(plan, installed)
    else:
        offers = plan.fresh_offers(mine)
        control = plan.control
    members = [b',"%b":%b' % (extra.name.encode(), extra.answer(view, caller, request)) for extra in parts]
    head = b'{"revision":"%d.%d","next_check_seconds":%d' % (view.revision.incarnation, view.revision.n, CHECK_SECONDS)
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
    }
    return orjson.dumps(body)[1:-1]
