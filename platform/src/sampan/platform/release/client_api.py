"""`POST /client/v1/sync`, raw ASGI: a device asks what it should have now. No SQL, but while a release gives places."""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.audience.audience_rows import PART as AUDIENCES
from sampan.platform.audience.claims import ClaimsKept, claims_kept
from sampan.platform.audience.known import facts_of
from sampan.platform.audience.tag_states import LOG as TAGS
from sampan.platform.component import contributions_at_start
from sampan.platform.core import Core
from sampan.platform.engines.log import Cursor
from sampan.platform.errors import Invalid
from sampan.platform.hot import JSON, UNREADABLE, header, read_body, send_bytes
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.insight.tickets import Tickets, ticket_purpose
from sampan.platform.release.caps import HANDED
from sampan.platform.release.deliverables import DeliverableKind
from sampan.platform.release.snapshot import PART
from sampan.platform.release.sync import (
    ReleasesPart,
    SyncPart,
    SyncRequest,
    answer,
    no_change,
)
from sampan.platform.workspaces.replica import WorkspaceView

if TYPE_CHECKING:
    from sampan.platform.release.places import ClaimedPlaces

MAX_BODY_BYTES = 512 * 1024
UNSURE_AFTER_MS = 5_000
DEVICES_REMEMBERED = 200_000
NOTHING = hash(())
NO_PLACES: frozenset[str] = frozenset()
PRIVATE = (b"cache-control", b"private, no-cache")
_decoder = msgspec.json.Decoder(SyncRequest)


class BadSyncRequest(Invalid):
    """The body is not the JSON that docs/protocols/sync.md describes."""

    code = "bad_sync_request"


class OtherClientApp(Invalid):
    """The body names another client app than the token."""

    code = "other_client_app"


