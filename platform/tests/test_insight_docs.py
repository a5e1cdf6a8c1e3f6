"""docs/protocols/events.md and sync.md name what the program has."""

from pathlib import Path

import msgspec

from sampan.platform.app import built_in_components
from sampan.platform.component import contributions
from sampan.platform.insight import client_api as events_route
from sampan.platform.insight.marks import MAX_GAPS
from sampan.platform.insight.schemas import EventSchema
from sampan.platform.release import client_api as sync_route
from sampan.platform.release.sync import MAX_INSTALLED, SyncDevice, SyncRequest

PROTOCOLS = Path(__file__).resolve().parents[2] / "docs" / "protocols"
EVENTS, SYNC = ((PROTOCOLS / name).read_text() for name in ("events.md", "sync.md"))


def test_every_event_type_and_attribute_is_documented() -> None:
    for schema in contributions(built_in_components(demo=True), EventSchema):
        assert f"| `{schema.type}` |" in EVENTS
        for attribute in schema.attributes:
            assert f"`{attribute}`" in EVENTS


def test_every_member_of_the_requests_is_documented() -> None:
    for kind, text in ((SyncRequest, SYNC), (SyncDevice, SYNC), (events_route.Event, EVENTS)):
        for field in msgspec.structs.fields(kind):
            assert f'"{field.encode_name}"' in text or f"`{field.encode_name}`" in text, field.encode_name


def test_the_limits_are_the_programs() -> None:
    assert f"{events_route.MAX_BODY_BYTES:,} bytes and {events_route.MAX_EVENTS:,} events" in EVENTS
    assert f"At most {MAX_GAPS} gaps" in EVENTS
    assert f"at most {sync_route.MAX_BODY_BYTES:,} bytes" in SYNC
    assert f"every version on the device, at most {MAX_INSTALLED:,};" in SYNC
    assert f"more than {sync_route.UNSURE_AFTER_MS // 1000} s" in SYNC
