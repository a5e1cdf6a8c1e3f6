"""What the floors below tell hotfixes: a control file became visible, a version came or went."""

from sampan.hotfix.names import KIND, PART, version_named
from sampan.hotfix.repository import has_hotfix
from sampan.offline_packages.roles import CONTROL_ROLE
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.release.repository import mark_exposed, offering_releases
from sampan.platform.trust.profiles import INTL
from sampan.platform.trust.service import exposed_controls
from sampan.platform.workspaces.revisions import raise_revision

_CHANGES_WHAT_IS_THERE = frozenset({VersionState.PUBLISHED, VersionState.KILLED, VersionState.ARCHIVED})


async def on_tree_published(_core: Core, tx: Transaction, profile: str, roles: dict[str, int]) -> None:
    """Begin to tell the hotfixes whose stack became visible in a control file."""
    if profile != INTL.name or CONTROL_ROLE not in roles:
        return
    hidden = {each.deliverable_id for each in await offering_releases(tx, kind=KIND) if not each.is_exposed}
    if not hidden:
        return
    visible = await exposed_controls(tx, profile, roles[CONTROL_ROLE])
    told = {name for name in hidden if (version := version_named(name)) is not None and version[0] in visible}
    await mark_exposed(tx, told, kind=KIND)
    await raise_revision(tx, PART)


async def on_version_state(tx: Transaction, app_id: str, sequence: int, state: str) -> None:
    """Compile the part anew when a version that has hotfixes came or went."""
    if state in _CHANGES_WHAT_IS_THERE and await has_hotfix(tx, app_id, sequence):
        await raise_revision(tx, PART)
