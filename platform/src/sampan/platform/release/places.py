"""Places of capped releases while devices ask: claimed together in one transaction, then known without SQL.

A worker remembers who holds a place; once no more are given, it reads all holders once, and again when a place was
handed on. So only devices that a release still has room for reach the database, and customers who take a device's over.
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
    """What this worker knows of one release's places.

    `is_final`: `holders` are all, and none will be added. `handed`: the number of `HANDED` when somebody last asked;
    when it rises, places have other holders, `is_stale`, and nobody is answered from memory.
    """

    workspace_id: str
    release_id: str
    cap: Cap
    holders: set[str] = field(default_factory=set)
    handed: int = 0
    is_final: bool = False
    is_stale: bool = False
    waiting: list[_Waiting] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None


class ClaimedPlaces:
    """One for each process and workspace."""

    def __init__(self, core: Core, workspace_id: str) -> None:
        self._core = core
        self._workspace_id = workspace_id
        self._rooms: dict[str, _Room] = {}
        self._capped: Sequence[DeliverableSnapshot] = ()

    async def of(
        self, capped: Sequence[DeliverableSnapshot], facts: Facts, host_version: int, *, handed: int
    ) -> frozenset[str]:
        """Return in which releases the caller has a place, after claiming those that would be offered to it.

        `handed` is the number of the log `HANDED`. Without an answer from the database it has none for now, unless it
        is remembered, and asks again at its next check.
        """
        self._forget_others(capped)
        mine, places, context = subjects_of(facts), set[str](), Context(host_version)
        for snapshot in capped:
            for each in snapshot.candidates:
                if unfit_client(each, facts, context) is not None or not each.audience.matches(facts):
                    continue
                if each.cap is None:
                    break
                if await self._has(each.release_id, each.cap, mine, handed):
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

    async def _has(self, release_id: str, cap: Cap, mine: Subjects, handed: int) -> bool:
        room = self._rooms.get(release_id)
        if room is None:
            room = self._rooms[release_id] = _Room(self._workspace_id, release_id, cap, handed=handed)
        if room.handed != handed:
            room.handed, room.is_stale, room.is_final = handed, True, False
        if not room.is_stale and mine[0] in room.holders:
            return True
        if room.is_final and room.holders.isdisjoint(mine):
            return False
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
                # when the last place went meanwhile, only who takes a device's place over has something to ask
                asked = [
                    each.subjects for each in served if not room.is_final or not room.holders.isdisjoint(each.subjects)
                ]
                found = await self._claim(room, asked) if asked else room.holders
                for each in served:
                    if not each.answer.done():
                        each.answer.set_result(each.subjects[0] in found)
        finally:
            room.task = None

    async def _claim(self, room: _Room, asked: Sequence[Subjects]) -> set[str]:
        """Return at least those of the asked who hold a place, and remember them."""
        now_ms, handed = self._core.now_ms(), room.handed
        try:
            async with self._core.store.workspace(room.workspace_id).write() as tx:
                holders, is_final = await claim_places(
                    tx, room.release_id, asked, now_ms=now_ms, is_over=is_over(room.cap, now_ms)
                )
                is_whole = is_final or room.is_stale
                if is_whole:
                    holders = await all_places(tx, room.release_id)
        except Exception as problem:  # whatever it is, a device that asks for its apps gets an answer
            log.error("place_not_claimed", release=room.release_id, problem=problem)
            return room.holders
        if room.handed == handed:  # or what was read may be older than what was handed on since
            gone = {subject for subjects in asked for subject in subjects} - holders
            room.holders = holders if is_whole else (room.holders | holders) - gone
            room.is_final, room.is_stale = is_final, False
        return holders
