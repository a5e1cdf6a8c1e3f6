"""Reading the directory of an uploaded ZIP without believing it (PKWARE APPNOTE 6.3, the 2.0 subset).

Every byte of the upload must belong to exactly one header, one content or the directory, and the two headers
of each file must agree: then no two readers can see two packages. Contents are read elsewhere (`intake`).
"""

import os
import stat
import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

from sampan.offline_packages.layout import (
    CENTRAL,
    CENTRAL_MAGIC,
    DEFLATED,
    END,
    END_MAGIC,
    LOCAL,
    LOCAL_MAGIC,
    STORED,
    UTF8_FLAG,
    VERSION,
)
from sampan.offline_packages.refusals import (
    NotARegularFile,
    NotAZip,
    PathNotUtf8,
    TooManyFiles,
    Zip64Used,
    ZipComment,
    ZipDescriptorMismatch,
    ZipDirectoryBroken,
    ZipEncrypted,
    ZipExtraField,
    ZipFlags,
    ZipGap,
    ZipHeaderMismatch,
    ZipMethod,
    ZipOverlap,
    ZipPrependedData,
    ZipSpanned,
    ZipTrailingData,
    ZipTruncated,
    ZipVersion,
)

_ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR_FLAG = 0x0008
_LEVEL_FLAGS = 0x0006
_MAX_COMMENT = 0xFFFF
_MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
_DESCRIPTOR = struct.Struct("<3L")
_DESCRIPTOR_MAGIC = b"PK\x07\x08"
_EXTRA = struct.Struct("<2H")
_EXTRA_ZIP64, _EXTRA_UNICODE_PATH, _EXTRA_AES, _EXTRA_STRONG = 0x0001, 0x7075, 0x9901, 0x0017
_DOS_FOLDER, _DOS_VOLUME = 0x10, 0x08


class Entry(Struct, frozen=True):
    """One entry of the directory; sizes and CRC-32 are claims until the content has been read."""

    path: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    header_offset: int
    is_folder: bool


class Content(Struct, frozen=True):
    """Where the packed bytes of an entry lie; `start` has been checked against its own local header."""

    entry: Entry
    start: int


def read_directory(handle: int, upload_size: int, *, max_entries: int) -> list[Content]:
    """Return every entry of the ZIP open as file descriptor `handle`, in the order of their bytes.

    Raise a `Zip...` or `Path...` refusal; never read more than the directory and the local headers.
    """
    count, directory_size, directory_offset = _end_of_directory(handle, upload_size)
    if count > max_entries:
        raise TooManyFiles(count=count, limit=max_entries)
    if directory_size > _MAX_DIRECTORY_BYTES:
        raise ZipDirectoryBroken(reason="it is larger than 16 MiB")
    directory = os.pread(handle, directory_size, directory_offset)
    entries = sorted(_entries(directory, count), key=lambda entry: entry.header_offset)
    return list(_contents(handle, entries, directory_offset))


def _end_of_directory(handle: int, upload_size: int) -> tuple[int, int, int]:
    tail = os.pread(handle, END.size, max(0, upload_size - END.size))
    if len(tail) < END.size or tail[:4] != END_MAGIC or tail[-2:] != b"\0\0":
        raise _why_no_end(handle, upload_size)
    _, disk, first_disk, here, count, size, offset, _ = END.unpack(tail)
    if 0xFFFF in (disk, first_disk, here, count) or 0xFFFFFFFF in (size, offset):
        raise Zip64Used
    if disk or first_disk or here != count:
        raise ZipSpanned
    if offset + size != upload_size - END.size:
        if size >= 20 and os.pread(handle, 4, upload_size - END.size - 20) == b"PK\x06\x07":
            raise Zip64Used
        raise ZipDirectoryBroken(reason="it does not end where the end record says")
    return count, size, offset


def _why_no_end(handle: int, upload_size: int) -> Exception:
    length = min(upload_size, END.size + _MAX_COMMENT)
    tail = os.pread(handle, length, upload_size - length)
    at = tail.rfind(END_MAGIC)
    if at < 0 or len(tail) - at < END.size:
        is_cut = os.pread(handle, 4, 0) in (LOCAL_MAGIC, END_MAGIC)
        return ZipTruncated(reason="it has no end record") if is_cut else NotAZip()
    comment = int.from_bytes(tail[at + END.size - 2 : at + END.size], "little")
    if len(tail) - at - END.size == comment:
        return ZipComment()
    return ZipTrailingData() if len(tail) - at - END.size > comment else ZipTruncated(reason="in its comment")


def _entries(directory: bytes, count: int) -> Iterator[Entry]:
    position = 0
    for _ in range(count):
        fixed = directory[position : position + CENTRAL.size]
        if len(fixed) < CENTRAL.size or fixed[:4] != CENTRAL_MAGIC:
            raise ZipDirectoryBroken(reason="an entry is missing or malformed")
        (_, _made_by, version, flags, method, _time, _date, crc, packed, size, name_length, extra_length,
         comment_length, disk, _internal, attributes, offset) = CENTRAL.unpack(fixed)  # fmt: skip
        name_end = position + CENTRAL.size + name_length
        raw_name = directory[position + CENTRAL.size : name_end]
        extra = directory[name_end : name_end + extra_length]
        position = name_end + extra_length + comment_length
        if position > len(directory):
            raise ZipDirectoryBroken(reason="an entry runs over its end")
        path = _decoded(raw_name, flags)
        if disk:
            raise ZipSpanned(path)
        _check_entry(path, version, flags, method)
        _check_extra(path, raw_name, extra)
        if 0xFFFFFFFF in (packed, size, offset):
            raise Zip64Used(path)
        is_folder = path.endswith("/")
        _check_plain(path, attributes, is_folder)
        yield Entry(path, raw_name, flags, method, crc, packed, size, offset, is_folder)
    if position != len(directory):
        raise ZipDirectoryBroken(reason="it holds more than the end record counts")


