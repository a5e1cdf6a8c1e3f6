"""Passwords: argon2id (RFC 9106) with 19 MiB, two passes, one lane, in two threads of their own.

Each hash costs some 20 ms of a core and 19 MiB, so the threads and the queue before them are bounded: a
flood of sign-ins waits or is refused, and neither the loop nor the memory suffers.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from sampan.platform.errors import Invalid, Unavailable

MIN_CHARACTERS = 12
MAX_CHARACTERS = 200
THREADS = 2
MAX_WAITING = 32

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
Answer = TypeVar("Answer")


class BadPassword(Invalid):
    """The new password is too short, too long, or contains the account's own name."""

    code: ClassVar[str] = "bad_password"


class SignInBusy(Unavailable):
    """Too many passwords wait to be checked."""

    code: ClassVar[str] = "sign_in_busy"


class PasswordQueue:
    """Runs hashing in the bounded threads; refuses when too many wait."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._inside = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Return what `work` returns; raise `SignInBusy` when the queue is full."""
        if self._inside >= self._max_waiting + THREADS:
            raise SignInBusy("Too many people sign in at once. Try again in a few seconds.", retry_after_seconds=5)
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads, work)
        finally:
            self._inside -= 1


queue = PasswordQueue()
# Somebody unknown costs the same time as somebody known: this is checked in the place of their hash.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c2FtcGFuLW5vYm9keS1oZXJl$" + "A" * 43


def refuse_bad_password(password: str, *, email: str, field: str = "password") -> None:
    """Raise `BadPassword` for a password that is too easy or too long."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise BadPassword(f"Choose a password of {MIN_CHARACTERS} to {MAX_CHARACTERS} characters.", field=field)
    account = email.partition("@")[0]
    if len(set(password)) < 5 or (len(account) > 2 and account in password.lower()):
        raise BadPassword("Choose a password that does not repeat itself or your address.", field=field)


async def hash_password(password: str) -> str:
    """Return the argon2id hash with its parameters and salt."""
    return await queue.run(lambda: _hasher.hash(password))


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password belongs to the hash; takes the same time when there is no hash."""
    if len(password) > MAX_CHARACTERS:
        return False
    return await queue.run(lambda: _verify(password_hash or _NOBODY, password)) and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerificationError:
        return False
