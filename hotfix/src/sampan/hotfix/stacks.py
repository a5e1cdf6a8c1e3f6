"""The stacks of hotfixes in an app's control file: those of releases that were started and not taken back."""

from msgspec.structs import replace

from sampan.hotfix.names import KIND, deliverable_id, version_named
from sampan.hotfix.problems import HotfixStacksFull
from sampan.hotfix.repository import hotfixes_in
from sampan.offline_packages.control import Stack
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.release.repository import read_release_rows, releases
from sampan.platform.release.states import ReleaseState
from sampan.platform.trust.service import change_control

MOST_STACKS = 1000  # devices refuse a control file of more than 256 KiB


async def write_stacks(core: Core, tx: Transaction, actor: Actor, app_id: str) -> None:
    """Write the app's control file anew with the stacks that devices may have now; raise `HotfixStacksFull`."""
    stacks = await stacks_of(tx, app_id)
    if len(stacks) > MOST_STACKS:
        raise HotfixStacksFull(
            f"{app_id} has {MOST_STACKS} released hotfixes. Withdraw some of versions that hardly anybody has any more."
        )
    await change_control(core, tx, app_id, lambda control: replace(control, stacks=stacks), actor)


async def stacks_of(tx: Transaction, app_id: str) -> tuple[Stack, ...]:
    """Return the stacks that devices may have: pause and stop take nothing back, a roll-back and a withdrawal do."""
    given = await read_release_rows(
        tx,
        (releases.c.kind == KIND)
        & releases.c.deliverable_id.startswith(deliverable_id(app_id, 0)[:-1], autoescape=True)
        & (releases.c.started_ms > 0)
        & (releases.c.state != ReleaseState.ROLLED_BACK),
    )
    wanted = {(version, each.sequence) for each in given if (version := version_named(each.deliverable_id)) is not None}
    found = await hotfixes_in(tx, {version for version, _n in wanted})
    return tuple(
        Stack(sequence, tuple(str(n) for n in record.stack), record.digest)
        for (app, sequence), records in sorted(found.items())
        for record in records
        if ((app, sequence), record.n) in wanted and record.stack
    )
