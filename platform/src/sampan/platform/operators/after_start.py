"""What the operators floor contributes after the start: permissions, kinds of change, routes, the built-in roles."""

from typing import TYPE_CHECKING

from sampan.platform.component import Background, ConsoleRoutes, Jobs, Port, Tables, WorkspaceSetup
from sampan.platform.operators.attention import Attention
from sampan.platform.operators.attention_sources import failed_jobs, held_up_events, waiting_changes
from sampan.platform.operators.notices import run_notices
from sampan.platform.operators.notices_delivery import email_job, probe_job, webhook_job
from sampan.platform.operators.notices_mail import MailPort, build_mail
from sampan.platform.operators.operator_rows import add_built_in_roles
from sampan.platform.operators.people_changes import KINDS
from sampan.platform.operators.permissions import EVERYONE, BuiltInRole, Permission
from sampan.platform.operators.session_rows import machine_tokens, sessions, setup_links

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.workspaces.store import Door

ADMIN = frozenset({str(BuiltInRole.ADMIN)})
WATCHERS = ADMIN | {str(BuiltInRole.AUDITOR)}
INSIDERS = EVERYONE - {str(BuiltInRole.PUBLISHER)}
PERMISSIONS = (
    Permission("operator:read", "查看账号与角色", "See accounts and roles", WATCHERS),
    Permission("operator:propose", "提出账号与授权变更", "Propose accounts and grants", ADMIN, dangerous=True),
    Permission("operator:approve", "审批账号与授权变更", "Approve accounts and grants", ADMIN, dangerous=True),
    Permission("operator:disable", "停用账号、收回授权", "Disable accounts, remove grants", ADMIN, dangerous=True),
    Permission("change:read", "查看变更申请", "See change requests", INSIDERS),
    Permission("audit:read", "查看审计记录", "Read the audit", WATCHERS),
    Permission("host:read", "查看网址", "See the hosts of the workspace", INSIDERS),
    Permission("host:edit", "修改网址", "Add and remove hosts of the workspace", ADMIN, dangerous=True),
    Permission("token:create", "创建机器令牌", "Make machine tokens", EVERYONE),
    Permission("token:read", "查看所有机器令牌", "See everybody's machine tokens", WATCHERS),
    Permission("system:read", "查看系统状态与设置", "See workers, jobs, storage and settings", WATCHERS),
    Permission("system:manage", "重试失败的任务", "Have failed jobs tried again", ADMIN),
    Permission("notice:webhooks", "管理通知回调", "Add and remove webhooks for notices", ADMIN),
    Permission("token:revoke", "吊销任意机器令牌", "End anybody's machine token", ADMIN),
)


async def _set_up(_core: "Core", door: "Door") -> None:
    async with door.write() as tx:
        await add_built_in_roles(tx)


CONTRIBUTES = (
    *PERMISSIONS,
    Attention("changes", waiting_changes),
    Attention("jobs", failed_jobs),
    Attention("events", held_up_events),
    *KINDS,
    Tables((sessions, machine_tokens, setup_links)),
    Background("notices", run_notices),
    Jobs(email_job),
    Jobs(webhook_job),
    Jobs(probe_job),
    Port(MailPort, build_mail),
    WorkspaceSetup("operators", _set_up),
    *(
        ConsoleRoutes(f"sampan.platform.operators.console_{name}_api:build")
        for name in (
            "session",
            "names",
            "people",
            "tokens",
            "changes",
            "audit",
            "hosts",
            "system",
            "overview",
            "notices",
        )
    ),
)
