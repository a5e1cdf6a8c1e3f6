"""What waits for officers and key holders, and how fresh the trees are."""

from collections.abc import Sequence

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.attention import Attention, Health, HealthLine, Matter, Severity
from sampan.platform.trust.ceremony_rows import waiting
from sampan.platform.trust.making import TIMESTAMP_EVERY
from sampan.platform.trust.overview import RoleStatus, TreeStatus, tree_statuses

STALE_MS = 2 * int(TIMESTAMP_EVERY.total_seconds()) * 1000
AGES_EN = ((86_400, "day", "days"), (3600, "hour", "hours"), (60, "minute", "minutes"), (1, "second", "seconds"))
AGES_ZH = ((86_400, "天", "天"), (3600, "小时", "小时"), (60, "分钟", "分钟"), (1, "秒", "秒"))
WAITS_FOR = {"officers": "trust:manage", "publisher": "version:submit", "server": "trust:manage"}


async def waiting_bodies(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the bodies that officers must sign."""
    return [
        Matter(
            key=f"trust-pending:{each.id}",
            kind="signature_waiting",
            severity=Severity.WARNING,
            permission="trust:sign",
            zh=f"信任树 {each.profile} 的 {each.role} 第 {each.version} 版等待官员签名",
            en=f"{each.role} {each.version} of the tree {each.profile} waits for officers' signatures",
            link="/trust",
            since_ms=each.created_ms,
        )
        for each in await waiting(tx)
    ]


async def ending_roles(core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the roles whose signatures end soon or have ended."""
    now_ms = core.now_ms()
    return [
        _ending(status, role, now_ms)
        for status in await tree_statuses(tx, now_ms=now_ms)
        for role in status.roles
        if role.is_due
    ]


async def tree_health(core: Core, tx: Transaction) -> Sequence[HealthLine]:
    """Return for each started tree how old its timestamp is and whether everything is visible."""
    now_ms = core.now_ms()
    return [_health(status, now_ms) for status in await tree_statuses(tx, now_ms=now_ms) if status.is_started]


def _ending(status: TreeStatus, role: RoleStatus, now_ms: int) -> Matter:
    profile, is_over = status.tree.profile, role.expires_ms <= now_ms
    app = role.role.removeprefix("app.")
    return Matter(
        key=f"trust-role:{profile}:{role.role}:{role.version}",
        kind="role_ending",
        severity=Severity.ERROR if is_over else Severity.WARNING,
        permission=WAITS_FOR[role.signer],
        scope={"app": app} if role.signer == "publisher" else {},
        zh=f"信任树 {profile} 的 {role.role} {'已过期' if is_over else '即将过期'}",
        en=f"{role.role} of the tree {profile} {'has ended' if is_over else 'ends soon'}",
        link="/trust",
        since_ms=role.expires_ms,
    )


def _health(status: TreeStatus, now_ms: int) -> HealthLine:
    tree = status.tree
    age_ms = now_ms - tree.exposed_ms
    is_current = (tree.changed, tree.made_timestamp) == (tree.exposed_changed, tree.exposed_timestamp)
    severity = Severity.ERROR if age_ms > STALE_MS else Severity.INFO
    return HealthLine(
        name=f"tree:{tree.profile}",
        severity=severity,
        zh=f"信任树 {tree.profile}：时间戳 {tree.exposed_timestamp} 在{_ago(age_ms, AGES_ZH)}前签发",
        en=f"Tree {tree.profile}: timestamp {tree.exposed_timestamp} was signed {_ago(age_ms, AGES_EN)} ago",
        facts={
            "profile": tree.profile,
            "timestamp_version": tree.exposed_timestamp,
            "timestamp_age_ms": age_ms,
            "is_up_to_date": is_current,
        },
    )


def _ago(age_ms: int, words: tuple[tuple[int, str, str], ...]) -> str:
    """Return an age in the largest unit of which there are two."""
    seconds = max(0, age_ms // 1000)
    length, one, many = next((each for each in words if seconds >= 2 * each[0]), words[-1])
    number = seconds // length
    return f"{number} {one if number == 1 else many}"


SOURCES = (
    Attention("officers' signatures", waiting_bodies),
    Attention("ending roles", ending_roles),
    Health("trust trees", tree_health),
)
