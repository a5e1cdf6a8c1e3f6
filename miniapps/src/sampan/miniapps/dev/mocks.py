"""What a developer's `sampan.dev.json` says in place of bank and network. Everything before it is the real thing:

permissions, consents, tiers, limits and the customer's confirmation are asked first, as in production.
"""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec

from sampan.miniapps.dev_facts import DevFacts
from sampan.miniapps.network_bridge import NetworkBridge
from sampan.platform.component import Component, Port
from sampan.platform.core import Core
from sampan.platform.errors import Invalid
from sampan.platform.guarded_calls import Answer, Destination, GuardedCalls
from sampan.platform.ports import BankAnswer, BankOrder, BankStatus, PayPort, SignPort

Tier = Literal["visitor", "registered", "e_account", "full"]


class MocksWrong(Invalid):
    """The file with the mocks is not of its form."""

    code = "dev_mocks_wrong"


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """The customer who is signed in; apps see both masked."""

    name: str = "李雷"
    phone: str = "+8613800000009"


class FetchMock(msgspec.Struct, forbid_unknown_fields=True):
    """The answer to calls whose address matches `url`, where `*` stands for any text."""

    url: str
    status: int = 200
    headers: dict[str, str] = {}
    json: Any = None
    text: str = ""

    def answer(self) -> Answer:
        """Return it as the other server's answer."""
        if self.json is None:
            return Answer(self.status, list(self.headers.items()), self.text.encode())
        return Answer(
            self.status,
            list(({"content-type": "application/json"} | self.headers).items()),
            msgspec.json.encode(self.json),
        )


class Mocks(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file; every member may be left out."""

    tier: Tier = "registered"
    profile: Profile = msgspec.field(default_factory=Profile)
    fetch: list[FetchMock] = []
    pay: Literal["paid", "refused", "unknown"] = "paid"
    sign: Literal["signed", "refused", "unknown"] = "signed"


def read_mocks(path: Path) -> Mocks:
    """Return the mocks of a file, the default ones when there is none; raise `MocksWrong`."""
    if not path.exists():
        return Mocks()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mocks)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MocksWrong(f"Correct {path}: {problem}.") from problem


class MockBank:
    """Implements `PayPort` and `SignPort` with the outcomes of the file as it is now."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def pay(self, order: BankOrder, *, value_minor: int, currency: str) -> BankAnswer:
        """See `PayPort`."""
        del value_minor, currency
        return BankAnswer(BankStatus(read_mocks(self._path).pay), f"dev-{order.order}")

    async def sign(self, order: BankOrder, *, digest: str) -> BankAnswer:
        """See `SignPort`."""
        del digest
        return BankAnswer(BankStatus(read_mocks(self._path).sign), f"dev-{order.order}")


class MockCalls(GuardedCalls):
    """Answers calls of the network bridge by the file; what it does not name goes out as in production."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def call(self, to: Destination, method: str, headers: Any, body: bytes, **options: Any) -> Answer:
        """See `GuardedCalls`."""
        url = f"{to.scheme}://{to.authority}{to.path}"
        for mock in read_mocks(self._path).fetch:
            if fnmatchcase(url, mock.url):
                return mock.answer()
        return await super().call(to, method, headers, body, **options)


def mocking(path: Path, facts: DevFacts) -> Component:
    """Return the component that puts the mocks in the bank's place."""
    bank = MockBank(path)
    ports = (Port(PayPort, lambda _core: bank), Port(SignPort, lambda _core: bank))
    return Component("dev", (facts, *ports))


def answer_network(core: Core, path: Path) -> None:
    """Have the network bridge of this process answer by the mocks."""
    core.shared(NetworkBridge, NetworkBridge).calls = MockCalls(path)
