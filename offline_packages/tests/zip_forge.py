"""Builds ZIP files, right ones and any kind of wrong one: every field of every header can be set."""

import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

MANIFEST = (
    b'{"app_id":"com.example.a","name":"A","icons":[],"pages":["pages/home"],'
    b'"version":{"code":1,"name":"1.0.0"},"platform_version":{"min_code":1}}'
)
LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")


@dataclass(frozen=True)
class Entry:
    """One file as it shall stand in the ZIP; `local` and `central` override single header fields by name."""

    name: bytes
    content: bytes = b""
    is_deflated: bool = True
    packed: bytes | None = None
    descriptor: bytes | None = None
    attributes: int = 0
    flags: int = 0x0800
    extra: bytes = b""
    gap: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the packed content."""
        if self.packed is not None:
            return self.packed
        if not self.is_deflated:
            return self.content
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(self.content) + packer.flush()

    def fields(self) -> dict[str, Any]:
        """Return what both headers say when nothing overrides it."""
        return {
            "version": 20,
            "flags": self.flags,
            "method": 8 if self.is_deflated else 0,
            "crc": zlib.crc32(self.content),
            "packed": len(self.body()),
            "size": len(self.content),
            "name": self.name,
            "extra": self.extra,
            "disk": 0,
            "attributes": self.attributes,
        }


def good_files() -> dict[bytes, bytes]:
    """Return the smallest package that is accepted."""
    page = b"<!doctype html><title>Home</title>"
    return {b"manifest.json": MANIFEST, b"app.js": b"", b"app.css": b"", b"pages/home.html": page}


def good_entries(*others: Entry, **changes: Any) -> list[Entry]:
    """Return the entries of that package, with `changes` to pages/home.html, and then `others`."""
    entries = [Entry(name, content) for name, content in good_files().items()]
    return [*entries[:-1], replace(entries[-1], **changes), *others]


def forge(entries: list[Entry], *, before: bytes = b"", after: bytes = b"", comment: bytes = b"", **end: int) -> bytes:
    """Return a ZIP of `entries`; `end` overrides fields of the end record (count, disk, size, offset)."""
    data, directory = bytearray(before), bytearray()
    for entry in entries:
        said = entry.fields()
        one, two = {**said, **entry.local}, {**said, "offset": len(data), **entry.central}
        data += LOCAL.pack(
            b"PK\x03\x04", one["version"], one["flags"], one["method"], 0, 0x21,
            one["crc"], one["packed"], one["size"], len(one["name"]), len(one["extra"]),
        )  # fmt: skip
        data += one["name"] + one["extra"] + entry.body() + (entry.descriptor or b"") + entry.gap
        directory += CENTRAL.pack(
            b"PK\x01\x02", 3 << 8 | 20, two["version"], two["flags"], two["method"], 0, 0x21,
            two["crc"], two["packed"], two["size"], len(two["name"]), len(two["extra"]), 0,
            two["disk"], 0, two["attributes"], two["offset"],
        )  # fmt: skip
        directory += two["name"] + two["extra"]
    count = end.get("count", len(entries))
    data += directory + END.pack(
        b"PK\x05\x06", end.get("disk", 0), 0, count, count,
        end.get("size", len(directory)), end.get("offset", len(data)), len(comment),
    )  # fmt: skip
    return bytes(data + comment + after)


def forge_files(files: dict[bytes, bytes]) -> bytes:
    """Return an ordinary deflated ZIP of `files`."""
    return forge([Entry(name, content) for name, content in files.items()])
