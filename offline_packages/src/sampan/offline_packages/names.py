"""Which paths a package may hold (W3C MiniApp Packaging, "File names"), and when two of them clash.

The draft bans the full stop outright, which would ban `manifest.json`; its source (EPUB OCF) bans it as the
last character, and so do we. `?` is banned with it, as there, because no URL path can carry it.
"""

import re
import unicodedata
from collections.abc import Iterable

from sampan.offline_packages.limits import MAX_NAME_BYTES, MAX_PATH_BYTES
from sampan.offline_packages.refusals import (
    NameTooLong,
    PackageRefused,
    PathAbsolute,
    PathBackslash,
    PathCharacter,
    PathClash,
    PathDuplicate,
    PathEndsWithDot,
    PathEscapes,
    PathFileAndFolder,
    PathReserved,
    PathTooLong,
)

RESERVED_FOLDERS = frozenset({"_shared", "_sampan"})
"""Top folders that the container serves itself in an app's origin."""

_BANNED = re.compile(
    '["*:<>?|\x00-\x1f\x7f-\x9f'  # listed signs, C0, DEL, C1
    "\ud800-\udfff"  # lone surrogates have no UTF-8
    "\ue000-\uf8ff"  # private use
    "\ufdd0-\ufdef\ufff0-\uffff"  # non-characters, specials
    "\U000e0001\U000e007f"  # tags named by the draft
    "\U000f0000-\U0010ffff"  # private use planes and their non-characters
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15))
    + "]"
)
_DRIVE = re.compile("[A-Za-z]:")


def check_path(path: str) -> None:
    """Raise the refusal of the first rule that the path of a file breaks; `path` uses `/` between names."""
    if "\\" in path:
        raise PathBackslash(path)
    if path.startswith("/") or _DRIVE.match(path):
        raise PathAbsolute(path)
    names = path.split("/")
    if not all(names) or "." in names or ".." in names:
        raise PathEscapes(path)
    _check_characters(path, names)
    if names[0].casefold() in RESERVED_FOLDERS:
        raise PathReserved(path)


def _check_characters(path: str, names: list[str]) -> None:
    if banned := _BANNED.search(path):
        raise PathCharacter(path, character=f"U+{ord(banned[0]):04X}")
    if any(name.endswith(".") for name in names):
        raise PathEndsWithDot(path)
    if len(path.encode()) > MAX_PATH_BYTES:
        raise PathTooLong(path, limit=MAX_PATH_BYTES)
    if any(len(name.encode()) > MAX_NAME_BYTES for name in names):
        raise NameTooLong(path, limit=MAX_NAME_BYTES)


def clash_key(name: str) -> str:
    """Return what two names share when a file system that folds case or accents would take them for one.

    Canonical caseless matching, Unicode Standard definition D145: NFD, full case folding, NFD.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def check_no_clash(files: Iterable[str], empty_folders: Iterable[str] = ()) -> None:
    """Refuse two equal paths, two that fold to one (in any folder on the way), and a file that is a folder."""
    folders: dict[str, str] = {}
    seen: dict[str, str] = {}
    for folder in empty_folders:
        _note_folders(f"{folder}/", folders)
    for path in files:
        key = clash_key(path)
        if key in seen:
            raise PathDuplicate(path) if seen[key] == path else PathClash(path, other=seen[key])
        seen[key] = path
        _note_folders(path, folders)
    for key, folder in folders.items():
        if key in seen:
            raise PathFileAndFolder(folder)


def _note_folders(path: str, folders: dict[str, str]) -> None:
    folder = path.rpartition("/")[0]
    while folder:
        key = clash_key(folder)
        known = folders.setdefault(key, folder)
        if known != folder:
            raise PathClash(folder, other=known)
        folder = folder.rpartition("/")[0]


def is_inner_path(text: str) -> bool:
    """Whether `text` can name a page or folder: a path of the package, without scheme, query or fragment."""
    if not text or any(sign in text for sign in "?#%:"):
        return False
    try:
        check_path(text)
    except PackageRefused:
        return False
    return True
