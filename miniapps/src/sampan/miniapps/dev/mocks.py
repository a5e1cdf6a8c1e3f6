"""What a developer's `sampan.dev.json` says in place of the bank. Everything before it is the real thing:

permissions, consents, tiers, limits and the customer's confirmation are asked first, as in production.
"""

from pathlib import Path
from typing import Literal

import msgspec

from sampan.miniapps.dev_facts import DevFacts
from sampan.platform.component import Component, Port
from sampan.platform.errors import Invalid
from sampan.platform.ports import BankAnswer, BankOrder, BankStatus, PayPort, SignPort

Tier = Literal["visitor", "registered", "e_account", "full"]


class MocksWrong(Invalid):
    """The file with the mocks is not of its form."""

    code = "dev_mocks_wrong"


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """The customer who is signed in; apps see both masked."""

    name: str = "李雷"
    phone: str = "+8613800000009"


class Mocks(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file; every member may be left out."""

    tier: Tier = "registered"
    profile: Profile = msgspec.field(default_factory=Profile)
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


def mocking(path: Path, facts: DevFacts) -> Component:
    """Return the component that puts the mocks in the bank's place."""
    bank = MockBank(path)
    ports = (Port(PayPort, lambda _core: bank), Port(SignPort, lambda _core: bank))
    return Component("dev", (facts, *ports))
