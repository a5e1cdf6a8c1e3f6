"""The bank's console API for client apps, customers and devices: its permissions and routes.

It stands here because the identity floor, which it serves, is below operators and audit.
"""

from sampan.platform.component import ConsoleRoutes
from sampan.platform.operators.daily import SERIES
from sampan.platform.operators.permissions import EVERYONE, BuiltInRole, Permission

ADMIN = frozenset({str(BuiltInRole.ADMIN)})
DESK = ADMIN | {str(BuiltInRole.SERVICE_DESK)}
READERS = DESK | {str(BuiltInRole.AUDITOR), str(BuiltInRole.CAMPAIGN_OPERATOR)}
INSIDERS = EVERYONE - {str(BuiltInRole.PUBLISHER)}
PERMISSIONS = (
    Permission("client_app:read", "查看超级应用", "See client apps", INSIDERS),
    Permission("client_app:edit", "维护超级应用", "Enter, change and close client apps", ADMIN),
    Permission("customer:read", "查看客户", "See customers, without personal data", READERS),
    Permission("customer:personal", "查看客户个人资料", "See customers' personal data", DESK),
    Permission("customer:edit", "新增、导入与修改客户", "Enter, import and change customers", ADMIN),
    Permission("customer:tier", "设置客户等级", "Set customers' tiers and what their devices may carry", ADMIN),
    Permission("customer:sign_out", "强制客户下线", "Sign customers out, revoke devices", DESK),
    Permission("customer:erase", "删除客户个人资料", "Erase customers", ADMIN),
    Permission("token_key:rotate", "轮换令牌密钥", "Rotate the keys of access tokens", ADMIN, dangerous=True),
)
CONTRIBUTES = (
    *PERMISSIONS,
    *SERIES,
    ConsoleRoutes("sampan.platform.operators.identity_console_api:build"),
    ConsoleRoutes("sampan.platform.operators.identity_apps_api:build"),
)
