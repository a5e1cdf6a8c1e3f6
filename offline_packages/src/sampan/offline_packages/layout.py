"""The byte layout of the canonical archive: a ZIP whose every bit follows from paths, contents and CRC-32s.

ZIP 6.3.x (PKWARE APPNOTE), stored, UTF-8 flag always set, the DOS epoch as time, no extra field, no comment,
no data descriptor, made by "Unix, 2.0" with mode 0644. Every number is little-endian.
"""

import struct
from collections.abc import Iterable

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
LOCAL_MAGIC, CENTRAL_MAGIC, END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
VERSION = 20
MADE_BY = 3 << 8 | VERSION
UTF8_FLAG = 0x0800
STORED, DEFLATED = 0, 8
DOS_TIME, DOS_DATE = 0, 0x0021  # 1980-01-01 00:00:00, the first moment a ZIP can name
MODE = 0o100644 << 16


def local_header(path: bytes, crc: int, size: int) -> bytes:
    """Return the bytes that stand before the content of one file."""
    head = LOCAL.pack(LOCAL_MAGIC, VERSION, UTF8_FLAG, STORED, DOS_TIME, DOS_DATE, crc, size, size, len(path), 0)
    return head + path


def central_header(path: bytes, crc: int, size: int, offset: int) -> bytes:
    """Return the directory entry of one file; `offset` is that of its local header."""
    head = CENTRAL.pack(
        CENTRAL_MAGIC, MADE_BY, VERSION, UTF8_FLAG, STORED, DOS_TIME, DOS_DATE,
        crc, size, size, len(path), 0, 0, 0, 0, MODE, offset,
    )  # fmt: skip
    return head + path


def end_record(count: int, directory_size: int, directory_offset: int) -> bytes:
    """Return the last 22 bytes of the archive."""
    return END.pack(END_MAGIC, 0, 0, count, count, directory_size, directory_offset, 0)


def local_header_size(path: str) -> int:
    """Return how many bytes stand before the content of `path`."""
    return LOCAL.size + len(path.encode())


def archive_size(contents_end: int, paths: Iterable[str]) -> int:
    """Return the size of the archive whose last content byte stands before `contents_end`."""
    return contents_end + sum(CENTRAL.size + len(path.encode()) for path in paths) + END.size