def build_sync(core: Core) -> ASGIApp:
    """Return the route; the parts of all components are collected once."""
    parts = contributions_at_start(core.components, SyncPart)
    states = [part.state for part in parts if part.state is not None]
    inventory, claims = InventoryFilter(core), claims_kept(core)
    answered = Answered(inventory, claims)
    tickets: dict[str, Tickets] = {}
    claimed: dict[str, ClaimedPlaces] = {}

    async def sync(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id = scope["sampan_workspace"]
        caller = authenticate(core, workspace_id, header(scope, b"authorization"))
        body = await read_body(receive, MAX_BODY_BYTES)
        view = core.replica.view(workspace_id)
        known = header(scope, b"if-none-match")
        if known is not None and answered.with_etag(caller, known) and not view.parts[PART].capped:
            now_ms = core.now_ms()
            is_sure = core.replica.age_ms(workspace_id) <= UNSURE_AFTER_MS
            if is_sure and _etag(view, caller, [body, *[state(view, now_ms) for state in states]], now_ms) == known:
                await _send_unchanged(send, known)
                return
        request = _parse(body, caller)
        seen = _seen(request.revision_seen)
        if seen is not None and seen > view.revision:
            view = await core.replica.catch_up(workspace_id, seen)
        if core.replica.age_ms(workspace_id) > UNSURE_AFTER_MS:
            await send_bytes(send, 200, no_change(view, request), (JSON, PRIVATE))
            return
        inventory.note(caller, request, view.parts[PART])
        claims.note(workspace_id, caller.device_id, request.device)
        now_ms = core.now_ms()
        part = view.parts[PART]
        places = await _places(core, claimed, view, caller, request, part) if part.capped else NO_PLACES
        asked = [body, *[state(view, now_ms) for state in states], *[each.encode() for each in sorted(places)]]
        etag = _etag(view, caller, asked, now_ms)
        answered.note(caller, etag)
        if known == etag:
            await _send_unchanged(send, etag)
            return
        if workspace_id not in tickets:
            tickets[workspace_id] = Tickets(core.secret(ticket_purpose(workspace_id)))
        payload = answer(
            view, part, caller, request, tickets=tickets[workspace_id], now_ms=now_ms, parts=parts, places=places
        )
        await send_bytes(send, 200, payload, (JSON, PRIVATE, (b"etag", etag)))

    return sync


class Answered:
    """The ETag of each device's last answer by this process, as far as remembered.

    A request that leads to the same ETag again says the same to the byte: it was decoded before, and what it says was
    noted, so it can be answered unread. Not so when what was noted got lost since then.
    """

    def __init__(self, inventory: "InventoryFilter", claims: ClaimsKept) -> None:
        self._etags: dict[tuple[str, str], bytes] = {}
        self._claims = claims
        inventory.on_forget = self._forget

    def note(self, caller: Caller, etag: bytes) -> None:
        """Remember an answer's ETag, once what the request says was noted."""
        key = (caller.workspace_id, caller.device_id)
        if key not in self._etags and len(self._etags) >= DEVICES_REMEMBERED:
            del self._etags[next(iter(self._etags))]
        self._etags[key] = etag

    def with_etag(self, caller: Caller, etag: bytes) -> bool:
        """Whether the device's last answer had this ETag, and nothing that it said was lost since."""
        key = (caller.workspace_id, caller.device_id)
        return self._etags.get(key) == etag and self._claims.remembers(*key)

    def _forget(self, key: tuple[str, str]) -> None:
        self._etags.pop(key, None)


async def _send_unchanged(send: Send, etag: bytes) -> None:
    await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", etag), PRIVATE]})
    await send({"type": "http.response.body", "body": b""})


async def _places(
    core: Core,
    claimed: dict[str, "ClaimedPlaces"],
    view: WorkspaceView,
    caller: Caller,
    request: SyncRequest,
    part: ReleasesPart,
) -> frozenset[str]:
    """Return the capped releases that keep a place for the caller; what claims them is loaded with the first cap."""
    known = claimed.get(caller.workspace_id)
    if known is None:
        from sampan.platform.release.places import ClaimedPlaces

        known = claimed[caller.workspace_id] = ClaimedPlaces(core, caller.workspace_id)
    facts = facts_of(view, caller, now_ms=core.now_ms(), claims=request.device.claims())
    return await known.of(part.capped, facts, request.device.host_version, handed=view.cursors[HANDED].n)


class InventoryFilter:
    """Passes on what a device holds only when it differs from what the device said before, as far as remembered."""

    def __init__(self, core: Core) -> None:
        self._now_ms = core.now_ms
        self._core = core
        self._kinds: frozenset[str] = frozenset()
        self._said: dict[tuple[str, str], int] = {}
        self.on_forget: Callable[[tuple[str, str]], None] | None = None

    def note(self, caller: Caller, request: SyncRequest, part: ReleasesPart) -> None:
        """Queue the device's holdings for the inventory when they are new; only of artefacts that exist here."""
        key = (caller.workspace_id, caller.device_id)
        holds = request.installed
        said = hash(tuple((item.kind, item.id, item.sequence, item.digest) for item in holds)) if holds else NOTHING
        if self._said.get(key, NOTHING) == said:  # a device that never said anything holds nothing
            return
        if len(self._said) >= DEVICES_REMEMBERED:
            del self._said[next(iter(self._said))]
        self._said[key] = said
        self._queue(caller, request, part, key)

    def _queue(self, caller: Caller, request: SyncRequest, part: ReleasesPart, key: tuple[str, str]) -> None:
        from sampan.platform.insight.intake import (  # not before the first device holds anything
            InventoryNote,
            intake_of,
        )
        from sampan.platform.release.holdings import rows_of

        kinds = self._kinds = self._kinds or frozenset(
            kind.name for kind in self._core.contributions(DeliverableKind) if kind.is_controlled
        )
        rows = rows_of(caller.device_id, request.installed, part.control, kinds, now_ms=self._now_ms())
        note = InventoryNote(caller.workspace_id, caller.device_id, rows, on_lost=lambda: self._forget(key))
        intake_of(self._core).note(note)

    def _forget(self, key: tuple[str, str]) -> None:
        self._said.pop(key, None)
        if self.on_forget is not None:
            self.on_forget(key)


def _parse(body: bytes, caller: Caller) -> SyncRequest:
    try:
        request = _decoder.decode(body)
    except UNREADABLE as problem:
        raise BadSyncRequest(f"Correct the body: {problem}.") from problem
    if request.client_app != caller.client_app:
        raise OtherClientApp(f"The token was given to {caller.client_app!r}; name that client app.", field="client_app")
    return request


def _seen(text: str) -> Cursor | None:
    """Return the revision that the client saw; what is not a revision counts as none."""
    if not text:
        return None
    incarnation, _dot, n = text.partition(".")
    if incarnation.isdecimal() and n.isdecimal() and len(text) <= 40:
        return Cursor(int(incarnation), int(n))
    return None


def _etag(view: WorkspaceView, caller: Caller, asked: Iterable[bytes], now_ms: int) -> bytes:
    """Return the hash of all that the answer depends on: it ends at the next moment that a rule names.

    SHA-256, for processors have it: over a long list of what is installed it takes half of BLAKE2b's time.
    """
    revision, device_id = view.revision, caller.device_id.encode()
    subject, tier, epoch = caller.subject, caller.tier, caller.epoch
    depends = b"%d.%d\n%b\n%d\n%d\n%d\n" % (revision.incarnation, revision.n, device_id, subject, tier, epoch)
    releases: ReleasesPart = view.parts[PART]
    if releases.moments_ms or releases.has_tags:
        era = view.parts[AUDIENCES].era(now_ms) if AUDIENCES in view.parts else 0
        tags = view.cursors[TAGS].n if TAGS in view.cursors else 0
        depends += b"%d\n%d\n%d\n" % (bisect_right(releases.moments_ms, now_ms), era, tags)
    hashed = hashlib.sha256(depends)
    for piece in asked:
        hashed.update(piece)
    return b'"%b"' % hashed.hexdigest()[:32].encode()
