"""A publisher sends a hotfix: all is derived again from the bytes, and nothing is stored that was only claimed."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sampan.hotfix import problems
from sampan.hotfix.deriving import Stack, derived, stack_of
from sampan.hotfix.lookups import Place, check_is_published, find, place_of
from sampan.hotfix.repository import Record, add_hotfix, contents_of, find_hotfix, highest_number, hotfixes_of
from sampan.offline_packages import package_digest
from sampan.offline_packages.hotfix import MAX_CONTENT_BYTES, Hotfix, HotfixMalformed, parse_hotfix
from sampan.offline_packages.publishing import signed_hotfix
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import quarantine
from sampan.platform.artifacts.admitting import CHECK, has_error, new_candidate
from sampan.platform.artifacts.bodies import make_body
from sampan.platform.artifacts.body_reviews import put_under_review
from sampan.platform.artifacts.candidates_repository import HOTFIX, Body
from sampan.platform.artifacts.lookups import index_of, rules_for
from sampan.platform.artifacts.moves import REVIEWED_PROFILES, move
from sampan.platform.artifacts.notes_repository import Finding, replace_findings
from sampan.platform.artifacts.problems import BodyMissing
from sampan.platform.artifacts.states import StateForbids, VersionState
from sampan.platform.artifacts.storage import close_archive
from sampan.platform.artifacts.taking_in import Rules, in_thread, take_in
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Invalid, TooLarge
from sampan.platform.ids import new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.service import check_hotfix

SUBMIT = "version:submit"
MINIAPP = "miniapp"
S = VersionState


class Sent(Struct, frozen=True):
    """What a publisher sends: the document that was signed, the upload with the content, and the signed bodies.

    `upload` is empty for a hotfix that takes files away alone, and where the content came before.
    """

    document: bytes
    bodies: Mapping[str, bytes]
    upload: str = ""
    title: str = ""


class _Checked(Struct, frozen=True):
    hotfix: Hotfix
    content: bytes
    stack: tuple[int, ...]
    digest: str
    size_bytes: int
    findings: Sequence[Finding]


async def submit_hotfix(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, sent: Sent) -> Record:
    """Check a hotfix and put it under review; the very same document again only brings its bodies up to date.

    Raises a `HotfixRefused`, a problem of this folder, or what checking a version's body raises; then nothing of it
    stays, the upload neither.
    """
    try:
        record = await _submit(core, workspace_id, actor, app_id, sequence, sent)
    except (Invalid, Conflict, TooLarge):
        await _discard(core, workspace_id, actor, sent)
        raise
    await _discard(core, workspace_id, actor, sent)
    return record


async def _submit(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, sent: Sent) -> Record:
    async with core.store.workspace(workspace_id).read() as tx:
        place = await place_of(tx, actor, app_id, sequence, SUBMIT)
    check_is_published(place)
    hotfix = parse_hotfix(sent.document)
    if (hotfix.app, hotfix.sequence) != (app_id, sequence):
        raise HotfixMalformed(
            f"The hotfix is for {hotfix.app} {hotfix.sequence}, and was sent for {app_id} {sequence}.", field="hotfix"
        )
    async with core.store.workspace(workspace_id).read() as tx:
        known = await find_hotfix(tx, app_id, sequence, hotfix.n)
    if place.app.kind != MINIAPP:
        raise problems.HotfixOfMiniapps(f"{app_id} is no mini-app. Publish a new version of it.")
    if known is not None:
        return await _sign_anew(core, workspace_id, actor, known, sent)
    content = await _content(core, workspace_id, actor, sent)
    checked = await _check(core, workspace_id, place, hotfix, content)
    return await _store(core, workspace_id, actor, checked, sent)


async def _content(core: Core, workspace_id: str, actor: Actor, sent: Sent) -> bytes:
    if not sent.upload:
        return b""
    upload = await quarantine.find_own(core, workspace_id, actor, sent.upload)
    if upload.size_bytes > MAX_CONTENT_BYTES:
        raise HotfixMalformed(f"The content has more than {MAX_CONTENT_BYTES:,} bytes; publish a version.")
    return await core.objects.get(quarantine.quarantine_key(workspace_id, upload.id), MAX_CONTENT_BYTES)


async def _check(core: Core, workspace_id: str, place: Place, hotfix: Hotfix, content: bytes) -> _Checked:
    """Derive the package that results, and look at it as at a version."""
    async with core.store.workspace(workspace_id).read() as tx:
        stack = [*await _base_stack(tx, hotfix), (hotfix, content)]
    rules = await rules_for(core, workspace_id, place.app)
    previous = await index_of(core, workspace_id, place.version)
    async with derived(core, workspace_id, place.version, stack) as (index_bytes, archive):
        digest = package_digest(index_bytes)
        base = Rules(rules.kind, rules.rules, previous)
        taken = await take_in(core, archive, hotfix.app, base, index_bytes=index_bytes)
        try:
            found = [*taken.findings, *await in_thread(rules.kind.scan, taken.accepted)]
        finally:
            await close_archive(taken.accepted.archive_path)
    touched = {change.path for change in hotfix.changes} | {""}
    own = [each for each in found if each.file in touched]
    if has_error(own):
        sentences = " ".join(f"{each.file}: {each.message}" for each in own if each.severity == "error")
        raise problems.HotfixChecksFailed(f"The automatic checks found errors. {sentences}"[:2000])
    size = sum(each.content_bytes for each, _ in stack)
    return _Checked(hotfix, content, tuple(each.n for each, _ in stack), digest, size, own)


async def _base_stack(tx: Transaction, hotfix: Hotfix) -> Stack:
    """Return what the hotfix was made on; raise what `_base_records` does."""
    return await stack_of(tx, await _base_records(tx, hotfix), hotfix.on)


async def _base_records(tx: Transaction, hotfix: Hotfix) -> Mapping[int, Record]:
    """Return the version's hotfixes; raise `HotfixNumberTaken` or `HotfixBaseGone`."""
    following = await highest_number(tx, hotfix.app, hotfix.sequence) + 1
    if hotfix.n != following:
        raise problems.HotfixNumberTaken(
            f"The next hotfix of {hotfix.app} {hotfix.sequence} has number {following}; make it again.", next=following
        )
    records = await hotfixes_of(tx, hotfix.app, hotfix.sequence)
    check_on_live(hotfix, records)
    return records


