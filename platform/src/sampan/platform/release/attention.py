"""Releases that stand still and wait for a person to go on with them or to end them."""

from collections.abc import Sequence

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.attention import MOST_OF_A_SOURCE, Attention, Matter, Severity
from sampan.platform.release.repository import OLDEST, page_releases
from sampan.platform.release.states import ReleaseState


async def paused_releases(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the paused releases, whoever or whatever paused them."""
    found = await page_releases(tx, Paging(limit=MOST_OF_A_SOURCE), OLDEST, state=ReleaseState.PAUSED)
    return [
        Matter(
            key=f"release:{each.id}:{each.row_revision}",
            kind="release_paused",
            severity=Severity.WARNING,
            permission="release:submit",
            scope={"app": each.deliverable_id},
            zh=f"{each.deliverable_id} {each.version} 的发布已暂停",
            en=f"The release of {each.deliverable_id} {each.version} is paused",
            link=f"/releases/{each.id}",
            since_ms=each.changed_ms,
        )
        for each in found.items
    ]


SOURCES = (Attention("paused releases", paused_releases),)
