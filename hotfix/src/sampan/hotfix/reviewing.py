"""Reviewers and whoever asks: what a hotfix changes, approve exactly these bytes, reject."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jsonpatch
import orjson
from msgspec import Struct

from sampan.hotfix.deriving import contents_after, files_before, stack_of
from sampan.hotfix.lookups import check_is_published, find, place_of
from sampan.hotfix.names import KIND, deliverable_id
from sampan.hotfix.repository import (
    Record,
    contents_of,
    highest_number,
    hotfix_of_candidate,
    hotfixes_of,
    page_hotfixes,
)
from sampan.hotfix.submitting import check_on_live
from sampan.offline_packages.hotfix import dependents
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts import notes_repository as notes
from sampan.platform.artifacts.approving import REVIEW, check_in_review, check_reviewer
from sampan.platform.artifacts.bodies import review_digest
from sampan.platform.artifacts.body_reviews import approve_bodies, reject_bodies
from sampan.platform.artifacts.candidates_repository import Body, Candidate
from sampan.platform.artifacts.comparing import MAX_DIFF_BYTES, TextDiff, compare_texts
from sampan.platform.artifacts.notes_repository import Finding, HistoryEntry
from sampan.platform.artifacts.problems import FileUnknown
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.insight.repository import HeldPackage, held_packages
from sampan.platform.operators.actor import Actor
from sampan.platform.release.repository import Release, releases_of
from sampan.platform.release.states import ReleaseState
from sampan.platform.trust.service import target_key

SUBMIT = "version:submit"
MAX_PATCH_BYTES = 64 * 1024
MAX_OPERATIONS = 500  # nobody reads more; the lines tell it then


class Shown(Struct, frozen=True):
    """A hotfix with what people ask of it.

    `dependents` fall when it is withdrawn, `survivors` are applied without it from then on; `devices` is on how many
    it runs, by what they last said.
    """

    record: Record
    review_digest: str
    dependents: tuple[int, ...]
    survivors: tuple[int, ...]
    releases: Sequence[Release]
    devices: int


class Detail(Struct, frozen=True):
    """A hotfix with everything that its reviewer needs."""

    shown: Shown
    findings: Sequence[Finding]
    history: Sequence[HistoryEntry]


class FileDiff(Struct, frozen=True):
    """What a hotfix does to a file; `patch` are the operations of RFC 6902 where both sides are JSON.

    `taken` are the values that they remove or replace, one for each, as JSON text; None for the other operations.
    """

    text: TextDiff
    patch: list[dict[str, Any]] | None = None
    taken: list[str | None] | None = None


class Base(Struct, frozen=True):
    """What the next hotfix of a version is made on: the version, the next number, and the hotfixes to build on."""

    version: Version
    following: int
    stack: Sequence[Record]


async def list_hotfixes(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, paging: Paging
) -> Found[Shown]:
    """Return a page of a version's hotfixes, the newest first."""
    async with core.store.workspace(workspace_id).read() as tx:
        await place_of(tx, actor, app_id, sequence)
        found = await page_hotfixes(tx, app_id, sequence, paging)
        show = await _shower(tx, app_id, sequence, found.items)
        return found.shown(show)


async def get_hotfix(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, n: int) -> Detail:
    """Return a hotfix with its findings and its history."""
    async with core.store.workspace(workspace_id).read() as tx:
        await place_of(tx, actor, app_id, sequence)
        record = await find(tx, app_id, sequence, n)
        show = await _shower(tx, app_id, sequence, [record])
        return Detail(
            show(record),
            await notes.findings_of(tx, record.candidate_id),
            await notes.history_of(tx, record.candidate_id),
        )


