"""What the options of `sampan hotfix make` change, file by file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from sampan.offline_packages.hotfix import Hotfix, make_hotfix
from sampan.platform.cli.given_files import FileUnreadable
from sampan.platform.cli.hotfix_base import fetched_base
from sampan.platform.cli.hotfix_json import patched
from sampan.platform.cli.pinned_roots import Place
from sampan.platform.errors import Invalid


class HotfixOption(Invalid):
    """What was asked for on the command line says no change, or two of one file."""

    code = "hotfix_option"


class Wanted(Struct, frozen=True):
    """What was asked for, by the file's path in the package."""

    contents: Mapping[str, Path] = {}
    removed: Sequence[str] = ()
    operations: Mapping[str, Path] = {}

    def changes(self, present: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Return what each file becomes, None for one taken away; raise a refusal that says what to do.

        `present` are the files as they are now.
        """
        for path in (*self.removed, *self.operations):
            if path not in present:
                raise HotfixOption(f"There is no file {path} in this version. {_near(path, present)}")
        new: dict[str, bytes | None] = {path: _read(file) for path, file in self.contents.items()}
        new |= {path: patched(path, present[path], _read(file)) for path, file in self.operations.items()}
        new |= dict.fromkeys(self.removed)
        return new


def wanted(
    folder: Path, files: Sequence[Path], sets: Sequence[str], deletes: Sequence[str], patches: Sequence[str]
) -> Wanted:
    """Return what the options ask for; raise `HotfixOption`.

    `files` lie below `folder`, and replace what has the same path in the package. `sets` and `patches` are
    `path=file`.
    """
    given = [(_inner(folder, file), file) for file in files] + [_pair(each, "--set") for each in sets]
    operations = [_pair(each, "--json-patch") for each in patches]
    named = [*(path for path, _ in given), *deletes, *(path for path, _ in operations)]
    if not named:
        raise HotfixOption("Say what changes: files, --set PATH=FILE, --delete PATH or --json-patch PATH=FILE.")
    for path in named:
        if named.count(path) > 1:
            raise HotfixOption(f"{path} is named twice; what is it to become?")
    return Wanted(dict(given), tuple(deletes), dict(operations))


def made(place: Place, app_id: str, sequence: int, asked: Wanted, *, n: int, on: Sequence[int]) -> tuple[Hotfix, bytes]:
    """Return hotfix `n` and its content, on the version as it is signed, with the hotfixes `on` applied.

    Raises a `HotfixRefused`, `HotfixOption`, `JsonPatchUnfit`, `FileUnreadable`, a `TrustRefused` or `Unreachable`.
    """
    with fetched_base(place, app_id, sequence, on) as base, base.files() as present:
        changes = asked.changes(present)
        if all(present.get(path) == data for path, data in changes.items()):
            raise HotfixOption(f"Nothing changes: {app_id} {sequence} has exactly these files.")
        return make_hotfix(base.index, base.digest, present, changes, n=n, on=on)


def _inner(folder: Path, file: Path) -> str:
    try:
        return file.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as problem:
        raise HotfixOption(
            f"{file} does not lie below {folder}, so its path in the package is not known. Write --set PATH={file}, or "
            "name the app's folder with --folder."
        ) from problem


def _pair(text: str, option: str) -> tuple[str, Path]:
    path, is_pair, file = text.partition("=")
    if not (path and is_pair and file):
        raise HotfixOption(f"Write {option} PATH=FILE: the path in the package, then the file here.")
    return path, Path(file)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise FileUnreadable(f"{file} cannot be read: {problem.strerror}. Name another file.") from problem


def _near(path: str, present: Mapping[str, bytes]) -> str:
    name = path.rpartition("/")[2]
    found = [each for each in present if each.rpartition("/")[2] == name]
    return f"Is {found[0]} meant?" if found else "Paths are those in the package, such as pages/index/index.js."
