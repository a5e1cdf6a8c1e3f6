"""The snapshot part `origins`: which app, and which kind of its versions, stands behind the label of an origin."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import select

from sampan.miniapps.kind_names import MINIAPP
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.tables import apps
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.hosts import label_of
from sampan.platform.trust.profiles import INTL, TRIAL
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import raise_revision

PART = "origins"


class OriginKind(StrEnum):
    """Which versions of an app run in an origin; their data never meet."""

    LIVE = "live"
    TRIAL = "trial"

    @property
    def profile(self) -> str:
        """The trust tree that vouches for the versions of this kind."""
        return INTL.name if self is OriginKind.LIVE else TRIAL.name


class Origin(Struct, frozen=True):
    """What runs in an origin."""

    workspace_id: str
    app_id: str
    kind: OriginKind


Rows = tuple[str, Sequence[str]]


async def load(tx: Transaction) -> Rows:
    """Read the ids of the workspace's mini-apps."""
    statement = select(apps.c.app_id).where(apps.c.workspace_id == tx.workspace_id, apps.c.kind == MINIAPP)
    return tx.workspace_id, [row.app_id for row in await tx.execute(statement)]


def compile_part(rows: Rows) -> Mapping[str, Origin]:
    """Return every origin of the workspace by its label."""
    workspace_id, app_ids = rows
    return {
        label_of(workspace_id, app_id, kind): Origin(workspace_id, app_id, kind)
        for app_id in app_ids
        for kind in OriginKind
    }


async def on_version_state(tx: Transaction, _app_id: str, _sequence: int, state: str) -> None:
    """Compile anew when an app may have got its first version."""
    if state == VersionState.UPLOADED:
        await raise_revision(tx, PART)


def find_origin(core: Core, label: str) -> Origin | None:
    """Return what runs in the origin of this label, in whichever workspace."""
    for workspace_id in core.replica.workspaces:
        found: Origin | None = core.replica.view(workspace_id).parts.get(PART, {}).get(label)
        if found is not None:
            return found
    return None


part = SnapshotPart(PART, load, compile_part)
