"""Which types of events there are, for whoever asks about them: funnels and gates."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sampan.platform.errors import Invalid
from sampan.platform.insight.health import DELIVERY
from sampan.platform.insight.schemas import EventSchema

if TYPE_CHECKING:
    from sampan.platform.core import Core


class EventTypeUnknown(Invalid):
    """No component registered this type of event, so no device can report it."""

    code = "event_type_unknown"


class EventTypeNotByVersion(Invalid):
    """This type of event is kept by release and not by version, so it is no part of a ratio."""

    code = "event_type_not_by_version"


def event_types(core: "Core") -> list[str]:
    """Return the registered types."""
    return sorted({schema.type for schema in core.contributions(EventSchema)})


def require_known(core: "Core", named: Iterable[tuple[str, str]]) -> None:
    """Raise `EventTypeUnknown` for the first type nobody registered; each comes with the field that names it."""
    known = event_types(core)
    for name, field in named:
        if name not in known:
            raise EventTypeUnknown(
                f"There is no type of event {name[:64]!r}; GET /insight/event-types lists them.", field=field
            )


def require_of_versions(core: "Core", named: Iterable[tuple[str, str]]) -> None:
    """Raise `EventTypeUnknown`, or `EventTypeNotByVersion` for a type that no ratio can be made of."""
    found = list(named)
    require_known(core, found)
    for name, field in found:
        if name.startswith(DELIVERY):
            raise EventTypeNotByVersion(
                f"{name} is counted by release: choose the signal delivery_failed instead.", field=field
            )
