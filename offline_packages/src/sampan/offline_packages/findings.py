"""What an automatic check says: a stable code, how grave it is, where, and a sentence for the publisher."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """An error stops the version; a warning is shown to the reviewer; an information is only kept."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Struct, frozen=True, kw_only=True):
    """One result of a check. `file` and `line` (from 1) are there when the finding has a place."""

    code: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None


MAX_FINDINGS_PER_FILE = 200
"""More would help nobody; `findings_cut` says that there are more."""


def findings_cut(file: str) -> Finding:
    """Return the finding which says that a file has more findings than are told."""
    message = f"Only the first {MAX_FINDINGS_PER_FILE} findings of this file are told."
    return Finding(code="findings_cut", severity=Severity.WARNING, message=message, file=file)


class Lines:
    """Line numbers of rising positions in one text, counted once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line = 1

    def at(self, position: int) -> int:
        """Return the line of `position`, which must not lie before the last one asked for."""
        self._line += self._text.count("\n", self._position, position)
        self._position = position
        return self._line
