"""The snapshot part `switches`."""

from collections.abc import Sequence

from sampan.platform.engines.database import Transaction
from sampan.platform.switches.compiled import SwitchesPart
from sampan.platform.switches.repository import Switch, SwitchState, list_switches
from sampan.platform.workspaces.replica import SnapshotPart

PART = "switches"


async def load(tx: Transaction) -> Sequence[Switch]:
    """Read what is served."""
    return await list_switches(tx, SwitchState.ACTIVE)


def compile_part(switches: Sequence[Switch]) -> SwitchesPart:
    """Compile the rows."""
    return SwitchesPart((each.definition, each.salt) for each in switches)


snapshot_part = SnapshotPart(PART, load, compile_part)
