"""What promotion plugs in that no first answer to a device needs."""

from sampan.platform.component import ConsoleRoutes
from sampan.platform.operators.changes import ChangeKind
from sampan.platform.promotion import service


def _kind(name: str, of: str, zh: str, en: str) -> ChangeKind:
    return ChangeKind(
        name,
        propose=f"{of}:edit",
        approve=f"{of}:approve",
        base=service.base_of,
        apply=service.apply_promotion,
        describe=service.describe,
        named=lambda _target, payload: service.named(payload),
        zh=zh,
        en=en,
    )


CONTRIBUTES = (
    _kind(service.SWITCHES, "switch", "从其他环境晋级开关", "Promote switches from another workspace"),
    _kind(service.AUDIENCES, "audience", "从其他环境晋级受众", "Promote saved audiences from another workspace"),
    ConsoleRoutes("sampan.platform.promotion.console_api:build_routes"),
)
