"""What the trust floor plugs in that no first answer to a device needs."""

from sampan.platform.component import (
    Background,
    ClientRoutes,
    ConsoleRoutes,
    DoctorCheck,
    WorkspaceSetup,
)
from sampan.platform.operators.permissions import BuiltInRole, Permission
from sampan.platform.trust.attention import SOURCES
from sampan.platform.trust.client_api import routes
from sampan.platform.trust.collecting import run_collector
from sampan.platform.trust.doctor import check_passphrase, check_trees
from sampan.platform.trust.encodings import run_encoder
from sampan.platform.trust.key_register import RESUME_KEY
from sampan.platform.trust.publisher import run_publisher
from sampan.platform.trust.setting_up import set_up, unlock_all
from sampan.platform.trust.starting import START_TREE

ADMIN = frozenset({BuiltInRole.ADMIN.value})
STOPPERS = frozenset({BuiltInRole.ADMIN.value, BuiltInRole.RELEASE_MANAGER.value})
READERS = frozenset(
    each.value
    for each in (
        BuiltInRole.ADMIN,
        BuiltInRole.RELEASE_MANAGER,
        BuiltInRole.REVIEWER,
        BuiltInRole.AUDITOR,
        BuiltInRole.PUBLISHER,
    )
)
PERMISSIONS = (
    Permission(
        "trust:read", "查看信任树、密钥与待签内容", "See trust trees, keys and what waits for signatures", READERS
    ),
    Permission("trust:sign", "提交官员签名", "Hand in officers' signatures", ADMIN),
    Permission("trust:manage", "登记密钥并发起信任变更", "Register keys and ask the officers for changes", ADMIN, True),
    Permission("trust:suspend", "立即停用密钥", "Suspend a key at once", STOPPERS),
)
CONTRIBUTES = (
    *PERMISSIONS,
    *SOURCES,
    RESUME_KEY,
    START_TREE,
    WorkspaceSetup("trust", set_up),
    Background("trust publisher", run_publisher),
    Background("trust keys", unlock_all),
    Background("trust encodings", run_encoder),
    Background("trust collector", run_collector),
    ClientRoutes(routes),
    ConsoleRoutes("sampan.platform.trust.console_api:build_routes"),
    DoctorCheck("trust trees", check_trees),
    DoctorCheck("trust passphrase", check_passphrase),
)
