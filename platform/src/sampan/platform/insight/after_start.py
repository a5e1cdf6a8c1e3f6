"""What the insight floor plugs in, after the start."""

from sampan.platform.component import Background, ConsoleRoutes, HotRoute, Jobs
from sampan.platform.insight.client_api import build_events
from sampan.platform.insight.daily import SERIES
from sampan.platform.insight.intake import intake_of
from sampan.platform.insight.keeping import keep_job, run_keeping
from sampan.platform.insight.schemas import EventAttribute, EventSchema, Stage
from sampan.platform.operators.permissions import EVERYONE, Permission

REPORT = {"code": EventAttribute(str), "milliseconds": EventAttribute(int), "bytes": EventAttribute(int)}
CAME = {"way": EventAttribute(str), "fell_back": EventAttribute(str)}
DELIVERY = tuple(EventSchema(f"delivery.{stage}", 1, REPORT | CAME, stage) for stage in Stage)
REFUSAL = EventSchema("trust.refused", 1, {"code": EventAttribute(str), "detail": EventAttribute(str)})
OPENED = EventSchema("app.opened", 1, {"milliseconds": EventAttribute(int), "fetched": EventAttribute(bool)})

CONTRIBUTES = (
    Permission("insight:read", "查看统计", "See statistics", EVERYONE),
    Permission(
        "insight:policy", "设置事件保留天数", "Set how long events are kept", frozenset({"admin"}), dangerous=True
    ),
    *DELIVERY,
    *SERIES,
    REFUSAL,
    OPENED,
    HotRoute("POST", "/client/v1/events", build_events),
    ConsoleRoutes("sampan.platform.insight.console_api:build_routes"),
    ConsoleRoutes("sampan.platform.insight.console_delivery_api:build_routes"),
    ConsoleRoutes("sampan.platform.insight.console_health_api:build_routes"),
    ConsoleRoutes("sampan.platform.insight.console_insight_api:build_routes"),
    Jobs(keep_job),
    Background("event intake", lambda core: intake_of(core).run()),
    Background("event keeping", run_keeping),
)