def check_on_live(hotfix: Hotfix, records: Mapping[int, Record]) -> None:
    """Raise `HotfixBaseGone` unless everything that a hotfix was made on is live."""
    gone = [n for n in hotfix.on if n not in records or not records[n].is_live]
    if gone:
        raise problems.HotfixBaseGone(
            f"Hotfix {hotfix.n} was made on {gone}, which are withdrawn or not published. Make it again on what is.",
            gone=gone,
        )


async def _store(core: Core, workspace_id: str, actor: Actor, checked: _Checked, sent: Sent) -> Record:
    hotfix, now_ms = checked.hotfix, core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        await _base_records(tx, hotfix)  # what was looked at may have changed meanwhile
        await _make_room(tx, hotfix.app)
        candidate = new_candidate(new_id("hfx"), hotfix.app, HOTFIX, S.IN_REVIEW, "submitted", actor, now_ms)
        bodies = await _bodies(core, tx, candidate.id, sent, checked.content)
        await put_under_review(core, tx, actor, candidate, bodies)
        record = Record(
            app_id=hotfix.app,
            sequence=hotfix.sequence,
            n=hotfix.n,
            candidate_id=candidate.id,
            title=sent.title,
            document=sent.document,
            hotfix=hotfix,
            stack=checked.stack,
            digest=checked.digest,
            size_bytes=checked.size_bytes,
            withdrawn_ms=None,
            withdrawn_by="",
            withdrawn_cause="",
            state=candidate.state,
            cause=candidate.cause,
            submitted_ms=now_ms,
            submitted_by=actor.label,
            decided_ms=None,
            decided_by=None,
            published_ms=None,
        )
        if not await add_hotfix(tx, record, checked.content):
            raise problems.HotfixNumberTaken("Another hotfix of this number came at the same moment; make it again.")
        await replace_findings(tx, candidate.id, CHECK, checked.findings)
        detail = {"sequence": hotfix.sequence, "n": hotfix.n, "package": checked.digest}
        await audit.record(tx, actor, "hotfix.submit", target=hotfix.app, detail=detail, now_ms=now_ms)
    return record


