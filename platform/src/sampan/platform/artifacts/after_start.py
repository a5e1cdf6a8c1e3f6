"""What the artifacts floor plugs in that no first answer to a device needs."""

from sampan.platform.artifacts.apps_repository import drop_tester
from sampan.platform.artifacts.attention import SOURCES
from sampan.platform.artifacts.client_api import build_routes as client_routes
from sampan.platform.artifacts.publication import on_tree_published
from sampan.platform.artifacts.quarantine import run_sweep
from sampan.platform.artifacts.scanning import scan_job
from sampan.platform.artifacts.trial_part import TRIAL_PART
from sampan.platform.component import Background, ClientRoutes, ConsoleRoutes, Forgets, Jobs
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.permissions import EVERYONE, Permission
from sampan.platform.trust.service import TreePublished
from sampan.platform.workspaces.revisions import raise_revision

ADMIN, RELEASE, REVIEWER, PUBLISHER = "admin", "release_manager", "reviewer", "publisher"
PERMISSIONS = (
    Permission("publisher:manage", "登记开发者及其密钥", "Register publishers and their keys", frozenset({ADMIN})),
    Permission("app:read", "查看应用与版本", "See apps and their versions", EVERYONE),
    Permission("app:create", "登记应用", "Register apps", frozenset({ADMIN, RELEASE, PUBLISHER})),
    Permission("version:submit", "提交版本", "Submit, sign anew and withdraw versions", frozenset({PUBLISHER})),
    Permission("version:review", "审核版本", "Approve and reject versions", frozenset({REVIEWER, RELEASE})),
    Permission("version:comment", "评论版本", "Comment on versions", frozenset({PUBLISHER, REVIEWER, RELEASE, ADMIN})),
    Permission("trial:manage", "指定试用人员", "Name testers", frozenset({ADMIN, RELEASE, REVIEWER})),
)


async def _forget(tx: Transaction, customer_id: str, _subject: int) -> None:
    if await drop_tester(tx, customer_id):
        await raise_revision(tx, TRIAL_PART)


CONTRIBUTES = (
    *PERMISSIONS,
    Forgets("testers", _forget),
    *SOURCES,
    TreePublished(on_tree_published),
    ConsoleRoutes("sampan.platform.artifacts.console_api:build_routes"),
    ClientRoutes(client_routes),
    Jobs(scan_job),
    Background("quarantine sweep", run_sweep),
)
