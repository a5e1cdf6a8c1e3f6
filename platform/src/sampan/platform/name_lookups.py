"""Names of foreign servers, looked up by the system in threads of their own.

The system's look-up blocks a thread for as long as a foreign name server likes. In the threads that everything else
of the process shares (files, hashing, the database), a few slow zones would stop the bank; here they stop each other.
"""

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from sampan.platform.errors import Unavailable

SECONDS = 5.0
PLACES = 32
OF_A_ZONE = 8  # of names with the same last two labels: one publisher's zone must not take every place

LookUp = Callable[[str, int], Sequence[str]]


class NamesBusy(Unavailable):
    """Too many names are being looked up, because the name servers of some are slow; try again in a moment."""

    code = "names_busy"


def by_system(host: str, port: int) -> Sequence[str]:
    """Return every address of a name; blocks; raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class NameLookups:
    """Looks names up, `places` at once at most, and waits for none longer than `seconds`.

    A look-up that is given up keeps its place until the system ends it. The threads are daemons: a stop waits for none.
    """

    def __init__(self, look_up: LookUp = by_system, *, places: int = PLACES, seconds: float = SECONDS) -> None:
        self._look_up, self._seconds = look_up, seconds
        self._places = places
        self._lock = threading.Lock()
        self._zones: Counter[str] = Counter()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses; raise `NamesBusy`, OSError (TimeoutError when it takes too long) or UnicodeError."""
        zone = ".".join(host.lower().split(".")[-2:])
        self._take(zone)
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str]] = loop.create_future()
        try:
            threading.Thread(target=self._run, args=(loop, found, zone, host, port), daemon=True).start()
        except BaseException:
            self._give_back(zone)
            raise
        async with asyncio.timeout(self._seconds):
            return await found

    def _run(
        self, loop: asyncio.AbstractEventLoop, found: "asyncio.Future[Sequence[str]]", zone: str, host: str, port: int
    ) -> None:
        problem: Exception | None = None
        addresses: Sequence[str] = ()
        try:
            addresses = self._look_up(host, port)
        except Exception as caught:  # raised where the answer is waited for
            problem = caught
        self._give_back(zone)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, found, addresses, problem)

    def _take(self, zone: str) -> None:
        with self._lock:
            if self._zones.total() >= self._places or self._zones[zone] >= OF_A_ZONE:
                raise NamesBusy("Name servers are slow to answer; try again soon.", retry_after_seconds=5)
            self._zones[zone] += 1

    def _give_back(self, zone: str) -> None:
        with self._lock:
            self._zones[zone] -= 1
            if not self._zones[zone]:
                del self._zones[zone]


def _settle(found: "asyncio.Future[Sequence[str]]", addresses: Sequence[str], problem: Exception | None) -> None:
    if found.done():  # given up
        return
    if problem is not None:
        found.set_exception(problem)
    else:
        found.set_result(addresses)