def _decoded(raw_name: bytes, flags: int) -> str:
    shown = raw_name.decode("ascii", "backslashreplace")
    if not raw_name:
        raise ZipDirectoryBroken(reason="an entry has no name")
    if not flags & UTF8_FLAG and not raw_name.isascii():
        raise PathNotUtf8(shown)
    try:
        return raw_name.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise PathNotUtf8(shown) from problem


def _check_entry(path: str, version: int, flags: int, method: int) -> None:
    if flags & _ENCRYPTED_FLAGS or method == 99:  # 99: AES of WinZip
        raise ZipEncrypted(path)
    if unknown := flags & ~(_DESCRIPTOR_FLAG | _LEVEL_FLAGS | UTF8_FLAG):
        raise ZipFlags(path, flags=f"{unknown:#06x}")
    if method not in (STORED, DEFLATED):
        raise ZipMethod(path, method=method)
    if version & 0xFF > VERSION:  # the high byte may name a system
        raise ZipVersion(path, version=f"{(version & 0xFF) / 10:.1f}")


def _check_extra(path: str, raw_name: bytes, extra: bytes) -> None:
    position = 0
    while position < len(extra):
        if position + _EXTRA.size > len(extra):
            raise ZipExtraField(path, field="cut short")
        kind, length = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size + length
        if position > len(extra):
            raise ZipExtraField(path, field="cut short")
        if kind == _EXTRA_ZIP64:
            raise Zip64Used(path)
        if kind in (_EXTRA_AES, _EXTRA_STRONG):
            raise ZipEncrypted(path)
        if kind == _EXTRA_UNICODE_PATH and extra[position - length + 5 : position] != raw_name:
            raise ZipExtraField(path, field="another name")


def _check_plain(path: str, attributes: int, is_folder: bool) -> None:
    kind = stat.S_IFMT(attributes >> 16)
    wanted = stat.S_IFDIR if is_folder else stat.S_IFREG
    if kind not in (0, wanted) or attributes & _DOS_VOLUME or (attributes & _DOS_FOLDER and not is_folder):
        raise NotARegularFile(path)


def _contents(handle: int, entries: Sequence[Entry], directory_offset: int) -> Iterator[Content]:
    expected = 0
    ends = [entry.header_offset for entry in entries[1:]] + [directory_offset]
    for entry, next_offset in zip(entries, ends, strict=False):
        if entry.header_offset != expected:
            raise ZipPrependedData if expected == 0 else ZipGap(entry.path)
        start = _check_local(handle, entry)
        end = start + entry.packed_size
        if end > next_offset:
            raise ZipOverlap(entry.path)
        if entry.flags & _DESCRIPTOR_FLAG:
            end += _descriptor_size(handle, entry, end, next_offset - end)
        if end != next_offset:
            raise ZipGap(entry.path)
        yield Content(entry, start)
        expected = next_offset
    if expected != directory_offset:
        raise ZipGap("the start")


def _check_local(handle: int, entry: Entry) -> int:
    head = os.pread(handle, LOCAL.size + len(entry.raw_name), entry.header_offset)
    if len(head) < LOCAL.size + len(entry.raw_name) or head[:4] != LOCAL_MAGIC:
        raise ZipHeaderMismatch(entry.path, field="place")
    _, version, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack(head[: LOCAL.size])
    _check_entry(entry.path, version, flags, method)
    if name_length != len(entry.raw_name) or head[LOCAL.size :] != entry.raw_name:
        raise ZipHeaderMismatch(entry.path, field="name")
    if flags != entry.flags:
        raise ZipHeaderMismatch(entry.path, field="flags")
    if method != entry.method:
        raise ZipHeaderMismatch(entry.path, field="method")
    claims = (crc, packed, size)
    is_later = bool(flags & _DESCRIPTOR_FLAG) and claims == (0, 0, 0)
    if not is_later and claims != (entry.crc, entry.packed_size, entry.size):
        raise ZipHeaderMismatch(entry.path, field="size or checksum")
    start = entry.header_offset + len(head)
    _check_extra(entry.path, entry.raw_name, os.pread(handle, extra_length, start) if extra_length else b"")
    return start + int(extra_length)


def _descriptor_size(handle: int, entry: Entry, position: int, room: int) -> int:
    wanted = _DESCRIPTOR.pack(entry.crc, entry.packed_size, entry.size)
    if room == _DESCRIPTOR.size + 4:
        wanted = _DESCRIPTOR_MAGIC + wanted
    if room != len(wanted) or os.pread(handle, room, position) != wanted:
        raise ZipDescriptorMismatch(entry.path)
    return len(wanted)
