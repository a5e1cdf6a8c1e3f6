"""Ports: what the platform or a component needs from the bank, each a Protocol that a component may implement.

A port that is needed and not implemented refuses to start (outside the demo): nothing is quietly left undone.
"""

from typing import Protocol


class SmsPort(Protocol):
    """Sends one-time codes by text message."""

    async def send_code(self, *, workspace_id: str, phone: str, code: str, lang: str) -> None:
        """Hand the message to the carrier; raise when it was not accepted. The code must not be logged."""


class AttestPort(Protocol):
    """Judges the attestation that a device sends when it registers."""

    async def check(self, *, workspace_id: str, client_app: str, device_key: bytes, attestation: str) -> str:
        """Return the highest tier that such a device may carry, or raise `errors.Forbidden`."""
