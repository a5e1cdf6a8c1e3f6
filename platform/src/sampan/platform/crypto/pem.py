"""PEM (RFC 7468) and the small piece of DER (X.690) that an encrypted PKCS#8 file needs."""

import base64
import re
import textwrap

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END ([A-Z0-9 ]+)-----\s*", re.ASCII)
_LONG_FORM = 0x80


def to_pem(der: bytes, label: str) -> str:
    """Return `der` as PEM text with lines of 64 characters."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def from_pem(pem: bytes) -> tuple[str, bytes]:
    """Return label and DER of a file that holds exactly one PEM object; raise ValueError otherwise."""
    match = _PEM.fullmatch(pem.strip() + b"\n")
    if match is None or match[1] != match[3]:
        raise ValueError("not one PEM object")
    return match[1].decode(), base64.b64decode(b"".join(match[2].split()), validate=True)


def sequence(*parts: bytes) -> bytes:
    """Return a DER SEQUENCE of encoded parts."""
    return _tagged(0x30, b"".join(parts))


def octets(data: bytes) -> bytes:
    """Return a DER OCTET STRING."""
    return _tagged(0x04, data)


def integer(value: int) -> bytes:
    """Return a DER INTEGER of a positive number."""
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def null() -> bytes:
    """Return the DER NULL."""
    return _tagged(0x05, b"")


def oid(dotted: str) -> bytes:
    """Return a DER OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return _tagged(0x06, b"".join(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def _tagged(tag: int, body: bytes) -> bytes:
    if len(body) < _LONG_FORM:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + body
