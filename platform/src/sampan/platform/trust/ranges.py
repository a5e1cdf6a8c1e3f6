"""HTTP conditions, ranges and encodings (RFC 9110 sections 12 to 14), as pure functions over header values."""

import re
from collections.abc import Iterable

from msgspec import Struct

_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE)


class ByteRange(Struct, frozen=True):
    """Bytes from `start` up to, not including, `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range lies wholly outside the file: answer 416."""


def wanted_range(value: bytes | None, size: int) -> ByteRange | None:
    """Return the single range that a Range header asks for, or None when the whole file is the answer.

    Several ranges, other units and malformed values are ignored, as the RFC allows. Raises `Unsatisfiable`.
    """
    match = _RANGE.fullmatch(value) if value is not None else None
    if match is None or match[1] == match[2] == b"":
        return None
    if match[1] == b"":
        length = min(int(match[2]), size)
        if length == 0:
            raise Unsatisfiable
        return ByteRange(size - length, size)
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(int(match[2]) + 1, size) if match[2] else size)


def names_etag(value: bytes | None, etag: bytes) -> bool:
    """Whether an If-None-Match header names this ETag (weak comparison) or anything at all (`*`)."""
    if value is None:
        return False
    if value.strip() == b"*":
        return True
    return any(each.strip().removeprefix(b"W/") == etag for each in value.split(b","))


def range_applies(if_range: bytes | None, etag: bytes) -> bool:
    """Whether a Range header counts beside this If-Range: strong comparison; dates never match here."""
    return if_range is None or if_range.strip() == etag


def takes_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request without a Range header accepts a gzip answer; `*` and a quality of 0 do not count."""
    accepted = b""
    for name, value in headers:
        if name == b"range":
            return False
        if name == b"accept-encoding":
            accepted += b"," + value
    for each in accepted.lower().split(b","):
        coding, _, quality = each.replace(b" ", b"").partition(b";")
        if coding == b"gzip":
            return re.fullmatch(rb"q=0(\.0*)?", quality) is None
    return False
