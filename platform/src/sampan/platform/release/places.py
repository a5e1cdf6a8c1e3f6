"""Places of capped releases while devices ask: claimed together in one transaction, then known without SQL.

A worker remembers who holds a place; once no more are given, it reads all holders once, and that is final. So only
devices that a release still has room for reach the database.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct, field

from sampan.platform.audience.facts import Facts
from sampan.platform.core import Core
from sampan.platform.logs import Log
from sampan.platform.release.cap_rows import Subjects, all_places, claim_places
from sampan.platform.release.caps import Cap, is_over, subjects_of
from sampan.platform.release.decide import Context, DeliverableSnapshot, unfit_client

CLAIMED_AT_ONCE = 250
log = Log("release")


class _Waiting(Struct, frozen=True):
    subjects: Subjects
    answer: "asyncio.Future[bool]"


class _Room(Struct):
    """What this worker knows of one release's places; `is_final` says that `holders` are all there will ever be."""

    workspace_id: str
    release_id: str
    cap: Cap
    holders: set[str] = field(default_factory=set)
    is_final: bool = False
    waiting: list[_Waiting] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None


class ClaimedPlaces:
    """One for each process and workspace."""

    def __init__(self, core: Core, workspace_id: str) -> None:
        self._core = core
        self._workspace_id = workspace_id
        self._rooms: dict[str, _Room] = {}
        self._capped: Sequence[DeliverableSnapshot] = ()

    async def of(self, capped: Sequence[DeliverableSnapshot], facts: Facts, host_version: int) -> frozenset[str]:
        """Return in which releases the caller has a place, after claiming those that would be offered to it.

        Without an answer from the database it has none for now, and asks again at its next check.
        """
        self._forget_others(capped)
        mine, places, context = subjects_of(facts), set[str](), Context(host_version)
        for snapshot in capped:
            for each in snapshot.candidates:
                if unfit_client(each, facts, context) is not None or not each.audience.matches(facts):
                    continue
                if each.cap is None:
                    break
                if await self._has(each.release_id, each.cap, mine):
                    places.add(each.release_id)
                    break
        return frozenset(places)

    def _forget_others(self, capped: Sequence[DeliverableSnapshot]) -> None:
        if capped is self._capped:
            return
        self._capped = capped
        offering = {each.release_id for snapshot in capped for each in snapshot.candidates if each.cap is not None}
        for release_id in [each for each, room in self._rooms.items() if each not in offering and room.task is None]:
            del self._rooms[release_id]

    async def _has(self, release_id: str, cap: Cap, mine: Subjects) -> bool:
        room = self._rooms.get(release_id)
        if room is None:
            room = self._rooms[release_id] = _Room(self._workspace_id, release_id, cap)
        if room.is_final or not room.holders.isdisjoint(mine):
            return not room.holders.isdisjoint(mine)
        waiting = _Waiting(mine, asyncio.get_running_loop().create_future())
        room.waiting.append(waiting)
        if room.task is None:
            room.task = asyncio.create_task(self._serve(room))
        return await waiting.answer

    async def _serve(self, room: _Room) -> None:
        """Answer all who wait; those who come meanwhile share the next transaction."""
        try:
            while room.waiting:
                served, room.waiting = room.waiting[:CLAIMED_AT_ONCE], room.waiting[CLAIMED_AT_ONCE:]
                if not room.is_final:
                    await self._claim(room, [each.subjects for each in served])
                for each in served:
                    if not each.answer.done():
                        each.answer.set_result(not room.holders.isdisjoint(each.subjects))
        finally:
            room.task = None

    async def _claim(self, room: _Room, asked: Sequence[Subjects]) -> None:
        now_ms = self._core.now_ms()
        try:
            async with self._core.store.workspace(room.workspace_id).write() as tx:
                holders, is_final = await claim_places(
                    tx, room.release_id, asked, now_ms=now_ms, is_over=is_over(room.cap, now_ms)
                )
                if is_final:
                    holders = await all_places(tx, room.release_id)
        except Exception as problem:  # whatever it is, a device that asks for its apps gets an answer
            log.error("place_not_claimed", release=room.release_id, problem=problem)
            return
        room.holders |= holders
        room.is_final = is_final
