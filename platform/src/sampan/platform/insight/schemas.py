"""Event types: registered by floors and components, so that nothing undescribed and unclassified is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_TEXT = 2000
MAX_NUMBER = 2**53 - 1  # what every JSON reader can hold


class AttributeClass(StrEnum):
    """How sensitive an attribute is; personal ones are not kept with the event stream's long tail."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class EventAttribute:
    """One attribute of an event: its JSON type and its class."""

    type: type
    attribute_class: AttributeClass = AttributeClass.INTERNAL


@dataclass(frozen=True, slots=True)
class EventSchema:
    """An event type at one schema version. `stage` says how far a delivery has come when this is reported."""

    type: str
    version: int
    attributes: Mapping[str, EventAttribute] = field(default_factory=dict)
    stage: "Stage | None" = None


class Stage(StrEnum):
    """How far the delivery of a release to a device has come; `failed` is no place on the way but an end of it."""

    OFFERED = "offered"
    DOWNLOADED = "downloaded"
    VERIFIED = "verified"
    INSTALLED = "installed"
    FAILED = "failed"
    BOOTED = "booted"


STAGE_ORDER = {stage: number for number, stage in enumerate(Stage)}
WAY = (Stage.OFFERED, Stage.DOWNLOADED, Stage.VERIFIED, Stage.INSTALLED, Stage.BOOTED)


def refusal(schemas: Mapping[tuple[str, int], EventSchema], kind: str, version: int, attrs: Mapping[str, Any]) -> str:
    """Return the code of the reason to refuse an event, or the empty string."""
    schema = schemas.get((kind, version))
    if schema is None:
        return "unknown_event_type"
    for name, value in attrs.items():
        attribute = schema.attributes.get(name)
        if attribute is None:
            return "unknown_event_attribute"
        if type(value) is not attribute.type or _is_too_large(value):
            return "bad_event_attribute"
    return ""


def _is_too_large(value: object) -> bool:
    if isinstance(value, str):
        return len(value) > MAX_TEXT
    return isinstance(value, int) and abs(value) > MAX_NUMBER


def by_type(schemas: Sequence[EventSchema]) -> dict[tuple[str, int], EventSchema]:
    """Return the schemas by (type, version)."""
    return {(schema.type, schema.version): schema for schema in schemas}
