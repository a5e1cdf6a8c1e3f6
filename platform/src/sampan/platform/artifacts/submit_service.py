"""Use cases of a publisher: send a version, take it back, have it checked again, ask for the next sequence."""

from sampan.offline_packages import package_digest, parse_index
from sampan.offline_packages.trust_errors import SequenceSuperseded
from sampan.platform.artifacts import problems, quarantine
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.admitting import CHECK, Source, Submission, admit, has_error, sequence_taken
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.lookups import candidate_of, find, rules_for, visible_version
from sampan.platform.artifacts.moves import move, settle_queue
from sampan.platform.artifacts.notes_repository import replace_findings
from sampan.platform.artifacts.reopening import reopened
from sampan.platform.artifacts.resign_service import send_again
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.artifacts.taking_in import in_thread
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.objects import ObjectMissing
from sampan.platform.errors import Conflict, Invalid, TooLarge
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor

SUBMIT = "version:submit"


async def submit_version(
    core: Core, workspace_id: str, actor: Actor, app_id: str, upload_id: str, submission: Submission
) -> Version:
    """Take a version in, check it, and put it in line for review; sending the very same again answers the same.

    What breaks a rule of the format, of the signature or of the sequence is refused and its upload removed;
    what the kind's checks find makes the version `checks_failed`.
    """
    try:
        version = await _submit(core, workspace_id, actor, app_id, upload_id, submission)
    except (Invalid, Conflict, TooLarge):
        await quarantine.discard(core, workspace_id, upload_id, person_id=actor.person_id)
        raise
    await quarantine.discard(core, workspace_id, upload_id, person_id=actor.person_id)
    return version


async def _submit(
    core: Core, workspace_id: str, actor: Actor, app_id: str, upload_id: str, submission: Submission
) -> Version:
    app, known = await _open(core, workspace_id, actor, app_id, submission)
    if known is not None and known.state is VersionState.WITHDRAWN:
        return await send_again(core, workspace_id, actor, known, submission)
    if known is not None:
        return known
    upload = await quarantine.find_own(core, workspace_id, actor, upload_id)
    source = Source(quarantine.quarantine_key(workspace_id, upload.id), upload_id=upload.id)
    try:
        version = await admit(core, workspace_id, actor, app, source, submission)
    except ObjectMissing as problem:
        raise quarantine.upload_unknown() from problem
    await core.objects.delete(source.key)
    return version


async def withdraw(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, note: str = ""
) -> Version:
    """Take a version back; its review slot is free for the next one at once."""
    async with core.store.workspace(workspace_id).write() as tx:
        await visible_app(tx, actor, app_id, SUBMIT)
        candidate = await candidate_of(tx, await find(tx, app_id, sequence))
        await move(core, tx, candidate, VersionState.WITHDRAWN, cause="withdrawn", actor=actor, note=note)
        detail = {"sequence": sequence}
        await audit.record(tx, actor, "version.withdraw", target=app_id, detail=detail, now_ms=core.now_ms())
        await settle_queue(core, tx, app_id)
        return await find(tx, app_id, sequence)


async def recheck(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int) -> Version:
    """Run the checks again by the present rules, after the bank changed its policy."""
    app, version = await visible_version(core, workspace_id, actor, app_id, sequence, SUBMIT)
    if version.state is not VersionState.CHECKS_FAILED:
        raise StateForbids(f"The version is {version.state}; its checks did not fail.", state=version.state.value)
    rules = await rules_for(core, workspace_id, app)
    async with reopened(core, workspace_id, version) as accepted:
        found = await in_thread(rules.kind.check, rules.rules, rules.previous, accepted)
    async with core.store.workspace(workspace_id).write() as tx:
        candidate = await candidate_of(tx, await find(tx, app_id, sequence))
        await replace_findings(tx, candidate.id, CHECK, found)
        if not has_error(found):
            await move(core, tx, candidate, VersionState.UPLOADED, cause="checked_again", actor=actor)
            await settle_queue(core, tx, app_id)
        return await find(tx, app_id, sequence)


async def next_sequence(core: Core, workspace_id: str, actor: Actor, app_id: str) -> int:
    """Return the lowest sequence above all that the app has ever used."""
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        return await versions.highest_sequence(tx, app_id) + 1


async def open_app(
    core: Core, workspace_id: str, actor: Actor, app_id: str, *, sequence: int
) -> tuple[App, Version | None]:
    """Return the app and what stands under this sequence; raise `AppArchived` or `SequenceSuperseded`."""
    async with core.store.workspace(workspace_id).read() as tx:
        app = await visible_app(tx, actor, app_id, SUBMIT)
        known = await versions.find_version(tx, app_id, sequence)
        highest = await versions.highest_published(tx, app_id)
    if app.archived_ms is not None:
        raise problems.AppArchived(f"{app_id} is archived; register a new app under a new id.")
    if known is None and sequence <= highest:
        raise SequenceSuperseded(
            f"{app_id} has published sequence {highest}; pack this one again with a higher sequence "
            "(`sampan pack --next`).",
            highest=highest,
        )
    return app, known


async def _open(
    core: Core, workspace_id: str, actor: Actor, app_id: str, submission: Submission
) -> tuple[App, Version | None]:
    index = parse_index(submission.index)
    app, known = await open_app(core, workspace_id, actor, app_id, sequence=index.sequence)
    if known is not None and known.package.package_digest != package_digest(submission.index):
        raise sequence_taken(app_id, index.sequence)
    return app, known
