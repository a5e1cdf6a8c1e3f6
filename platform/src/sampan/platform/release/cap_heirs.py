"""Places that go on when a capped release is rolled back: the target is for those who had one."""

from sqlalchemy import insert, update

from sampan.platform.engines.database import Transaction
from sampan.platform.release.cap_rows import ASKED_AT_ONCE, all_places, release_caps, release_places


async def keep_places(tx: Transaction, release_id: str, heir_id: str, *, now_ms: int) -> None:
    """Give those who hold a place in a release one in another; from then on neither gives any to anybody else."""
    caps = release_caps.c
    here = (caps.workspace_id == tx.workspace_id, caps.release_id == release_id)
    await tx.execute(update(release_caps).where(*here).values(is_closed=True))  # takes the lock that claims take
    subjects = sorted(await all_places(tx, release_id))
    row = {"release_id": heir_id, "places": len(subjects), "taken": len(subjects), "is_closed": True}
    await tx.execute(insert(release_caps).values(workspace_id=tx.workspace_id, **row))
    mine = {"workspace_id": tx.workspace_id, "release_id": heir_id, "at_ms": now_ms}
    for start in range(0, len(subjects), ASKED_AT_ONCE):
        rows = [{**mine, "subject": each} for each in subjects[start : start + ASKED_AT_ONCE]]
        await tx.execute(insert(release_places), rows)