async def diff_of_file(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, n: int, path: str
) -> FileDiff:
    """Return what a hotfix does to one of its files; raise `FileUnknown` for another."""
    async with core.store.workspace(workspace_id).read() as tx:
        place = await place_of(tx, actor, app_id, sequence)
        record = await find(tx, app_id, sequence, n)
        _check_readable(actor, place.app.publisher_id, record)
        records = await hotfixes_of(tx, app_id, sequence)
        below = await stack_of(tx, records, record.hotfix.on)
        content = (await contents_of(tx, app_id, sequence, [n]))[n]
    change = next((each for each in record.hotfix.changes if each.path == path), None)
    if change is None:
        raise FileUnknown(f"Hotfix {n} does not change {path[:200]!r}.")
    if max(each.size for each in (change.before, change.after) if each) > MAX_DIFF_BYTES:
        return FileDiff(TextDiff(refusal="too_large"))
    old = (await files_before(core, workspace_id, place.version, below, [path]))[path]
    return await asyncio.to_thread(_compare, path, old, contents_after(record.hotfix, content)[path])


async def content_of(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, n: int) -> bytes:
    """Return the content of a hotfix; what is not published goes to its publisher and its reviewers alone."""
    async with core.store.workspace(workspace_id).read() as tx:
        place = await place_of(tx, actor, app_id, sequence)
        _check_readable(actor, place.app.publisher_id, await find(tx, app_id, sequence, n))
        return (await contents_of(tx, app_id, sequence, [n]))[n]


async def base_for(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, on: int | None = None
) -> Base:
    """Return what the next hotfix is made on: the stack of hotfix `on`, by itself of the newest that is released.

    `on` 0 is the version as it is. Raises `HotfixNeedsVersion`, `HotfixUnknown` or `HotfixBaseGone`.
    """
    async with core.store.workspace(workspace_id).read() as tx:
        place = await place_of(tx, actor, app_id, sequence, SUBMIT)
        check_is_published(place)
        records = await hotfixes_of(tx, app_id, sequence)
        following = await highest_number(tx, app_id, sequence) + 1
        if on is None:
            on = await _newest_released(tx, app_id, sequence, records)
        elif on:
            record = await find(tx, app_id, sequence, on)
            check_on_live(record.hotfix, records)
        stack = records[on].stack if on else ()
        return Base(place.version, following, [records[each] for each in stack])


async def approve_hotfix(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, n: int, *, seen: str
) -> Record:
    """Approve exactly what has this review digest: the review key signs, the publisher job makes it visible.

    Raises what approving a version raises, and `HotfixNeedsVersion`.
    """
    find_it = partial(_candidate, actor=actor, app_id=app_id, sequence=sequence, n=n)
    async with core.store.workspace(workspace_id).read() as tx:
        place = await place_of(tx, actor, app_id, sequence, REVIEW)
        candidate = await find_it(tx)
        check_reviewer(actor, place.app, candidate)
        bodies = await candidates.bodies_of(tx, [candidate.id])
        check_in_review(candidate, seen=seen, present=await _digest(tx, candidate, bodies))
        document = (await find(tx, app_id, sequence, n)).document
        content = (await contents_of(tx, app_id, sequence, [n]))[n]
    for data in (document, content):
        await core.objects.put_new(target_key(workspace_id, digest(data).partition(":")[2]), data)
    await approve_bodies(core, workspace_id, actor, app_id, find_it, _digest, seen=seen)
    return await _again(core, workspace_id, app_id, sequence, n)


async def reject_hotfix(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, n: int, *, seen: str, comment: str
) -> Record:
    """Refuse a hotfix for good, and say why; its number is not given again."""
    found = partial(_candidate_as_it_is, actor=actor, app_id=app_id, sequence=sequence, n=n)
    await reject_bodies(core, workspace_id, actor, app_id, found, _digest, seen=seen, note=comment)
    return await _again(core, workspace_id, app_id, sequence, n)


async def _candidate(tx: Transaction, *, actor: Actor, app_id: str, sequence: int, n: int) -> Candidate:
    """Return the candidate as long as its version is there for devices."""
    check_is_published(await place_of(tx, actor, app_id, sequence))
    return await _candidate_as_it_is(tx, actor=actor, app_id=app_id, sequence=sequence, n=n)


async def _candidate_as_it_is(tx: Transaction, *, actor: Actor, app_id: str, sequence: int, n: int) -> Candidate:
    await place_of(tx, actor, app_id, sequence)
    candidate = await candidates.find_candidate(tx, (await find(tx, app_id, sequence, n)).candidate_id)
    if candidate is None:
        raise LookupError(f"hotfix {n} of {app_id} {sequence} has no candidate row")
    return candidate


