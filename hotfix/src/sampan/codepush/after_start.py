"""What CodePush plugs in that no start needs."""

from sampan.codepush import acquisition_api as acquisition
from sampan.codepush import tables
from sampan.codepush.appcenter_api import build_routes as build_appcenter
from sampan.codepush.approving import RELEASES
from sampan.codepush.collecting import run_collector
from sampan.codepush.diffing import make_job
from sampan.codepush.management_api import build_routes as build_management
from sampan.codepush.service import APPROVE, EDIT, KEYS, LOWER, READ
from sampan.platform.component import Background, ClientRoutes, ConsoleRoutes, HotRoute, Jobs, Tables
from sampan.platform.operators.permissions import EVERYONE, Permission

MANAGERS = frozenset({"admin", "release_manager"})
CONTRIBUTES = (
    Permission(READ, "查看 CodePush", "See CodePush apps, releases and numbers", EVERYONE),
    Permission(EDIT, "提交 CodePush 发布", "Make CodePush apps and propose releases", MANAGERS),
    Permission(APPROVE, "批准 CodePush 发布", "Approve CodePush releases and public keys", MANAGERS | {"reviewer"}),
    Permission(
        LOWER, "停用和回滚 CodePush 发布", "Disable and roll back CodePush releases", MANAGERS | {"service_desk"}
    ),
    RELEASES,
    KEYS,
    Tables(
        (
            tables.apps,
            tables.deployments,
            tables.bundles,
            tables.differences,
            tables.releases,
            tables.counts,
            tables.clients,
        )
    ),
    Jobs(make_job),
    Background("codepush collector", run_collector),
    ConsoleRoutes("sampan.codepush.console_api:build_routes"),
    ClientRoutes(build_management),
    ClientRoutes(build_appcenter),
    HotRoute("GET", acquisition.CHECK, acquisition.build_check),
    HotRoute("GET", acquisition.CHECK_OLD, acquisition.build_check_old),
    HotRoute("POST", acquisition.DEPLOY, acquisition.build_deploy),
    HotRoute("POST", acquisition.DEPLOY_OLD, acquisition.build_deploy),
    HotRoute("POST", acquisition.DOWNLOAD, acquisition.build_download),
    HotRoute("POST", acquisition.DOWNLOAD_OLD, acquisition.build_download),
    HotRoute("GET", acquisition.BUNDLE, acquisition.build_bundle),
)
