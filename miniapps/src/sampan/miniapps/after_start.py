"""What mini-apps plug in that no first answer to a device needs."""

from sampan.miniapps.app_calls_api import build as build_app_calls
from sampan.miniapps.changes import CHANGES
from sampan.miniapps.deliverables import DELIVERABLES
from sampan.miniapps.forgetting import FORGETS
from sampan.miniapps.health_events import HEALTH_EVENTS
from sampan.miniapps.kinds import KINDS
from sampan.miniapps.origin import AppOrigin
from sampan.miniapps.origin_part import on_version_state as on_origin_state
from sampan.miniapps.part import on_version_state
from sampan.miniapps.partner_api import EXCHANGE
from sampan.miniapps.partner_api import build as build_partner_routes
from sampan.miniapps.report_matters import REPORTS
from sampan.miniapps.shell_api import build as build_shell_routes
from sampan.platform.artifacts.kinds import VersionHook
from sampan.platform.component import AppOrigins, ClientRoutes, ConsoleRoutes
from sampan.platform.operators.permissions import EVERYONE, Permission

ADMIN, RELEASE, CAMPAIGN, REVIEWER = "admin", "release_manager", "campaign_operator", "reviewer"
PERMISSIONS = (
    Permission("catalogue:read", "查看应用目录", "See the catalogue", EVERYONE),
    Permission("catalogue:edit", "编辑应用目录", "Edit the catalogue", frozenset({ADMIN, RELEASE, CAMPAIGN})),
    Permission(
        "catalogue:approve",
        "批准扩大可见范围",
        "Approve that more people see or open an app",
        frozenset({ADMIN, RELEASE, REVIEWER}),
    ),
    Permission("miniapps:policy", "修改小程序包规则", "Change the rules for packages", frozenset({ADMIN, RELEASE})),
)
CONTRIBUTES = (
    *PERMISSIONS,
    *CHANGES,
    *HEALTH_EVENTS,
    *KINDS,
    *DELIVERABLES,
    VersionHook(on_version_state),
    VersionHook(on_origin_state),
    AppOrigins(AppOrigin),
    ClientRoutes(build_shell_routes),
    ClientRoutes(build_app_calls),
    ClientRoutes(build_partner_routes),
    EXCHANGE,
    FORGETS,
    REPORTS,
    Permission(
        "report:read",
        "查看用户举报",
        "See customers' reports about apps",
        frozenset({ADMIN, RELEASE, REVIEWER, "service_desk"}),
    ),
    Permission(
        "report:handle",
        "处理用户举报",
        "Mark customers' reports as handled",
        frozenset({ADMIN, RELEASE, REVIEWER, "service_desk"}),
    ),
    ConsoleRoutes("sampan.miniapps.reports_api:build_routes"),
    ConsoleRoutes("sampan.miniapps.console_api:build_routes"),
    ConsoleRoutes("sampan.miniapps.preview_api:build_routes"),
)
