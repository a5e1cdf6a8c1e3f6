"""Files that are old or new after a crash, never half: temporary file, fsync, rename, fsync of the folder."""

import os
from collections.abc import Callable
from pathlib import Path

Step = Callable[[str], None]
"""Called with the name of each step as it is done; tests kill the process there."""


def no_step(name: str) -> None:
    """Do nothing at a step."""


def write_atomically(path: Path, data: bytes, *, step: Step = no_step, name: str = "file") -> None:
    """Replace `path` by `data` durably; the steps are `<name>_written` and `<name>_renamed`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    step(f"{name}_written")
    temporary.replace(path)
    step(f"{name}_renamed")
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_or_none(path: Path) -> bytes | None:
    """Return the content of `path`, or None when there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
