"""Importing a tag's members from a file of ids, one a line: stored first, then read by a job that says how far it is.

The first line names the column. Every line is accounted for: taken, refused with its number and a code, or blank.
Nothing takes effect before all lines were read; then all of it does, in one transaction.
"""

from array import array
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from itertools import compress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from pyroaring import BitMap

from sampan.platform.audience import tag_import_rows as imports
from sampan.platform.audience import tag_rows as rows
from sampan.platform.audience.members import Column, numbers_of
from sampan.platform.audience.problems import BadTagImport, TagImportTooLarge, TooManyTagImports
from sampan.platform.audience.tag_import_files import report_key, upload_key
from sampan.platform.audience.tag_import_rows import ImportState, Mode, Progress, TagImport
from sampan.platform.audience.tag_states import changes
from sampan.platform.audience.tags_service import known_tag, request_merge, states_of
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobKind, describe
from sampan.platform.engines.jobs import Job, LeaseLost, enqueue
from sampan.platform.engines.keys import Key
from sampan.platform.engines.threads import opened, uninterrupted
from sampan.platform.identity.subjects import ERASED, SubjectStates
from sampan.platform.identity.subjects import LOG as SUBJECTS
from sampan.platform.ids import new_id
from sampan.platform.operators.actor import Actor, ActorKind
from sampan.platform.operators.audit import record
from sampan.platform.operators.audit_reading import csv_text

JOB = "tags.import"
MAX_BYTES = 512 * 1024 * 1024
MAX_LINE_BYTES = 1000
LINES_AT_ONCE = 10_000
PROGRESS_EVERY_LINES = 50_000
HEAD_BYTES = 1000
ATTEMPTS = 5
MAX_WAITING = 20
_BOM = b"\xef\xbb\xbf"


class Line(Struct, frozen=True):
    """One line with something in it: its number from 1, and its id or the code of its refusal."""

    number: int
    id: str
    code: str = ""


async def receive(
    core: Core, workspace_id: str, actor: Actor, tag: str, mode: Mode, chunks: AsyncIterator[bytes]
) -> TagImport:
    """Store the file and promise to read it; raise `TagUnknown`, or what is wrong with the file.

    That is `BadTagImport`, `TagImportTooLarge`, or `TooManyTagImports`: at most `MAX_WAITING` files of a workspace wait
    to be read, so that they cannot fill the disk.
    """
    async with core.store.workspace(workspace_id).read() as tx:
        await known_tag(tx, tag)
        await _require_room(tx)
    import_id, now_ms = new_id("imp"), core.now_ms()
    aside, key = core.objects.incoming / f"{import_id}.csv", upload_key(workspace_id, import_id)
    try:
        size = await _store(aside, chunks)
        await core.objects.put_file(key, aside)
        made = TagImport(
            id=import_id,
            tag=tag,
            mode=mode,
            state=ImportState.WAITING,
            progress=Progress(size),
            made_by=actor.operator_id,
            person_id=actor.person_id,
            via=actor.via,
            created_ms=now_ms,
            changed_ms=now_ms,
        )
        async with core.store.workspace(workspace_id).write() as tx:
            await known_tag(tx, tag)
            await _require_room(tx)
            await imports.add_import(tx, made)
            detail = {"tag": tag, "mode": mode, "bytes": size}
            await record(tx, actor, "tag.import_begin", target=import_id, detail=detail, now_ms=now_ms)
            await enqueue(tx, JOB, {"import": import_id}, run_at_ms=now_ms, unique=import_id)
    except BaseException:
        aside.unlink(missing_ok=True)
        await core.objects.delete(key)
        raise
    return made


async def _require_room(tx: Transaction) -> None:
    if await imports.count_waiting(tx) >= MAX_WAITING:
        raise TooManyTagImports(f"{MAX_WAITING} files wait to be read. Send this one when they are done.")


def import_job(core: Core) -> JobKind:
    """Return the job that reads an import."""
    return JobKind(JOB, partial(_run, core), max_attempts=ATTEMPTS)


async def read_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[Line], None]:
    """Yield the lines after the first in batches; memory is bounded by a batch."""
    async for number, lines in _batches(chunks):
        found = await uninterrupted(_lines, number, lines)
        if found:
            yield found


