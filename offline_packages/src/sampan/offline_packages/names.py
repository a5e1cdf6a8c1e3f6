"""Which paths a package may hold (W3C MiniApp Packaging, "File names"), and when two of them clash.

The draft bans the full stop outright, which would ban `manifest.json`; its source (EPUB OCF) bans it as the
last character, and so do we. `?` is banned with it, as there, because no URL path can carry it.
"""

import re
import unicodedata
from collections.abc import Iterable

from sampan.offline_packages.limits import MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES
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
    PathTooDeep,
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
    if len(names) > MAX_DEPTH:
        raise PathTooDeep(path, limit=MAX_DEPTH)


def clash_key(name: str) -> str:
    """Return what two names share when a file system that folds case or accents would take them for one.

    Canonical caseless matching, Unicode Standard definition D145: NFD, full case folding, NFD.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def check_no_clash(files: Iterable[str], empty_folders: Iterable[str] = ()) -> None:
    """Refuse two equal paths, two that fold to one (in any folder on the way), and a file that is a folder."""
    tree = _Tree()
    for folder in empty_folders:
        tree.enter(folder.split("/"))
    for path in files:
        tree.add_file(path)


class _Tree:
    """Every name once, under the number of its folder: memory grows with the names, not with the paths."""

    def __init__(self) -> None:
        self._folders: dict[tuple[int, str], tuple[int, str]] = {}
        self._files: dict[tuple[int, str], str] = {}
        self._count = 0

    def enter(self, names: list[str]) -> int:
        """Return the number of the folder with these names, made now if need be; 0 is the root."""
        number = 0
        for depth, name in enumerate(names, 1):
            key = (number, clash_key(name))
            if key in self._files:
                raise PathFileAndFolder("/".join(names[:depth]))
            number, known = self._folders.setdefault(key, (len(self._folders) + 1, name))
            if known != name:
                raise PathClash("/".join(names[:depth]), other="/".join([*names[: depth - 1], known]))
        return number

    def add_file(self, path: str) -> None:
        """Note a file, once."""
        *folders, name = path.split("/")
        key = (self.enter(folders), clash_key(name))
        if key in self._folders:
            raise PathFileAndFolder(path)
        known = self._files.setdefault(key, path)
        if known != path:
            raise PathClash(path, other=known)
        if len(self._files) == self._count:
            raise PathDuplicate(path)
        self._count = len(self._files)


def is_inner_path(text: str) -> bool:
    """Whether `text` can name a page or folder: a path of the package, without scheme, query or fragment."""
    if not text or any(sign in text for sign in "?#%:"):
        return False
    try:
        check_path(text)
    except PackageRefused:
        return False
    return True