async def _make_room(tx: Transaction, app_id: str) -> None:
    for each in await candidates.candidates_of(tx, app_id, kind=HOTFIX, states=[S.IN_REVIEW, S.APPROVED]):
        raise problems.HotfixOpen(
            f"Another hotfix of {app_id} is {each.state}; withdraw it or wait for it.", candidate=each.id
        )


async def _bodies(core: Core, tx: Transaction, candidate_id: str, sent: Sent, content: bytes) -> list[Body]:
    signed = signed_hotfix(sent.document, content)
    if unexpected := sorted(set(sent.bodies) - set(REVIEWED_PROFILES)):
        raise problems.HotfixBodyUnexpected(f"Hotfixes do not go into these trees: {', '.join(unexpected)}.")
    for profile in REVIEWED_PROFILES:
        if profile not in sent.bodies:
            raise BodyMissing(f"Send the signed body for the tree {profile}.", field=f"bodies.{profile}")
        await check_hotfix(core, tx, profile=profile, hotfix=signed, body=sent.bodies[profile])
    return [make_body(candidate_id, profile, body) for profile, body in sent.bodies.items()]


async def _sign_anew(core: Core, workspace_id: str, actor: Actor, known: Record, sent: Sent) -> Record:
    """Replace the bodies of a hotfix that waits by ones that follow the present base."""
    if known.document != sent.document:
        raise problems.HotfixNumberTaken(
            f"Number {known.n} belongs to another hotfix of {known.app_id} {known.sequence}, for ever. Make it again "
            "with the next one."
        )
    async with core.store.workspace(workspace_id).write() as tx:
        present = await find(tx, known.app_id, known.sequence, known.n)
        if present.state in (S.WITHDRAWN, S.REJECTED):
            raise StateForbids(
                f"The hotfix is {present.state}; its number is not given again. Make it again with the next number.",
                state=present.state.value,
            )
        if present.state not in (S.IN_REVIEW, S.NEEDS_SIGNATURE):
            raise StateForbids(
                f"The hotfix is {present.state}; only one that waits can be signed anew.", state=present.state.value
            )
        content = (await contents_of(tx, known.app_id, known.sequence, [known.n]))[known.n]
        bodies = await _bodies(core, tx, known.candidate_id, sent, content)
        for body in bodies:
            await candidates.put_body(tx, body, now_ms=core.now_ms())
        await candidates.update_candidate(
            tx, known.candidate_id, present=present.state, signed_person_id=actor.person_id
        )
        if present.state is S.NEEDS_SIGNATURE:
            candidate = await candidates.find_candidate(tx, known.candidate_id)
            if candidate is None:
                raise LookupError(f"hotfix {known.candidate_id} has no candidate row")
            await move(core, tx, candidate, S.UPLOADED, cause="signed_anew", actor=actor)
            waiting = await candidates.find_candidate(tx, known.candidate_id)
            if waiting is not None:
                await move(core, tx, waiting, S.IN_REVIEW, cause="signed_anew", actor=actor)
        detail = {"sequence": known.sequence, "n": known.n, "candidate": known.candidate_id}
        await audit.record(tx, actor, "hotfix.resign", target=known.app_id, detail=detail, now_ms=core.now_ms())
        return await find(tx, known.app_id, known.sequence, known.n)


async def _discard(core: Core, workspace_id: str, actor: Actor, sent: Sent) -> None:
    if sent.upload:
        await quarantine.discard(core, workspace_id, sent.upload, person_id=actor.person_id)
