"""One-time codes by text message, and phone numbers. Pure rules."""

import hmac
import re
import secrets

from sampan.platform.identity.problems import PhoneInvalid

CODE_DIGITS = 6
LIFETIME_MS = 300_000
MAX_ATTEMPTS = 5
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SEPARATORS = str.maketrans("", "", " -().")


def new_code() -> str:
    """Return a random code of six digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def phone_number(text: str, *, field: str = "phone") -> str:
    """Return the number in its one E.164 spelling; raise `PhoneInvalid`. No country is ever guessed."""
    number = text.translate(SEPARATORS)
    if E164.fullmatch(number) is None:
        raise PhoneInvalid("Write the phone number in international form, such as +8613800000000.", field=field)
    return number


def code_seal(key: bytes, *, phone_seal: bytes, device_id: str, code: str) -> bytes:
    """Return what is kept of a code: a MAC that binds it to the phone and the device it was asked from."""
    return hmac.digest(key, b"\n".join((phone_seal, device_id.encode(), code.encode())), "sha256")


def phone_seal(key: bytes, phone: str) -> bytes:
    """Return the keyed hash by which a phone number is looked up; without the key it tells nothing."""
    return hmac.digest(key, phone.encode(), "sha256")
