"""`POST /client/v1/events`, raw ASGI: batches of events, each taken once, answered after they are durable."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.artifacts.published import PART as PUBLISHED
from sampan.platform.artifacts.published import PublishedVersion
from sampan.platform.core import Core
from sampan.platform.errors import Invalid
from sampan.platform.hot import UNREADABLE, header, read_body, send_bytes
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.insight.health import HealthReport, report_of
from sampan.platform.insight.intake import Batch, encode_attrs, event_day, intake_of
from sampan.platform.insight.pace import Pace
from sampan.platform.insight.patched import PatchedVersions
from sampan.platform.insight.schemas import STAGE_ORDER, EventSchema, by_type, refusal
from sampan.platform.insight.tickets import Offered, Tickets, ticket_purpose
from sampan.platform.workspaces.replica import WorkspaceView

MAX_BODY_BYTES = 512 * 1024
MAX_EVENTS = 1000

# One value that its column cannot hold would spoil the COMMIT that many devices share.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
PublicId = Annotated[str, msgspec.Meta(max_length=40)]
AppId = Annotated[str, msgspec.Meta(max_length=200)]
NUL = b"\\u0000"  # the one way to write it in JSON; PostgreSQL stores none
STORED_TEXTS = ("session", "app", "release", "message", "campaign")


class BadEvents(Invalid):
    """The body is not the JSON that docs/protocols/events.md describes."""

    code = "bad_events"


class Event(msgspec.Struct):
    """One event as a device sends it."""

    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    type: Name
    at: Count
    schema_version: Count = 1
    session: Name = ""
    app: AppId | None = None
    sequence: Count | None = None
    release: PublicId | None = None
    message: PublicId | None = None
    campaign: PublicId | None = None
    digest: str = ""
    ticket: str = ""
    attrs: dict[str, Any] = msgspec.field(default_factory=dict)


class EventsRequest(msgspec.Struct):
    """The body of an events request."""

    batch: list[Event]


_decoder = msgspec.json.Decoder(EventsRequest)


def build_events(core: Core) -> ASGIApp:
    """Return the route."""
    intake = intake_of(core)
    schemas = by_type(core.contributions(EventSchema))
    patched = core.contributions(PatchedVersions)
    pace = Pace()

    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id = scope["sampan_workspace"]
        caller = authenticate(core, workspace_id, header(scope, b"authorization"))
        request = _parse(await read_body(receive, MAX_BODY_BYTES))
        pace.take(workspace_id, caller.device_id, len(request.batch), now_ms=core.now_ms())
        batch, refused = _check(core, caller, request, schemas, patched)
        mark = await intake.take(batch)
        answer = {"accepted_through": mark.accepted_through, "gaps": mark.gaps, "refused": refused}
        await send_bytes(send, 200, orjson.dumps(answer))

    return events


def _parse(body: bytes) -> EventsRequest:
    try:
        request = _decoder.decode(body)
    except UNREADABLE as problem:
        raise BadEvents(f"Correct the body: {problem}.") from problem
    if len(request.batch) > MAX_EVENTS:
        raise BadEvents(f"At most {MAX_EVENTS} events fit one request; send the rest in a second one.", field="batch")
    if NUL in body:
        _refuse_nul(request)
    return request


def _refuse_nul(request: EventsRequest) -> None:
    for number, event in enumerate(request.batch):
        for name in STORED_TEXTS:
            if "\0" in (getattr(event, name) or ""):
                raise BadEvents(f"Leave U+0000 out of {name}.", field=f"batch[{number}].{name}")


def _check(
    core: Core,
    caller: Caller,
    request: EventsRequest,
    schemas: Mapping[tuple[str, int], EventSchema],
    patched: Iterable[PatchedVersions],
) -> tuple[Batch, list[dict[str, Any]]]:
    """Return the rows to store and the refused numbers; a refused number counts as taken, or it came for ever."""
    rows: dict[int, dict[str, Any]] = {}
    stages: dict[int, dict[str, Any]] = {}
    refused: list[dict[str, Any]] = []
    tickets = Tickets(core.secret(ticket_purpose(caller.workspace_id)))
    health: dict[int, list[HealthReport]] = {}
    view = core.replica.view(caller.workspace_id)
    published = view.parts.get(PUBLISHED, {})
    now_ms = core.now_ms()
    for event in request.batch:
        code = refusal(schemas, event.type, event.schema_version, event.attrs)
        if not code and schemas[event.type, event.schema_version].stage is not None:
            code = _stage_refusal(tickets, caller, event)
        if code:
            rows[event.seq] = {}
            refused.append({"seq": event.seq, "code": code})
            continue
        rows[event.seq] = _row(caller, event, now_ms)
        told_of = _told_of(patched, view, event)
        health[event.seq] = _health(published, caller, event, told_of, now_ms)
        stage = schemas[event.type, event.schema_version].stage
        if stage is not None:
            stages[event.seq] = {
                "release_id": event.release,
                "device_id": caller.device_id,
                "app": told_of[0],
                "sequence": told_of[1],
                "stage": STAGE_ORDER[stage],
                "at_ms": now_ms,
            }
    return Batch(caller.workspace_id, caller.device_id, rows, stages, health), refused


def _told_of(patched: Iterable[PatchedVersions], view: WorkspaceView, event: Event) -> tuple[str | None, int | None]:
    """Return what an event tells of: a version, or what its digest says that it was changed to."""
    if event.app is not None and event.sequence is not None and event.digest:
        for each in patched:
            if (found := each.find(view, event.app, event.sequence, event.digest)) is not None:
                return found
    return event.app, event.sequence


def _health(
    published: Mapping[str, tuple[PublishedVersion, ...]],
    caller: Caller,
    event: Event,
    told_of: tuple[str | None, int | None],
    now_ms: int,
) -> list[HealthReport]:
    """Return what an event says of a published version; devices cannot make up apps and versions to be counted.

    What it says of a changed version it says of the version too.
    """
    if event.app is None or event.sequence is None:
        return []
    if not any(version.sequence == event.sequence for version in published.get(event.app, ())):
        return []
    found = [
        report_of(event.type, app, sequence, event.attrs, now_ms=now_ms, device_id=caller.device_id)
        for app, sequence in {(event.app, event.sequence), told_of}
        if app is not None and sequence is not None
    ]
    return [each for each in found if each is not None]


def _stage_refusal(tickets: Tickets, caller: Caller, event: Event) -> str:
    if event.app is None or event.sequence is None or event.release is None:
        return "release_missing"
    offered = Offered(event.release, event.app, event.sequence, event.digest)
    return "" if tickets.is_good(event.ticket, caller.device_id, offered) else "bad_ticket"


def _row(caller: Caller, event: Event, now_ms: int) -> dict[str, Any]:
    return {
        "day": event_day(now_ms),
        "device_id": caller.device_id,
        "seq": event.seq,
        "type": event.type,
        "schema_version": event.schema_version,
        "at_ms": event.at,
        "received_ms": now_ms,
        "session": event.session,
        "client_app": caller.client_app,
        "app": event.app,
        "sequence": event.sequence,
        "release_id": event.release,
        "message_id": event.message,
        "campaign_id": event.campaign,
        "attrs": encode_attrs(event.attrs),
    }
