"""The order of the apps under one heading, set in one step: either all of them stand as asked, or nothing changes."""

from collections.abc import Sequence

from sampan.miniapps import repository
from sampan.miniapps.catalogue import Entry
from sampan.miniapps.changes import ChangedMeanwhile
from sampan.miniapps.part import PART
from sampan.miniapps.service import EDIT, CategoryNotFound
from sampan.platform.core import Core
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.workspaces.revisions import raise_revision

STEP = 10


async def put_order(
    core: Core, workspace_id: str, actor: Actor, category_id: str, app_ids: Sequence[str]
) -> list[Entry]:
    """Give the apps under a heading this order and return them; it shows nothing to anybody new, so it acts at once.

    Raises `CategoryNotFound`, or `ChangedMeanwhile` when these are not exactly the apps under the heading.
    """
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        if category_id not in {each.id for each in await repository.list_categories(tx)}:
            raise CategoryNotFound(f"There is no category {category_id[:64]!r}.")
        present = {each.app_id: each for each in await repository.list_entries(tx) if each.category == category_id}
        if sorted(app_ids) != sorted(present):
            raise ChangedMeanwhile(
                "The apps under this category are others now. Look at the list again, then put it in order."
            )
        ordered = [_at(present[app_id], (at + 1) * STEP) for at, app_id in enumerate(app_ids)]
        now_ms = core.now_ms()
        for entry in ordered:
            if entry != present[entry.app_id]:
                await repository.put_entry(tx, entry, now_ms=now_ms)
        detail = {"apps": list(app_ids)}
        await audit.record(tx, actor, "catalogue.order", target=category_id, detail=detail, now_ms=now_ms)
        await raise_revision(tx, PART)
    return ordered


def _at(entry: Entry, position: int) -> Entry:
    return Entry(**{**entry.as_json(), "position": position})
