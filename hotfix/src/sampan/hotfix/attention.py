"""What waits for reviewers and publishers: hotfixes under review, and those that must be signed anew."""

from collections.abc import Sequence

from sampan.hotfix.repository import Record, waiting_hotfixes
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.attention import MOST_OF_A_SOURCE, Attention, Matter, Severity

REVIEW, SUBMIT = "version:review", "version:submit"


async def waiting_reviews(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the hotfixes under review."""
    return [
        Matter(
            key=f"review:{each.candidate_id}",
            kind="hotfix_waiting",
            severity=Severity.WARNING,
            permission=REVIEW,
            scope={"app": each.app_id, "publisher": publisher_id},
            not_for=frozenset(makers),
            zh=f"{each.app_id}@{each.sequence} 的热修复 {each.n} 等待审核",
            en=f"Hotfix {each.n} of {each.app_id}@{each.sequence} waits for review",
            link=_place(each),
            since_ms=each.submitted_ms,
        )
        for each, publisher_id, makers in await waiting_hotfixes(tx, VersionState.IN_REVIEW, limit=MOST_OF_A_SOURCE)
    ]


async def waiting_signatures(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the hotfixes that their publishers must sign anew."""
    found = await waiting_hotfixes(tx, VersionState.NEEDS_SIGNATURE, limit=MOST_OF_A_SOURCE)
    return [
        Matter(
            key=f"resign:{each.candidate_id}",
            kind="hotfix_needs_signature",
            severity=Severity.WARNING,
            permission=SUBMIT,
            scope={"app": each.app_id, "publisher": publisher_id},
            zh=f"{each.app_id}@{each.sequence} 的热修复 {each.n} 需要重新签名",
            en=f"Hotfix {each.n} of {each.app_id}@{each.sequence} must be signed anew by its publisher",
            link=_place(each),
            since_ms=each.submitted_ms,
        )
        for each, publisher_id, _makers in found
    ]


def _place(record: Record) -> str:
    return f"/apps/{record.app_id}/versions/{record.sequence}/hotfixes/{record.n}"


SOURCES = (Attention("hotfix reviews", waiting_reviews), Attention("hotfix signatures", waiting_signatures))