async def _digest(tx: Transaction, candidate: Candidate, bodies: Sequence[Body]) -> str:
    record = await hotfix_of_candidate(tx, candidate.id)
    return review_digest(record.digest if record is not None else "", bodies)


async def _again(core: Core, workspace_id: str, app_id: str, sequence: int, n: int) -> Record:
    async with core.store.workspace(workspace_id).read() as tx:
        return await find(tx, app_id, sequence, n)


async def _shower(tx: Transaction, app_id: str, sequence: int, records: Sequence[Record]) -> Callable[[Record], Shown]:
    """Return what shows these records; everything is read at once."""
    bodies = await candidates.bodies_of(tx, [each.candidate_id for each in records])
    every = await hotfixes_of(tx, app_id, sequence)
    alive = {n: each.hotfix for n, each in every.items() if each.withdrawn_ms is None}
    standing = [each for each in every.values() if each.n in alive and each.state is not VersionState.REJECTED]
    releases = await releases_of(tx, KIND, deliverable_id(app_id, sequence))
    digests = {n: each.digest for n, each in every.items()}
    running = _running(await held_packages(tx, KIND, deliverable_id(app_id, sequence), digests), every)

    def show(record: Record) -> Shown:
        own = [body for body in bodies if body.candidate_id == record.candidate_id]
        fallen = dependents(record.n, alive) if record.n in alive else ()
        above = sorted(each.n for each in standing if record.n in each.hotfix.on) if record.n in alive else []
        return Shown(
            record,
            review_digest(record.digest, own),
            fallen,
            tuple(n for n in above if n not in fallen),
            [each for each in releases if each.sequence == record.n],
            running[record.n],
        )

    return show


def _running(held: Sequence[HeldPackage], records: Mapping[int, Record]) -> Counter[int]:
    """Return on how many devices each hotfix runs, alone or below others.

    A package from before a withdrawal counts for all that the hotfix was made on.
    """
    found: Counter[int] = Counter()
    for each in held:
        record = records.get(each.sequence)
        if record is not None:
            as_now = record.stack if each.digest == record.digest else ()
            found.update(dict.fromkeys(as_now or (*record.hotfix.on, record.n), each.devices))
    return found


async def _newest_released(tx: Transaction, app_id: str, sequence: int, records: Mapping[int, Record]) -> int:
    """Return the highest number that devices are given now, 0 for none."""
    releases = await releases_of(tx, KIND, deliverable_id(app_id, sequence))
    given = {each.sequence for each in releases if each.started_ms and each.state is not ReleaseState.ROLLED_BACK}
    return max((n for n in given if n in records and records[n].is_live), default=0)


def _check_readable(actor: Actor, publisher_id: str, record: Record) -> None:
    scope = {"publisher": publisher_id, "app": record.app_id}
    if not record.is_live and not actor.may(SUBMIT, **scope):
        actor.require(REVIEW, **scope)


def _compare(path: str, old: bytes | None, new: bytes | None) -> FileDiff:
    text = compare_texts(old, new)
    if not path.endswith(".json") or old is None or new is None or max(len(old), len(new)) > MAX_PATCH_BYTES:
        return FileDiff(text)
    try:
        return FileDiff(text, *_json_patch(orjson.loads(old), orjson.loads(new)))
    except (orjson.JSONDecodeError, RecursionError):
        return FileDiff(text)


def _json_patch(value: Any, new: Any) -> tuple[list[dict[str, Any]] | None, list[str | None] | None]:
    """Return the operations that lead from one value to the other, and what each takes away; changes `value`."""
    patch: list[dict[str, Any]] = jsonpatch.make_patch(value, new).patch
    if len(patch) > MAX_OPERATIONS:
        return None, None
    taken: list[str | None] = []
    for each in patch:
        takes = each["op"] in ("remove", "replace")
        old = jsonpatch.JsonPointer(each["path"]).resolve(value) if takes else None
        taken.append(orjson.dumps(old, option=orjson.OPT_INDENT_2).decode() if takes else None)
        value = jsonpatch.JsonPatch([each]).apply(value, in_place=True)
    return patch, taken
