"""Admitting a package: intake, checks and signatures first, then files, then all rows in one transaction.

Files stand before the rows that name them, so a crash in between leaves files that nobody sees and the sweep
removes; never a row without its files.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, to_builtins

from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import problems, quarantine
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.apps_repository import App
from sampan.platform.artifacts.bodies import Judged, PackageFacts, judge
from sampan.platform.artifacts.candidates_repository import VERSION, Candidate
from sampan.platform.artifacts.kinds import ERROR
from sampan.platform.artifacts.lookups import find, rules_for
from sampan.platform.artifacts.moves import note_state, settle_queue
from sampan.platform.artifacts.notes_repository import Finding, replace_findings
from sampan.platform.artifacts.origins import OriginClaim, keep_origin
from sampan.platform.artifacts.scanning import request_scan
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import candidate_keys, close_archive, move_into_place, open_archive, remove
from sampan.platform.artifacts.taking_in import TakenIn, facts_of, take_in
from sampan.platform.artifacts.trial import open_trial, put_trial_files
from sampan.platform.artifacts.uploads_repository import take_upload
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.keys import Key
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor

CHECK = "check"


class Submission(Struct, frozen=True):
    """What a publisher sends beside the bytes: the index that was signed, and the signed bodies by tree profile."""

    index: bytes
    bodies: Mapping[str, bytes]
    is_urgent: bool = False
    origin: OriginClaim | None = None


class Source(Struct, frozen=True):
    """Where the bytes lie: in an upload, or in an archive made from an earlier version of the app."""

    key: Key
    upload_id: str = ""
    resequenced_from: int | None = None


class _Admission(Struct, frozen=True):
    candidate_id: str
    source_id: str
    source: Source
    is_urgent: bool
    origin: OriginClaim | None
    taken: TakenIn
    judged: Judged


async def admit(
    core: Core, workspace_id: str, actor: Actor, app: App, source: Source, submission: Submission
) -> Version:
    """Take the bytes of `source` in as a new version of `app`; when this raises nothing of it stays."""
    rules = await rules_for(core, workspace_id, app)
    path = await open_archive(core, source.key)
    try:
        taken = await take_in(core, path, app.app_id, rules, index_bytes=submission.index)
    finally:
        await close_archive(path)
    candidate_id, source_id = new_id("ver"), new_id("upl")
    try:
        async with core.store.workspace(workspace_id).read() as tx:
            judged = await judge(core, tx, candidate_id, _facts(taken), submission.bodies)
        await move_into_place(
            core,
            candidate_keys(workspace_id, source_id),
            index_bytes=taken.accepted.index_bytes,
            archive=taken.accepted.archive_path,
        )
        admission = _Admission(candidate_id, source_id, source, submission.is_urgent, submission.origin, taken, judged)
        return await _store(core, workspace_id, actor, admission)
    except BaseException:
        await asyncio.shield(_undo(core, workspace_id, source_id, taken))
        raise


def has_error(findings: Sequence[Finding]) -> bool:
    """Whether the checks stop the version."""
    return any(each.severity == ERROR for each in findings)


def sequence_taken(app_id: str, sequence: int) -> problems.SequenceTaken:
    """Return the refusal of a sequence that belongs to other bytes."""
    return problems.SequenceTaken(
        f"Sequence {sequence} of {app_id} belongs to other bytes, for ever. Pack again with the next one "
        "(`sampan pack --next`).",
        sequence=sequence,
    )


async def _store(core: Core, workspace_id: str, actor: Actor, admission: _Admission) -> Version:
    accepted, judged, now_ms = admission.taken.accepted, admission.judged, core.now_ms()
    package = facts_of(accepted, floor=judged.floor)
    state, cause = _first_state(admission)
    trial = judged.trial if state is not VersionState.CHECKS_FAILED else None
    if trial is not None:
        await put_trial_files(core, workspace_id, admission.source_id, package)
    async with core.store.workspace(workspace_id).write() as tx:
        await _take_source(tx, package.app_id, package.sequence, admission.source)
        candidate = new_candidate(admission.candidate_id, package.app_id, VERSION, state, cause, actor, now_ms)
        await candidates.insert_candidate(tx, candidate)
        await versions.insert_version(
            tx,
            package,
            candidate_id=admission.candidate_id,
            source_id=admission.source_id,
            is_urgent=admission.is_urgent,
            resequenced_from=admission.source.resequenced_from,
            now_ms=now_ms,
        )
        for body in judged.bodies:
            await candidates.put_body(tx, body, now_ms=now_ms)
        await replace_findings(tx, admission.candidate_id, CHECK, admission.taken.findings)
        await note_state(core, tx, candidate, state, cause=cause, actor=actor)
        detail: dict[str, Any] = {
            "sequence": package.sequence,
            "package": package.package_digest,
            "state": state.value,
        }
        if (origin := admission.origin) is not None:
            await keep_origin(tx, admission.candidate_id, origin, by=actor.label, now_ms=now_ms)
            detail["promoted_from_as_claimed"] = to_builtins(origin)
        await audit.record(tx, actor, "version.submit", target=package.app_id, detail=detail, now_ms=now_ms)
        await open_trial(core, tx, package, accepted.index, trial, note=judged.trial_note)
        await settle_queue(core, tx, package.app_id)
        await request_scan(core, tx, package.app_id, package.sequence)
        return await find(tx, package.app_id, package.sequence)


def new_candidate(
    candidate_id: str, app_id: str, kind: str, state: VersionState, cause: str, actor: Actor, now_ms: int
) -> Candidate:
    """Return the record of a candidate that the actor has just sent and signed."""
    return Candidate(
        id=candidate_id,
        app_id=app_id,
        kind=kind,
        state=state,
        cause=cause,
        submitted_ms=now_ms,
        submitted_by=actor.label,
        submitted_person_id=actor.person_id,
        signed_person_id=actor.person_id,
        decided_ms=None,
        decided_by=None,
        published_ms=None,
    )


def _first_state(admission: _Admission) -> tuple[VersionState, str]:
    if has_error(admission.taken.findings):
        return VersionState.CHECKS_FAILED, "checks_failed"
    if admission.judged.has_moved_base:
        return VersionState.NEEDS_SIGNATURE, "base_moved"
    return VersionState.UPLOADED, "uploaded"


async def _take_source(tx: Transaction, app_id: str, sequence: int, source: Source) -> None:
    if source.upload_id and not await take_upload(tx, source.upload_id):
        raise quarantine.upload_unknown()
    if await versions.find_version(tx, app_id, sequence) is not None:
        raise sequence_taken(app_id, sequence)


async def _undo(core: Core, workspace_id: str, source_id: str, taken: TakenIn) -> None:
    await asyncio.to_thread(taken.accepted.archive_path.unlink, missing_ok=True)
    async with core.store.workspace(workspace_id).read() as tx:
        is_used = await versions.is_source_used(tx, source_id)
    if not is_used:  # a commit whose answer was lost keeps its files
        await remove(core, candidate_keys(workspace_id, source_id))


def _facts(taken: TakenIn) -> PackageFacts:
    index = taken.accepted.index
    return PackageFacts(
        app_id=index.app,
        sequence=index.sequence,
        version=index.version,
        index=taken.accepted.index_bytes,
        archive_digest=f"sha256:{index.archive.sha256}",
        archive_bytes=index.archive.size,
    )
