"""Uploads: streamed to a file that nothing reads until a version is submitted from it, capped and hashed on the way.

An upload that nobody submits is swept after a day, and so is what a crash left behind. The files of versions that were
rejected or withdrawn are swept after `keep_refused_days`.
"""

import asyncio
import contextlib
import errno
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from sampan.platform.artifacts import sources_repository as sources
from sampan.platform.artifacts import uploads_repository as repository
from sampan.platform.artifacts.pace import at_work, count_one
from sampan.platform.artifacts.uploads_repository import Upload
from sampan.platform.artifacts.versions_repository import is_source_used
from sampan.platform.core import Core
from sampan.platform.crypto.digest import Hasher
from sampan.platform.engines.database import StorageFull, Transaction
from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.engines.threads import opened, uninterrupted
from sampan.platform.errors import Invalid, NotFound, TooLarge, TooMany
from sampan.platform.ids import new_id
from sampan.platform.logs import Log
from sampan.platform.operators.actor import Actor, MissingPermission
from sampan.platform.workspaces.store import Door

MAX_OPEN_UPLOADS = 20
UPLOAD_LIFE_MS = 24 * 3600 * 1000
ORPHAN_AGE_MS = 3600 * 1000
SWEEP_SECONDS = 600
BUFFER_BYTES = 1024 * 1024
SUBMIT = "version:submit"
log = Log("artifacts")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class UploadTooBig(TooLarge):
    """More bytes than one upload may have."""

    code = "upload_too_large"


class UploadEmpty(Invalid):
    """An upload without a single byte."""

    code = "upload_empty"


class UploadUnknown(NotFound):
    """No upload of this id waits for this person."""

    code = "upload_unknown"
    field = "upload"


class TooManyUploads(TooMany):
    """One person holds too many uploads that were never submitted."""

    code = "too_many_uploads"


def quarantine_key(workspace_id: str, upload_id: str) -> Key:
    """Return where the bytes of an upload stand."""
    return workspace_key(workspace_id, "quarantine", upload_id)


async def receive(
    core: Core, workspace_id: str, actor: Actor, chunks: AsyncIterator[bytes], *, declared_bytes: int | None = None
) -> Upload:
    """Store a stream of bytes and return its record; whatever goes wrong, nothing stays behind.

    Raises `UploadTooBig` as soon as the size is known to be over the cap, `UploadEmpty`, `TooManyUploads`,
    `StorageFull` or `MissingPermission`.
    """
    if not actor.holds(SUBMIT):
        raise MissingPermission(f"You need the permission {SUBMIT!r} to upload.", permission=SUBMIT)
    limit = core.settings.max_package_bytes
    if declared_bytes is not None and declared_bytes > limit:
        raise _too_big(limit)
    await count_one(core, workspace_id, actor, "upload")
    with _counted(core, workspace_id, actor.person_id) as under_way, at_work(core, workspace_id, actor, "upload"):
        async with core.store.workspace(workspace_id).read() as tx:
            await _require_room(tx, actor, under_way)
        return await _receive(core, workspace_id, actor, chunks, limit)


async def _receive(core: Core, workspace_id: str, actor: Actor, chunks: AsyncIterator[bytes], limit: int) -> Upload:
    upload_id = new_id("upl")
    aside = core.objects.incoming / f"{upload_id}.upload"
    key = quarantine_key(workspace_id, upload_id)
    try:
        size, sha256 = await _write(aside, chunks, limit)
        await core.objects.put_file(key, aside)
        upload = Upload(upload_id, actor.person_id, size, sha256, core.now_ms())
        async with core.store.workspace(workspace_id).write() as tx:
            await _require_room(tx, actor, 1)  # another process may have taken some in meanwhile
            await repository.insert_upload(tx, upload)
    except BaseException:
        await asyncio.shield(_remove(core, aside, key))
        raise
    return upload


class _UnderWay(Counter[tuple[str, str]]):
    """How many uploads of each person, by workspace, this process takes in now."""


@contextlib.contextmanager
def _counted(core: Core, workspace_id: str, person_id: str) -> Iterator[int]:
    """Count an upload as long as it lasts; gives the person's count with it."""
    under_way, key = core.shared(_UnderWay, lambda _core: _UnderWay()), (workspace_id, person_id)
    under_way[key] += 1
    try:
        yield under_way[key]
    finally:
        under_way[key] -= 1
        if not under_way[key]:
            del under_way[key]


async def _require_room(tx: Transaction, actor: Actor, more: int) -> None:
    if await repository.count_uploads(tx, actor.person_id) + more > MAX_OPEN_UPLOADS:
        raise TooManyUploads(
            f"{MAX_OPEN_UPLOADS} uploads of yours wait or are under way; submit one or let them expire (one day).",
            retry_after_seconds=600,
        )


