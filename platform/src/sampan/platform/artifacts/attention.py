"""What waits for reviewers and publishers: versions and renewals under review, versions to be signed anew."""

from collections.abc import Sequence

from sampan.platform.artifacts.candidates_repository import ARCHIVE, RENEWAL, candidates_in
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.versions_repository import Version, page_waiting
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.attention import MOST_OF_A_SOURCE, Attention, Matter, Severity

REVIEW, SUBMIT = "version:review", "version:submit"


async def waiting_reviews(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the versions under review."""
    found = await page_waiting(tx, [VersionState.IN_REVIEW], Paging(limit=MOST_OF_A_SOURCE))
    return [
        Matter(
            key=f"review:{each.candidate_id}",
            kind="review_waiting",
            severity=Severity.INFO,
            permission=REVIEW,
            scope=_scope(each),
            not_for=frozenset({each.submitted_person_id, each.signed_person_id}),
            zh=f"{each.app_id} {each.package.version} 等待审核",
            en=f"{each.app_id} {each.package.version} waits for review",
            link=_place(each),
            since_ms=each.queued_ms,
        )
        for each in found.items
    ]


async def waiting_signatures(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the versions that their publishers must sign anew."""
    found = await page_waiting(tx, [VersionState.NEEDS_SIGNATURE], Paging(limit=MOST_OF_A_SOURCE))
    return [
        Matter(
            key=f"resign:{each.candidate_id}",
            kind="version_needs_signature",
            severity=Severity.WARNING,
            permission=SUBMIT,
            scope=_scope(each),
            zh=f"{each.app_id} {each.package.version} 需要重新签名",
            en=f"{each.app_id} {each.package.version} must be signed anew by its publisher",
            link=_place(each),
            since_ms=each.queued_ms,
        )
        for each in found.items
    ]


async def waiting_renewals(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the renewals and archives under review."""
    found = await candidates_in(tx, (RENEWAL, ARCHIVE), VersionState.IN_REVIEW, limit=MOST_OF_A_SOURCE)
    return [
        Matter(
            key=f"review:{each.id}",
            kind="renewal_waiting",
            severity=Severity.INFO,
            permission=REVIEW,
            scope={"app": each.app_id},
            not_for=frozenset({each.submitted_person_id, each.signed_person_id}),
            zh=f"{each.app_id} 的续期等待审核",
            en=f"A renewal of {each.app_id} waits for review",
            link=f"/apps/{each.app_id}",
            since_ms=each.submitted_ms,
        )
        for each in found
    ]


def _scope(version: Version) -> dict[str, str]:
    return {"publisher": version.publisher_id, "app": version.app_id}


def _place(version: Version) -> str:
    return f"/apps/{version.app_id}/versions/{version.sequence}"


SOURCES = (
    Attention("reviews", waiting_reviews),
    Attention("signatures", waiting_signatures),
    Attention("renewals", waiting_renewals),
)
