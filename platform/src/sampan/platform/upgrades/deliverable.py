"""Upgrades as something that a release rolls out."""

from collections.abc import Collection, Mapping, Sequence

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_rows import DiffLine, Words
from sampan.platform.release.deliverables import Deliverable, DeliverableKind, refuse_what_values_lack
from sampan.platform.release.repository import Release
from sampan.platform.upgrades.part import KIND, PART
from sampan.platform.upgrades.problems import BadUpgrade
from sampan.platform.upgrades.repository import Mode, find_upgrades
from sampan.platform.upgrades.service import present_upgrade, withdraw

MODES = {str(Mode.REMINDER): Words("提醒升级", "reminder"), str(Mode.FORCED): Words("强制升级", "forced")}


async def find(tx: Transaction, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Deliverable]:
    """Return those that were not withdrawn."""
    found = await find_upgrades(tx, wanted)
    return {
        key: Deliverable(
            id=each.client_app,
            sequence=each.build,
            version=each.version,
            digest=each.digest(),
            size_bytes=0,
            min_host=0,
            url="",
        )
        for key, each in found.items()
        if not each.withdrawn
    }


async def kill(core: Core, tx: Transaction, app: str, build: int, _reason: str, actor: Actor, note: str) -> None:
    """Lead nobody to this version again."""
    await withdraw(core, tx, app, build, actor, note)


async def check(_tx: Transaction, release: Release) -> None:
    """Refuse what upgrades cannot do: count places, be judged by gates, or lead another client app than their own."""
    refuse_what_values_lack(release)
    if release.client_app not in (None, release.deliverable_id):
        raise BadUpgrade(
            f"An upgrade of {release.deliverable_id} is for that client app alone: leave the client app out.",
            field="client_app",
        )


async def lines(tx: Transaction, release: Release) -> Sequence[DiffLine]:
    """Return what customers will be told."""
    return await back_lines(tx, release.deliverable_id, release.sequence)


async def back_lines(tx: Transaction, client_app: str, build: int) -> Sequence[DiffLine]:
    """Return what customers will be told of a build."""
    upgrade = await present_upgrade(tx, client_app, build)
    return [
        DiffLine("升级方式", "How", None, str(upgrade.mode), MODES),
        DiffLine("下载地址", "Link", None, upgrade.url),
        DiffLine("说明（中文）", "Text in Chinese", None, upgrade.text["zh"]),
        DiffLine("说明（英文）", "Text in English", None, upgrade.text["en"]),
    ]


APP_UPGRADE = DeliverableKind(
    KIND, find, kill, is_controlled=False, part=PART, check=check, lines=lines, back_lines=back_lines
)
