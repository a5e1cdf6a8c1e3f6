"""The file that carries a hotfix from the machine that made it to the one that signs it.

A ZIP, stored, of `hotfix.json` (the document that gets signed) and `hotfix.bin` (the new contents); see
docs/protocols/hotfix.md. The same hotfix gives the same bytes.
"""

import zipfile
from pathlib import Path

from sampan.offline_packages.hotfix import (
    MAX_CONTENT_BYTES,
    MAX_DOCUMENT_BYTES,
    Hotfix,
    HotfixMalformed,
    parse_hotfix,
)
from sampan.platform.cli.given_files import FileUnreadable

DOCUMENT, CONTENT = "hotfix.json", "hotfix.bin"


def write_hotfix(path: Path, hotfix: Hotfix, content: bytes) -> None:
    """Write the file, whole; raise `FileUnreadable` when the place takes none."""
    try:
        with zipfile.ZipFile(path, "w") as made:
            for name, data in ((DOCUMENT, hotfix.to_bytes()), (CONTENT, content)):
                made.writestr(zipfile.ZipInfo(name), data)
    except OSError as problem:
        raise FileUnreadable(f"{path} cannot be written: {problem.strerror}. Name another one with --out.") from problem


def read_hotfix(path: Path) -> tuple[Hotfix, bytes]:
    """Return document and content; raise `FileUnreadable` or a `HotfixRefused`."""
    try:
        with zipfile.ZipFile(path) as found:
            document, content = _part(found, DOCUMENT, MAX_DOCUMENT_BYTES), _part(found, CONTENT, MAX_CONTENT_BYTES)
    except OSError as problem:
        raise FileUnreadable(f"{path} cannot be read: {problem.strerror}. Name another file.") from problem
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as problem:
        raise HotfixMalformed(f"{path} is no file that `sampan hotfix make` wrote. Make it again.") from problem
    hotfix = parse_hotfix(document)
    if len(content) != hotfix.content_bytes:
        raise HotfixMalformed(f"{path} holds other contents than its document tells. Make it again.")
    return hotfix, content


def _part(found: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with found.open(name) as part:
        return part.read(limit + 1)
