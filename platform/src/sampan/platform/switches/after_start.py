"""What the switches floor plugs in that no first answer to a device needs."""

from sampan.platform.component import ConsoleRoutes, HotRoute
from sampan.platform.operators.changes import ChangeKind
from sampan.platform.operators.permissions import EVERYONE, Permission
from sampan.platform.switches import service
from sampan.platform.switches.asking import EVALUATE_ANY
from sampan.platform.switches.deliverable import SWITCH
from sampan.platform.switches.events import build_events
from sampan.platform.switches.explaining import RULES
from sampan.platform.switches.forgetting import FORGETS
from sampan.platform.switches.ofrep import BULK, EVENTS, SINGLE, build_bulk, build_preflight, build_single

MANAGERS = frozenset({"admin", "release_manager"})
CONTRIBUTES = (
    RULES,
    FORGETS,
    SWITCH,
    Permission("switch:read", "查看开关", "See switches", EVERYONE),
    Permission("switch:edit", "编辑开关", "Make drafts of switches and propose changes", MANAGERS),
    Permission("switch:approve", "批准开关变更", "Approve changes of switches", MANAGERS | {"reviewer"}),
    Permission("switch:lower", "关闭和归档开关", "Turn switches off and archive them", MANAGERS | {"service_desk"}),
    Permission(EVALUATE_ANY, "为任何人求值开关", "Ask for anybody's switches, with a machine token", MANAGERS),
    ChangeKind(
        service.CHANGE,
        propose="switch:edit",
        approve="switch:approve",
        base=service.base_of,
        apply=service.apply_change,
        describe=service.describe_change,
        named=lambda _target, payload: service.named(payload),
        zh="修改开关",
        en="Change switches",
    ),
    ConsoleRoutes("sampan.platform.switches.console_api:build_routes"),
    HotRoute("POST", BULK, build_bulk),
    HotRoute("POST", SINGLE, build_single),
    HotRoute("OPTIONS", BULK, build_preflight),
    HotRoute("OPTIONS", SINGLE, build_preflight),
    HotRoute("GET", EVENTS, build_events),
)
