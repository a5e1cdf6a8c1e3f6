"""What commands print: text for people, one JSON object for programs; exit statuses (docs/operations/cli.md)."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any, NoReturn

from msgspec import Struct

from sampan.platform.errors import SampanError


class ExitCode(IntEnum):
    """The documented exit statuses."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_ALLOWED = 3
    UNREACHABLE = 4
    NOT_TRUSTED = 5
    FINDINGS = 6
    INTERRUPTED = 130


# What a terminal obeys, what turns a line around, and halves of characters: others wrote much of what is printed.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Output(Struct, frozen=True):
    """Prints results on standard output and progress on standard error."""

    as_json: bool = False

    def result(self, value: Mapping[str, Any], text: str) -> None:
        """Print a command's result: `value` with --json, else `text`."""
        sys.stdout.write(_safe(json.dumps(value, ensure_ascii=False) if self.as_json else text) + "\n")

    def note(self, text: str) -> None:
        """Print a line of progress for people."""
        if not self.as_json:
            sys.stderr.write(_safe(text) + "\n")


def fail_with(error: SampanError) -> NoReturn:
    """Print a refusal and exit with the status of its family."""
    as_json = "--json" in sys.argv
    if as_json:
        sys.stdout.write(json.dumps({"code": error.code, "detail": error.detail, **error.facts}, default=str) + "\n")
    else:
        sys.stderr.write(_safe(f"sampan: {told(error)}") + "\n")
    sys.exit(exit_code_of(error))


def lined(lines: Iterable[str]) -> str:
    """Return lines as one text; each stays one line, so that nobody's words pass for lines of ours."""
    return "\n".join(" ".join(each.splitlines()) for each in lines)


def _safe(text: str) -> str:
    """Write out what would be obeyed; in JSON that is the same value."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def said(code: str) -> str:
    """Return a state or a cause for people: `in_review` is read as words."""
    return code.replace("_", " ")


def moment(at_ms: int) -> str:
    """Return a time for people, in this machine's own time zone."""
    return f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%Y-%m-%d %H:%M %Z}"


def told(error: SampanError) -> str:
    """Return a refusal for people; a refusal of single fields has each field on a line of its own."""
    places = error.facts.get("errors")
    # Other refusals have one place at most, and their own sentence says more than the place does.
    if (
        error.code != "invalid_body"
        or not isinstance(places, list)
        or not all(isinstance(each, dict) and "message" in each for each in places)
    ):
        return f"{error.detail} ({error.code})"
    lines = [f"  {_field(str(each.get('field', '')))}: {each['message']}" for each in places]
    return "\n".join([f"The server does not accept the request. ({error.code})", *lines])


def _field(way: str) -> str:
    """Return a field without the part of the request that it came in: people gave arguments and options."""
    first, _, rest = way.partition(".")
    return rest if rest and first in ("body", "query", "path") else way


def exit_code_of(error: SampanError) -> ExitCode:
    """Return the exit status of a refusal, by the family of its HTTP status."""
    from sampan.offline_packages.trust_errors import TrustRefused

    if isinstance(error, TrustRefused):
        return ExitCode.NOT_TRUSTED
    if error.status in (401, 403):
        return ExitCode.NOT_ALLOWED
    return ExitCode.UNREACHABLE if error.status >= 500 else ExitCode.REFUSED
