"""A look into an upload before anybody signs it: intake and the automatic checks, with nothing kept but the upload.

A browser holds no publisher's key. What a person uploads there is judged here at once; the version is submitted from
the same upload when its signed bodies come.
"""

import asyncio

from msgspec import Struct

from sampan.platform.artifacts import quarantine
from sampan.platform.artifacts.admitting import has_error, sequence_taken
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.lookups import rules_for
from sampan.platform.artifacts.pace import at_work, count_one
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import close_archive, open_archive
from sampan.platform.artifacts.submit_service import SUBMIT, open_app
from sampan.platform.artifacts.taking_in import TakenIn, take_in
from sampan.platform.core import Core
from sampan.platform.engines.objects import ObjectMissing
from sampan.platform.operators.actor import Actor


class Inspection(Struct, frozen=True):
    """What an upload holds; `known_state` is that of the version which has exactly these bytes already."""

    taken: TakenIn
    known_state: VersionState | None

    @property
    def is_good(self) -> bool:
        """Whether nothing that was found stops the version."""
        return not has_error(self.taken.findings)


async def inspect(core: Core, workspace_id: str, actor: Actor, app_id: str, upload_id: str) -> Inspection:
    """Return what an upload of the actor's holds, as a version of `app_id`.

    Raises what submitting would: `PackageRefused`, `WrongPackage`, `SequenceSuperseded`, `SequenceTaken`,
    `AppArchived`, `UploadUnknown`; and `UploadPace` for too many at once or in a minute.
    """
    async with core.store.workspace(workspace_id).read() as tx:
        app = await visible_app(tx, actor, app_id, SUBMIT)
    await count_one(core, workspace_id, actor, "inspect")
    with at_work(core, workspace_id, actor, "inspect"):
        return await _inspect(core, workspace_id, actor, app, upload_id)


async def _inspect(core: Core, workspace_id: str, actor: Actor, app: App, upload_id: str) -> Inspection:
    upload = await quarantine.find_own(core, workspace_id, actor, upload_id)
    rules = await rules_for(core, workspace_id, app)
    try:
        path = await open_archive(core, quarantine.quarantine_key(workspace_id, upload.id))
    except ObjectMissing as problem:
        raise quarantine.upload_unknown() from problem
    try:
        taken = await take_in(core, path, app.app_id, rules, index_bytes=None)
    finally:
        await close_archive(path)
    await asyncio.to_thread(taken.accepted.archive_path.unlink, missing_ok=True)
    index = taken.accepted.index
    _app, known = await open_app(core, workspace_id, actor, app.app_id, sequence=index.sequence)
    if known is not None and known.package.package_digest != taken.accepted.digest:
        raise sequence_taken(app.app_id, index.sequence)
    return Inspection(taken, None if known is None else known.state)
