"""Time-based one-time codes: RFC 6238 with SHA-1, six digits and steps of 30 seconds, as every phone app knows them.

Pure: time and the last spent step are passed in. A code is good one step early or late, and never twice:
whoever accepts a step must spend it (`person_rows.use_totp_step`).
"""

import base64
import hmac
import secrets
from urllib.parse import quote

STEP_MS = 30_000
DIGITS = 6
SECRET_BYTES = 20
DRIFT_STEPS = 1


def new_totp_secret() -> bytes:
    """Return a new shared secret of 160 bits (RFC 4226 section 4, R6)."""
    return secrets.token_bytes(SECRET_BYTES)


def step_at(now_ms: int) -> int:
    """Return the number of the step that this moment lies in."""
    return now_ms // STEP_MS


def code_for(secret: bytes, step: int) -> str:
    """Return the code of a step (RFC 4226 section 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: bytes, code: str, *, now_ms: int) -> int | None:
    """Return the step that the code belongs to, the present one or a neighbour; None when it is none of them."""
    now = step_at(now_ms)
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_for(secret, step).encode(), code.strip().encode()):
            found = step
    return found


def base32(secret: bytes) -> str:
    """Return the secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def enrolment_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the `otpauth://` address that apps read from a QR code."""
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?secret={base32(secret)}&issuer={quote(issuer)}"
