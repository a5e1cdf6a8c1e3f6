"""What people are called: histories and lists keep ids, and a reader wants names."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from sampan.platform.operators.operator_rows import list_operators
from sampan.platform.operators.people_door import read_people
from sampan.platform.operators.person_rows import persons_by_ids

if TYPE_CHECKING:
    from sampan.platform.core import Core


async def names_of(core: "Core", workspace_id: str, ids: Collection[str]) -> dict[str, str]:
    """Return the names behind ids of operators and persons; ids of nobody with an account here are left out."""
    async with read_people(core, workspace_id) as tx:
        found = [each for each in await list_operators(tx) if each.id in ids or each.person_id in ids]
        persons = await persons_by_ids(tx, [each.person_id for each in found])
    names = {each.id: persons[each.person_id].name for each in found} | {
        each.person_id: persons[each.person_id].name for each in found
    }
    return {one: name for one, name in names.items() if one in ids}
