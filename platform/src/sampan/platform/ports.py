"""Ports: what the platform or a component needs from the bank, each a Protocol that a component may implement.

A port that is needed and not implemented refuses to start (outside the demo): nothing is quietly left undone.
"""

from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class SmsPort(Protocol):
    """Sends one-time codes by text message."""

    async def send_code(self, *, workspace_id: str, phone: str, code: str, lang: str) -> None:
        """Hand the message to the carrier; raise when it was not accepted. The code must not be logged."""


class AttestPort(Protocol):
    """Judges the attestation that a device sends when it registers."""

    async def check(self, *, workspace_id: str, client_app: str, device_key: bytes, attestation: str) -> str:
        """Return the highest tier that such a device may carry, or raise `errors.Forbidden`."""


class BankStatus(StrEnum):
    """What became of a payment or a signature; `unknown` is asked again under the same key."""

    PAID = "paid"
    SIGNED = "signed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class BankAnswer(Struct, frozen=True):
    """The bank's word on a payment or a signature; `reference` is the bank's own name for it."""

    status: BankStatus
    reference: str


class BankOrder(Struct, frozen=True):
    """What a mini-app asks the bank to do for a customer, who confirmed it in the super-app.

    `key` is the same for every try of one order: the bank does it once, however often it is asked.
    """

    workspace_id: str
    customer_id: str
    app_id: str
    key: str
    order: str
    title: str


class PayPort(Protocol):
    """Moves money for a mini-app's order."""

    async def pay(self, order: BankOrder, *, value_minor: int, currency: str) -> BankAnswer:
        """Pay, or return what became of it the last time; raising counts as `unknown`."""


class SignPort(Protocol):
    """Has a customer sign a document that a mini-app names by its digest."""

    async def sign(self, order: BankOrder, *, digest: str) -> BankAnswer:
        """Sign, or return what became of it the last time; raising counts as `unknown`."""
