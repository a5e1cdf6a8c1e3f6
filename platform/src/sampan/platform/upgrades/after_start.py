"""What upgrades plug in that no first answer to a device needs."""

from sampan.platform.component import ConsoleRoutes
from sampan.platform.operators.permissions import Permission
from sampan.platform.upgrades.deliverable import APP_UPGRADE

CONTRIBUTES = (
    Permission(
        "upgrade:edit", "编辑应用升级", "Enter upgrades of client apps", frozenset({"admin", "release_manager"})
    ),
    APP_UPGRADE,
    ConsoleRoutes("sampan.platform.upgrades.console_api:build_routes"),
)
