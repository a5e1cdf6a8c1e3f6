"""Files that a person names on the command line."""

from pathlib import Path

from sampan.platform.errors import Invalid


class FileUnreadable(Invalid):
    """A file that was named is not there, may not be read, or holds no text."""

    code = "file_unreadable"


def text_of(path: Path) -> str:
    """Return the text in a file that a person named; raise `FileUnreadable`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        cause = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise FileUnreadable(f"{path} cannot be read: {cause}. Name another file.", file=str(path)) from problem