def header(first: bytes) -> Column:
    """Return what the first line says that the ids are of; raise `BadTagImport`."""
    name = first.removeprefix(_BOM).strip().strip(b'"').decode("utf-8", "replace")
    try:
        return Column(name)
    except ValueError:
        raise BadTagImport(
            f"The first line names the one column: {', '.join(Column)}. Here it is {name[:80]!r}."
        ) from None


async def _run(core: Core, job: Job) -> None:
    import_id = str(job.payload["import"])
    door = core.store.workspace(job.workspace_id)
    async with door.read() as tx:
        wanted = await imports.find_import(tx, import_id)
    if wanted is None or wanted.state in (ImportState.DONE, ImportState.FAILED):
        await core.objects.delete(upload_key(job.workspace_id, import_id))
        return
    aside = core.objects.incoming / f"{import_id}.report.csv"
    reading: _Reading | None = None
    try:
        async with opened(_fresh, aside) as report:
            reading = _Reading(core, job, wanted, report)
            await reading.read()
        await core.objects.put_file(report_key(job.workspace_id, import_id), aside)
        await _finish(core, job, reading)
    except Exception as problem:
        if job.attempt >= ATTEMPTS and not isinstance(problem, LeaseLost):
            progress = reading.progress() if reading else wanted.progress
            cause, now_ms = describe(problem), core.now_ms()
            async with door.write() as tx:
                await imports.note_progress(tx, import_id, ImportState.FAILED, progress, now_ms=now_ms, cause=cause)
            await core.objects.delete(upload_key(job.workspace_id, import_id))
        raise
    finally:
        aside.unlink(missing_ok=True)
    await core.objects.delete(upload_key(job.workspace_id, import_id))


async def _finish(core: Core, job: Job, reading: "_Reading") -> None:
    wanted, now_ms = reading.wanted, core.now_ms()
    await core.replica.poll()
    before = states_of(core, job.workspace_id).members.get(wanted.tag, BitMap())
    actor = Actor(ActorKind.OPERATOR, wanted.person_id, wanted.made_by, "", via=wanted.via)
    subjects: SubjectStates = core.replica.view(job.workspace_id).followed[SUBJECTS]
    erased = await uninterrupted(_erased, bytes(subjects.tiers))
    found = reading.found - erased  # whoever was erased while the file was read stays forgotten
    async with core.store.workspace(job.workspace_id).write() as tx:
        await job.hold(tx)
        is_removal = wanted.mode is Mode.REMOVE
        after = before - found if is_removal else found if wanted.mode is Mode.REPLACE else before | found
        events = changes(
            wanted.tag,
            added=None if is_removal else found,
            removed=found if is_removal else None,
            cleared=wanted.mode is Mode.REPLACE,
        )
        await rows.log_tags(tx, events, now_ms=now_ms)
        await rows.note_change(tx, wanted.tag, now_ms=now_ms)
        progress = reading.progress(members_before=len(before), members_after=len(after))
        await imports.note_progress(tx, wanted.id, ImportState.DONE, progress, now_ms=now_ms)
        detail = {"tag": wanted.tag, "mode": wanted.mode, "lines": progress.lines, "refused": progress.refused}
        counts = {"members_before": len(before), "members_after": len(after)}
        await record(tx, actor, "tag.import", target=wanted.id, detail={**detail, **counts}, now_ms=now_ms)
        await request_merge(core, tx)


def _erased(tiers: bytes) -> BitMap:
    """Return the subjects that are erased, from the tiers by subject number."""
    marks = tiers.translate(bytes(value == ERASED for value in range(256)))
    return BitMap(array("I", compress(range(len(marks)), marks)))


