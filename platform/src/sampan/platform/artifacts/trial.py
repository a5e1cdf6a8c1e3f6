"""Trial: a version that passed its checks, signed by the publisher and the intake key, for named testers alone.

The trial tree has a root and keys of its own; devices that are no testers never learn its root.
"""

from sampan.offline_packages import PackageIndex
from sampan.offline_packages.trust_errors import SequenceSuperseded
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.candidates_repository import Body
from sampan.platform.artifacts.storage import copy_to_targets
from sampan.platform.artifacts.versions_repository import Package
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import system_actor
from sampan.platform.trust.body_checks import BaseMoved
from sampan.platform.trust.countersigning import countersign
from sampan.platform.trust.file_rows import ArchiveFile, register_files
from sampan.platform.trust.metadata_rows import VersionTaken
from sampan.platform.trust.profiles import TRIAL

INTAKE = system_actor("intake")


async def put_trial_files(core: Core, workspace_id: str, source_id: str, package: Package) -> None:
    """Put a version's files among the targets, before the transaction that signs them for the trial tree."""
    await copy_to_targets(core, workspace_id, source_id, package)


async def open_trial(
    core: Core, tx: Transaction, package: Package, index: PackageIndex, body: Body | None, *, note: str
) -> None:
    """Sign the trial body with the intake key; when its base moved meanwhile, note that instead of failing."""
    if body is not None:
        try:
            await countersign(core, tx, profile=TRIAL.name, app_id=package.app_id, body=body.body, actor=INTAKE)
        except (BaseMoved, SequenceSuperseded, VersionTaken) as problem:
            note = problem.code
        else:
            await candidates.mark_countersigned(tx, body.candidate_id, TRIAL.name)
            await register_package_files(core, tx, index)
    if body is not None or note:
        await versions.update_version(tx, package.app_id, package.sequence, trial_note=note)


async def register_package_files(core: Core, tx: Transaction, index: PackageIndex) -> None:
    """Make the single files of a package downloadable by their digests; its archive lies among the targets."""
    entries = [ArchiveFile(entry.sha256, entry.offset, entry.size) for entry in index.files]
    await register_files(tx, index.archive.sha256, entries, now_ms=core.now_ms())