async def find_own(core: Core, workspace_id: str, actor: Actor, upload_id: str) -> Upload:
    """Return the actor's own upload; raise `UploadUnknown`."""
    async with core.store.workspace(workspace_id).read() as tx:
        upload = await repository.find_upload(tx, upload_id, person_id=actor.person_id)
    if upload is None:
        raise upload_unknown()
    return upload


def upload_unknown() -> UploadUnknown:
    """Return the refusal of an upload that is not there, or not there any more."""
    return UploadUnknown(
        "No upload of yours has this id. It was submitted already (look at the app's versions), or its day is over: "
        "upload the package again."
    )


async def discard(core: Core, workspace_id: str, upload_id: str, *, person_id: str | None = None) -> None:
    """Forget an upload (of this person alone, when one is named): its row first, then its bytes."""
    async with core.store.workspace(workspace_id).write() as tx:
        is_there = await repository.take_upload(tx, upload_id, person_id=person_id)
    if is_there:
        await core.objects.delete(quarantine_key(workspace_id, upload_id))


async def sweep(core: Core, workspace_id: str) -> int:
    """Remove expired uploads, and bytes that a crash left without a row; return how many went."""
    now_ms = core.now_ms()
    door = core.store.workspace(workspace_id)
    async with door.read() as tx:
        expired = await repository.uploads_before(tx, now_ms - UPLOAD_LIFE_MS)
        known = await repository.upload_ids(tx)
    for upload_id in expired:
        await discard(core, workspace_id, upload_id)
    count = len(expired)
    async for key in core.objects.keys(workspace_key(workspace_id, "quarantine")):
        upload_id = key.rpartition("/")[2]
        if upload_id not in known and _made_ms(upload_id) < now_ms - ORPHAN_AGE_MS:
            await core.objects.delete(key)
            count += 1
    return count + await _sweep_candidates(core, workspace_id, now_ms)


async def run_sweep(core: Core) -> None:
    """Sweep every workspace now and then, until cancelled."""
    while True:
        for workspace_id in core.replica.workspaces:
            try:
                await sweep(core, workspace_id)
            except Exception:
                log.exception("quarantine_sweep_failed", workspace=workspace_id)  # the next round tries again
        await asyncio.sleep(SWEEP_SECONDS)


async def _sweep_candidates(core: Core, workspace_id: str, now_ms: int) -> int:
    door, count, kept_days = core.store.workspace(workspace_id), 0, core.settings.keep_refused_days
    before_ms = now_ms - kept_days * 24 * 3600 * 1000 if kept_days else 0
    async for key in core.objects.keys(workspace_key(workspace_id, "candidates")):
        source_id = key.split("/")[-2]
        if _made_ms(source_id) >= now_ms - ORPHAN_AGE_MS:
            continue
        async with door.read() as tx:
            is_used = await is_source_used(tx, source_id)
            is_given_up = is_used and await sources.is_given_up(tx, source_id, before_ms=before_ms)
        if not is_used:
            await core.objects.delete(key)
            count += 1
        elif is_given_up:
            count += await _collect(core, door, key, source_id, before_ms)
    return count


async def _collect(core: Core, door: Door, key: Key, source_id: str, before_ms: int) -> int:
    """Remove a file of a version that was given up, unless it is taken up again meanwhile."""
    async with door.write() as tx:  # nobody moves the version while it goes
        if not await sources.is_given_up(tx, source_id, before_ms=before_ms):
            return 0
        await core.objects.delete(key)
        return 1


async def _write(path: Path, chunks: AsyncIterator[bytes], limit: int) -> tuple[int, str]:
    hasher, size, buffer = Hasher(), 0, bytearray()
    async with opened(path.open, "xb", 0) as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise _too_big(limit)
            buffer += chunk
            if len(buffer) >= BUFFER_BYTES:
                await uninterrupted(_take, file, hasher, bytes(buffer))
                buffer.clear()
        await uninterrupted(_take, file, hasher, bytes(buffer))
    if size == 0:
        raise UploadEmpty("The upload is empty; send the bytes of the .ma file as the body.")
    return size, hasher.digest()


def _take(file: BinaryIO, hasher: Hasher, data: bytes) -> None:
    hasher.update(data)
    with _named_errors():
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno in _NO_ROOM:
            raise StorageFull("The server's disk is full. Free room, then try again; nothing was kept.") from problem
        raise


async def _remove(core: Core, aside: Path, key: Key) -> None:
    await asyncio.to_thread(aside.unlink, missing_ok=True)
    await core.objects.delete(key)


def _too_big(limit: int) -> UploadTooBig:
    return UploadTooBig(f"An upload may have {limit} bytes here; the administrator sets SAMPAN_MAX_PACKAGE_BYTES.")


def _made_ms(identifier: str) -> int:
    """Return the time inside an id of ours (UUIDv7); things with other names count as old."""
    try:
        return int(identifier.partition("_")[2][:12], 16)
    except ValueError:
        return 0
