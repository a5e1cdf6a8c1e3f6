"""What the options of `sampan hotfix make` change, file by file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from sampan.offline_packages.hotfix import Change, Hotfix, make_hotfix
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
    guessed: Sequence[str] = ()
    """Those whose path was taken from where the file lies, without a folder that was named."""

    def changes(self, present: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Return what each file becomes, None for one taken away; raise a refusal that says what to do.

        `present` are the files as they are now.
        """
        for path in (*self.removed, *self.operations):
            if path not in present:
                raise HotfixOption(f"There is no file {path} in this version. {_near(path, present)}")
        for path in self.guessed:
            if (inner := _inside(path, present)) is not None:
                file = self.contents[path]
                raise HotfixOption(
                    f"There is no file {path} in this version, but {inner}. Name the folder that the app lies in with "
                    f"--folder {path.removesuffix(f'/{inner}')}, or add a new file with --set {path}={file}."
                )
        new: dict[str, bytes | None] = {path: _read(file) for path, file in self.contents.items()}
        new |= {path: patched(path, present[path], _read(file)) for path, file in self.operations.items()}
        new |= dict.fromkeys(self.removed)
        return new


def wanted(
    folder: Path | None, files: Sequence[Path], sets: Sequence[str], deletes: Sequence[str], patches: Sequence[str]
) -> Wanted:
    """Return what the options ask for; raise `HotfixOption`.

    `files` lie below `folder`, by itself the present one, and replace what has the same path in the package. `sets`
    and `patches` are `path=file`.
    """
    lying = [(_inner(folder or Path(), file), file) for file in files]
    given = lying + [_pair(each, "--set") for each in sets]
    operations = [_pair(each, "--json-patch") for each in patches]
    named = [*(path for path, _ in given), *deletes, *(path for path, _ in operations)]
    if not named:
        raise HotfixOption("Say what changes: files, --set PATH=FILE, --delete PATH or --json-patch PATH=FILE.")
    for path in named:
        if named.count(path) > 1:
            raise HotfixOption(f"{path} is named twice; what is it to become?")
    guessed = tuple(path for path, _ in lying) if folder is None else ()
    return Wanted(dict(given), tuple(deletes), dict(operations), guessed)


def made(place: Place, app_id: str, sequence: int, asked: Wanted, *, n: int, on: Sequence[int]) -> tuple[Hotfix, bytes]:
    """Return hotfix `n` and its content, on the version as it is signed, with the hotfixes `on` applied.

    Raises a `HotfixRefused`, `HotfixOption`, `JsonPatchUnfit`, `FileUnreadable`, a `TrustRefused` or `Unreachable`.
    """
    with fetched_base(place, app_id, sequence, on) as base, base.files() as present:
        changes = asked.changes(present)
        if all(present.get(path) == data for path, data in changes.items()):
            raise HotfixOption(f"Nothing changes: {app_id} {sequence} has exactly these files.")
        return make_hotfix(base.index, base.digest, present, changes, n=n, on=on)


def _inside(path: str, present: Mapping[str, bytes]) -> str | None:
    """Return the longest end of a path that is a file of the version, when the path itself is none."""
    parts = path.split("/")
    ends = ("/".join(parts[number:]) for number in range(1, len(parts)))
    return None if path in present else next((end for end in ends if end in present), None)


def change_line(change: Change) -> str:
    """Return what becomes of a file, for people."""
    what = "new in this version" if change.before is None else "taken away" if change.after is None else "changed"
    return f"  {change.path}  {what}"


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
