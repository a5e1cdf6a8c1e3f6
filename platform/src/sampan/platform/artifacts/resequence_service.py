"""The same files under another sequence, without an upload.

The sequence stands in `manifest.json`, so a new one is a new package with a new digest: the server makes its archive
from the stored files with the one member changed, and intake then judges it like any other upload. What the
publisher signed must be exactly that.
"""

import secrets
from pathlib import Path

from sampan.offline_packages import PackageIndex, package_digest, parse_index
from sampan.offline_packages.renumber import renumber
from sampan.platform.artifacts.admitting import Source, Submission, admit, sequence_taken
from sampan.platform.artifacts.lookups import candidate_of, find, index_bytes_of, visible_version
from sampan.platform.artifacts.moves import move, settle_queue
from sampan.platform.artifacts.quarantine import quarantine_key
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.artifacts.storage import close_archive, keys_of, open_archive
from sampan.platform.artifacts.submit_service import SUBMIT, open_app
from sampan.platform.artifacts.taking_in import in_thread
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.keys import Key
from sampan.platform.ids import new_id
from sampan.platform.operators.actor import Actor

S = VersionState
SOURCES = frozenset({S.SEQUENCE_SUPERSEDED, S.NEEDS_SIGNATURE, S.WITHDRAWN, S.UPLOADED})
REPLACED = frozenset({S.NEEDS_SIGNATURE, S.WITHDRAWN, S.UPLOADED})


async def resequence(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, submission: Submission
) -> Version:
    """Bring the files of version `sequence` in again under the sequence of the submitted index.

    Raises what a submission raises; `IndexDiffers` when anything but `version.code` of the manifest changed.
    The version that it was made from, when it still waits, becomes `sequence_superseded`.
    """
    index = parse_index(submission.index)
    app, known = await open_app(core, workspace_id, actor, app_id, sequence=index.sequence)
    if known is not None:
        if known.package.package_digest == package_digest(submission.index):
            return known
        raise sequence_taken(app_id, index.sequence)
    _, old = await visible_version(core, workspace_id, actor, app_id, sequence, SUBMIT)
    if old.state not in SOURCES:
        raise StateForbids(
            f"The version is {old.state}; only one that waits, was withdrawn or was superseded comes again under "
            "another sequence.",
            state=old.state.value,
        )
    key = await _renumbered(core, workspace_id, old, index.sequence)
    try:
        version = await admit(core, workspace_id, actor, app, Source(key, resequenced_from=sequence), submission)
    finally:
        await core.objects.delete(key)
    await _replace(core, workspace_id, actor, app_id, sequence)
    return version


async def _renumbered(core: Core, workspace_id: str, old: Version, sequence: int) -> Key:
    index = parse_index(await index_bytes_of(core, workspace_id, old))
    aside = core.objects.incoming / f"{secrets.token_hex(16)}.ma"
    key = quarantine_key(workspace_id, new_id("upl"))
    path = await open_archive(core, keys_of(workspace_id, old).package)
    try:
        await in_thread(_renumber, path, index, sequence, aside)
        await core.objects.put_file(key, aside)
    finally:
        await close_archive(path)
        await close_archive(aside)
    return key


def _renumber(archive: Path, index: PackageIndex, sequence: int, out: Path) -> None:
    renumber(archive, index, sequence=sequence, out_path=out)


async def _replace(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int) -> None:
    async with core.store.workspace(workspace_id).write() as tx:
        old = await find(tx, app_id, sequence)
        if old.state in REPLACED:
            await move(core, tx, await candidate_of(tx, old), S.SEQUENCE_SUPERSEDED, cause="resequenced", actor=actor)
            await settle_queue(core, tx, app_id)
