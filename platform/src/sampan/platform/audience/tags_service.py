"""Use cases of tags. What changed is a log entry; a job merges entries into the stored bitmaps a few seconds later."""

from collections.abc import Sequence
from functools import partial

from pyroaring import BitMap

from sampan.platform.audience import tag_rows as rows
from sampan.platform.audience.attributes import TAG_NAME
from sampan.platform.audience.claims import forget_claims
from sampan.platform.audience.members import Column, numbers_of
from sampan.platform.audience.problems import BadTag, MemberUnknown, TagTaken, TagUnknown, TooManyTags
from sampan.platform.audience.references import require_unused
from sampan.platform.audience.tag_import_files import report_key, upload_key
from sampan.platform.audience.tag_import_rows import import_ids
from sampan.platform.audience.tag_rows import Tag
from sampan.platform.audience.tag_states import LOG, SubjectForgotten, TagDeleted, TagStates, changes
from sampan.platform.component import Forgets
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobKind
from sampan.platform.engines.jobs import Job, enqueue
from sampan.platform.engines.threads import uninterrupted
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record

EDIT = "tag:edit"
MERGE_JOB = "tags.merge"
MERGE_AFTER_MS = 3_000
MAX_TAGS = 2_000
MAX_TITLE = 200
MAX_IDS = 10_000


async def create_tag(core: Core, workspace_id: str, actor: Actor, name: str, title: str) -> Tag:
    """Make a tag without members; raise `BadTag`, `TagTaken` or `TooManyTags`."""
    if TAG_NAME.fullmatch(name) is None:
        raise BadTag("A name has 1 to 64 of a-z, 0-9, _ . and -, and begins with a letter or a digit.")
    tag = Tag(name, _title(title), actor.operator_id, core.now_ms(), core.now_ms())
    async with core.store.workspace(workspace_id).write() as tx:
        if len(await rows.list_tags(tx)) >= MAX_TAGS:
            raise TooManyTags(f"A workspace has at most {MAX_TAGS} tags; delete one that is not used.")
        if not await rows.add_tag(tx, tag):
            raise TagTaken(f"There is a tag {name!r} already.")
        await record(tx, actor, "tag.create", target=name, now_ms=tag.created_ms)
        await request_merge(core, tx)
    return tag


async def known_tag(tx: Transaction, name: str) -> Tag:
    """Return a tag; raise `TagUnknown`."""
    tag = await rows.get_tag(tx, name)
    if tag is None:
        raise TagUnknown(f"There is no tag {name!r} here.")
    return tag


async def rename_tag(core: Core, workspace_id: str, actor: Actor, name: str, title: str) -> Tag:
    """Change the title that people read."""
    async with core.store.workspace(workspace_id).write() as tx:
        await known_tag(tx, name)
        await rows.note_change(tx, name, now_ms=core.now_ms(), title=_title(title))
        await record(tx, actor, "tag.rename", target=name, now_ms=core.now_ms())
        return await known_tag(tx, name)


async def delete_tag(core: Core, workspace_id: str, actor: Actor, name: str) -> None:
    """Remove a tag that no rule names; raise `InUse`."""
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        await known_tag(tx, name)
        await require_unused(core, tx, tag=name)
        imports = await import_ids(tx, name)
        await rows.delete_tag(tx, name)
        await rows.log_tags(tx, [TagDeleted(name)], now_ms=now_ms)
        await record(tx, actor, "tag.delete", target=name, now_ms=now_ms)
        await request_merge(core, tx)
    for import_id in imports:
        await core.objects.delete(upload_key(workspace_id, import_id))
        await core.objects.delete(report_key(workspace_id, import_id))


async def change_members(
    core: Core, workspace_id: str, actor: Actor, name: str, column: Column, *, add: Sequence[str], remove: Sequence[str]
) -> None:
    """Give the tag to some and take it from others, in force in under a second; all or, with an unknown id, none."""
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        await known_tag(tx, name)
        found = await numbers_of(tx, column, {*add, *remove})
        if missing := sorted({*add, *remove} - found.keys()):
            raise MemberUnknown(
                f"{len(missing)} of the ids are not known here, the first {missing[0]!r}. Nothing was changed.",
                unknown=missing[:100],
            )
        added, removed = BitMap(found[each] for each in add), BitMap(found[each] for each in remove)
        await rows.log_tags(tx, changes(name, added=added, removed=removed), now_ms=now_ms)
        await rows.note_change(tx, name, now_ms=now_ms)
        detail = {"added": len(added), "removed": len(removed)}
        await record(tx, actor, "tag.members", target=name, detail=detail, now_ms=now_ms)
        await request_merge(core, tx)


def states_of(core: Core, workspace_id: str) -> TagStates:
    """Return the members as this worker knows them."""
    states: TagStates = core.replica.view(workspace_id).followed[LOG]
    return states


async def request_merge(core: Core, tx: Transaction) -> None:
    """Let a job merge the log into the stored bitmaps soon; many changes are one merge."""
    await _request_merge(tx, core.now_ms())


async def _forget(tx: Transaction, customer_id: str, subject: int) -> None:
    await forget_claims(tx, customer_id)
    now_ms = system_clock_ms()
    await rows.log_tags(tx, [SubjectForgotten(subject)], now_ms=now_ms)
    await _request_merge(tx, now_ms)


async def _request_merge(tx: Transaction, now_ms: int) -> None:
    await enqueue(tx, MERGE_JOB, {}, run_at_ms=now_ms + MERGE_AFTER_MS, unique="merge")


FORGETS = Forgets("tags", _forget)


async def merge(core: Core, workspace_id: str) -> int:
    """Store what the log says since the last merge; return how many tags got a new version."""
    door = core.store.workspace(workspace_id)
    async with door.read() as tx:
        merged = await rows.read_merged(tx)
    if merged.n == merged.before:
        return 0
    blobs = await uninterrupted(rows.packed, merged)
    async with door.write() as tx:
        is_first = await rows.write_merged(tx, merged, blobs, now_ms=core.now_ms())
    return len(blobs) if is_first else 0


def merge_job(core: Core) -> JobKind:
    """Return the job that merges."""
    return JobKind(MERGE_JOB, partial(_run_merge, core))


async def _run_merge(core: Core, job: Job) -> None:
    await merge(core, job.workspace_id)


def _title(title: str) -> str:
    if len(title) > MAX_TITLE or not title.isprintable():
        raise BadTag(f"A title has at most {MAX_TITLE} printable characters.", field="title")
    return title