class _Reading:
    """One attempt at reading a file: what was found, and how far it is."""

    def __init__(self, core: Core, job: Job, wanted: TagImport, report: BinaryIO) -> None:
        self.wanted, self.found = wanted, BitMap()
        self._core, self._job, self._report = core, job, report
        self._lines = self._taken = self._refused = self._read_bytes = self._said = 0

    async def read(self) -> None:
        """Read the whole file; refused lines go to the report."""
        key = upload_key(self._job.workspace_id, self.wanted.id)
        await uninterrupted(self._report.write, b"line,id,code\r\n")
        async with aclosing(self._core.objects.read(key)) as chunks:
            column = header(await self._first_line(key))
            async with aclosing(read_lines(self._counted(chunks))) as batches:
                async for batch in batches:
                    await self._take(column, batch)
                    if self._lines - self._said >= PROGRESS_EVERY_LINES:
                        await self._say()

    def progress(self, *, members_before: int | None = None, members_after: int | None = None) -> Progress:
        """Return how far the reading is."""
        size = self.wanted.progress.size_bytes
        counts = (size, min(self._read_bytes, size), self._lines, self._taken, self._refused)
        return Progress(*counts, members_before, members_after)

    async def _first_line(self, key: Key) -> bytes:
        size = min(HEAD_BYTES, self.wanted.progress.size_bytes)
        async with aclosing(self._core.objects.read(key, 0, size)) as head:
            return b"".join([chunk async for chunk in head]).split(b"\n")[0]

    async def _counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self._read_bytes += len(chunk)
            yield chunk

    async def _take(self, column: Column, batch: list[Line]) -> None:
        async with self._core.store.workspace(self._job.workspace_id).read() as tx:
            known = await numbers_of(tx, column, {line.id for line in batch if not line.code})
        refused = [
            line if line.code else Line(line.number, line.id, f"unknown_{column}")
            for line in batch
            if line.code or line.id not in known
        ]
        self.found |= BitMap(known.values())
        self._lines += len(batch)
        self._refused += len(refused)
        self._taken += len(batch) - len(refused)
        if refused:
            await uninterrupted(self._report.write, _report(refused))

    async def _say(self) -> None:
        self._said = self._lines
        async with self._core.store.workspace(self._job.workspace_id).write() as tx:
            await self._job.hold(tx)
            now_ms = self._core.now_ms()
            await imports.note_progress(tx, self.wanted.id, ImportState.RUNNING, self.progress(), now_ms=now_ms)


async def _store(aside: Path, chunks: AsyncIterator[bytes]) -> int:
    size, head, is_checked = 0, b"", False
    async with opened(partial(aside.open, "xb")) as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_BYTES:
                raise TagImportTooLarge(f"A file has at most {MAX_BYTES} bytes; send it in parts.", most=MAX_BYTES)
            if not is_checked:
                head += chunk
                if is_checked := b"\n" in head or len(head) > HEAD_BYTES:
                    header(head.split(b"\n")[0])
            await uninterrupted(file.write, chunk)
    if not is_checked:
        header(head)
    return size


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncGenerator[tuple[int, list[bytes]], None]:
    """Yield the number of the first and the lines, without the file's first line."""
    rest, waiting, number = b"", list[bytes](), 1
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[: MAX_LINE_BYTES + 1]  # a longer line is refused anyway; memory stays bounded
        waiting += whole
        while len(waiting) >= LINES_AT_ONCE:
            some, waiting = waiting[:LINES_AT_ONCE], waiting[LINES_AT_ONCE:]
            yield number, some
            number += len(some)
    if rest:
        waiting.append(rest)
    if waiting:
        yield number, waiting


def _lines(first: int, raw: list[bytes]) -> list[Line]:
    found = []
    for number, line in enumerate(raw, start=first):
        text = line.strip()
        if text and number > 1:
            found.append(_line(number, text))
    return found


def _line(number: int, text: bytes) -> Line:
    if len(text) > MAX_LINE_BYTES:
        return Line(number, text[:80].decode("utf-8", "replace"), "line_too_long")
    try:
        said = text.decode()
    except UnicodeDecodeError:
        return Line(number, text.decode("utf-8", "replace"), "not_utf8")
    if said[0] == '"':
        if len(said) < 3 or said[-1] != '"' or '"' in said[1:-1].replace('""', ""):
            return Line(number, said, "bad_quotes")
        return Line(number, said[1:-1].replace('""', '"'))
    return Line(number, said, "more_than_one_column") if "," in said else Line(number, said)


def _report(refused: list[Line]) -> bytes:
    return csv_text((line.number, line.id, line.code) for line in refused).encode()


def _fresh(path: Path) -> BinaryIO:
    return path.open("wb")
