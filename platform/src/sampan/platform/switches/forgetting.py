"""What switches keep of a customer who is erased: rules, also of history, name nobody in their place."""

from sampan.platform.audience.forgetting import forget_in
from sampan.platform.component import Forgets
from sampan.platform.engines.database import Transaction
from sampan.platform.switches.part import PART
from sampan.platform.switches.repository import switch_editions, switches
from sampan.platform.workspaces.revisions import raise_revision


async def _forget(tx: Transaction, customer_id: str, _subject: int) -> None:
    if await forget_in(tx, customer_id, (switches.c.definition, switch_editions.c.definition)):
        await raise_revision(tx, PART)


FORGETS = Forgets("switches", _forget)
