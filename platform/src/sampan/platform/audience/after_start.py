"""What the audience floor plugs in that no first answer to a device needs."""

from sampan.platform.audience.audiences_service import CHANGE
from sampan.platform.audience.claims import claims_kept
from sampan.platform.audience.device_models import MODELS
from sampan.platform.audience.forgetting import FORGETS_IN_RULES
from sampan.platform.audience.tag_import import import_job
from sampan.platform.audience.tags_service import FORGETS, merge_job
from sampan.platform.component import Background, ConsoleRoutes, Jobs
from sampan.platform.operators.permissions import BuiltInRole, Permission

OPERATORS = frozenset({BuiltInRole.ADMIN, BuiltInRole.RELEASE_MANAGER, BuiltInRole.CAMPAIGN_OPERATOR})
REVIEWER = frozenset({BuiltInRole.REVIEWER})
INSIDERS = OPERATORS | {BuiltInRole.REVIEWER, BuiltInRole.SERVICE_DESK, BuiltInRole.AUDITOR}
PERMISSIONS = (
    Permission("tag:read", "查看标签", "See tags and how many have them", INSIDERS),
    Permission("tag:edit", "维护标签及其成员", "Make tags, import and change who has them", OPERATORS),
    Permission("audience:read", "查看与估算受众", "See saved audiences, estimate rules", INSIDERS),
    Permission("audience:edit", "保存受众、提交受众变更", "Save audiences and propose changes of them", OPERATORS),
    Permission("audience:approve", "批准受众变更", "Approve changes of saved audiences", OPERATORS | REVIEWER),
    Permission(
        "audience:explain",
        "解释受众判定",
        "Have explained why somebody is or is not meant",
        OPERATORS | {BuiltInRole.SERVICE_DESK},
    ),
)
CONTRIBUTES = (
    *PERMISSIONS,
    CHANGE,
    FORGETS,
    FORGETS_IN_RULES,
    MODELS,
    Jobs(merge_job),
    Jobs(import_job),
    Background("device claims", lambda core: claims_kept(core).run()),
    ConsoleRoutes("sampan.platform.audience.console_api:build_routes"),
    ConsoleRoutes("sampan.platform.audience.console_audiences_api:build_routes"),
)
