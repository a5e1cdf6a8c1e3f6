"""What a developer's `sampan.dev.json` says in place of the bank. Everything before it is the real thing:

permissions, consents, tiers, limits and the customer's confirmation are asked first, as in production.
"""

import asyncio
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from sampan.miniapps.consents import ConsentRefused
from sampan.platform.errors import Invalid, Unavailable
from sampan.platform.guarded_calls import Answer, UpstreamFailed
from sampan.platform.ports import BankAnswer, BankOrder, BankStatus

MAX_LATENCY_MS = 60_000
SLOW_MS = 3000
Tier = Literal["visitor", "registered", "e_account", "full"]
Pay = Literal["paid", "refused", "unknown"]
Sign = Literal["signed", "refused", "unknown"]
Login = Literal["allowed", "refused", "failed"]
Network = Literal["mocks", "slow", "failing"]
Latency = Annotated[int, msgspec.Meta(ge=0, le=MAX_LATENCY_MS)]


class MocksWrong(Invalid):
    """The file with the mocks is not of its form."""

    code = "dev_mocks_wrong"


class LoginFailed(Unavailable):
    """`sampan dev` was told that signing in at apps shall fail."""

    code = "dev_login_failed"


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """The customer who is signed in; apps see both masked."""

    name: str = "李雷"
    phone: str = "+8613800000009"


class FetchMock(msgspec.Struct, forbid_unknown_fields=True, dict=True):
    """The answer to calls whose address is like `url`, where `*` stands for anything; the first that fits counts."""

    url: str
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] | None = None
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    headers: dict[str, str] = {}
    json: Any = None
    text: str = ""
    latency_ms: Latency = 0
    failure: Literal["unreachable", "timeout"] | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*".join(map(re.escape, self.url.split("*"))), re.DOTALL)

    def fits(self, method: str, url: str) -> bool:
        """Whether this answers a call."""
        return self.method in (None, method) and self._pattern.fullmatch(url) is not None

    async def answer(self) -> Answer:
        """Return the answer after its latency; raise `UpstreamFailed` where it shall fail."""
        await asyncio.sleep(self.latency_ms / 1000)
        if self.failure is not None:
            raise UpstreamFailed(f"{self.url} fails, as the mocks say.", reason=self.failure)
        is_json = self.json is not None
        headers = {"content-type": "application/json" if is_json else "text/plain; charset=utf-8"}
        headers |= {name.lower(): value for name, value in self.headers.items()}
        body = msgspec.json.encode(self.json) if is_json else self.text.encode()
        return Answer(self.status, tuple(headers.items()), body)


class Mocks(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file; every member may be left out. `shared` are folders of shared packages, as seen from the file."""

    tier: Tier = "registered"
    profile: Profile = msgspec.field(default_factory=Profile)
    pay: Pay = "paid"
    sign: Sign = "signed"
    login: Login = "allowed"
    fetch: list[FetchMock] = []
    shared: list[str] = []


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """What was chosen in the developer panel: it comes before the file, until the command ends."""

    pay: Pay | None = None
    sign: Sign | None = None
    login: Login | None = None
    network: Network | None = None


def read_mocks(path: Path) -> Mocks:
    """Return the mocks of a file, the default ones when there is none; raise `MocksWrong`."""
    if not path.exists():
        return Mocks()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mocks)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MocksWrong(f"Correct {path}: {problem}.") from problem


class MockBank:
    """Implements `PayPort` and `SignPort`, and what the bridge asks, as the file is now and the panel was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.chosen = Chosen()

    async def pay(self, order: BankOrder, *, value_minor: int, currency: str) -> BankAnswer:
        """See `PayPort`."""
        del value_minor, currency
        return BankAnswer(BankStatus(self.chosen.pay or read_mocks(self.path).pay), f"dev-{order.order}")

    async def sign(self, order: BankOrder, *, digest: str) -> BankAnswer:
        """See `SignPort`."""
        del digest
        return BankAnswer(BankStatus(self.chosen.sign or read_mocks(self.path).sign), f"dev-{order.order}")

    def login(self) -> None:
        """See `LoginStandIn`."""
        wanted = self.chosen.login or read_mocks(self.path).login
        if wanted == "refused":
            raise ConsentRefused("The mocks say that the customer refuses to sign in here.", permissions=["login"])
        if wanted == "failed":
            raise LoginFailed("The mocks say that the bank cannot sign anybody in now.")

    async def fetch(self, method: str, url: str) -> Answer | None:
        """See `NetworkStandIn`."""
        if self.chosen.network == "failing":
            raise UpstreamFailed("The developer panel says that no server answers.", reason="unreachable")
        if self.chosen.network == "slow":
            await asyncio.sleep(SLOW_MS / 1000)
        for mock in read_mocks(self.path).fetch:
            if mock.fits(method, url):
                return await mock.answer()
        return None
