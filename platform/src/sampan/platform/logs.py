"""Log lines: JSON on standard error, each with the trace id of its request, and never with a secret.

Names of secret fields are known here and their values are masked however deep they lie; what looks like a
token is masked inside sentences too. That is a net below careful code, not a licence to log bodies.
"""

import json
import logging
import random
import re
import sys
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TextIO

import orjson

from sampan.platform.access_log import AccessLog, access_line

__all__ = ["AccessLog", "Log", "access_line", "configure", "current_trace_id", "masked", "start_trace", "trace_id_from"]

OWN_LINES = "sampan"
TRACE_ID: ContextVar[str] = ContextVar("trace_id", default="")

MASK = "***"
MAX_DEPTH = 8

# A field is secret when one of its words is; `bus_key` and the like are listed because they are not.
_SECRET_WORDS = frozenset(
    (
        "password", "passwd", "passphrase", "pin", "totp", "token", "code", "otp", "secret", "key",
        "authorization", "cookie", "phone", "credential",
    )
)  # fmt: skip
_HARMLESS = frozenset(
    (
        "bus_key", "cache_key", "object_key", "key_id", "token_id", "public_key",
        "status_code", "error_code", "exit_code",
    )
)  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Each alternative begins where no other begin can lie inside its match: strangers choose texts, and must not make
# the search quadratic.
_TOKEN_TEXT = re.compile(
    r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?i:\b(?:bearer|basic|dpop) )[\w.~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*"
)
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.DOTALL)


def new_trace_id() -> str:
    """Return a fresh trace id: 16 random bytes in hex, as W3C Trace Context wants them.

    It need not be secret, and the system's generator would cost each request a system call.
    """
    return f"{random.getrandbits(128):032x}"


def trace_id_from(traceparent: bytes | str | None) -> str:
    """Return the trace id of a `traceparent` header (W3C Trace Context 1), or a fresh one when it is not valid."""
    if not traceparent:
        return new_trace_id()
    text = traceparent.decode("latin-1") if isinstance(traceparent, bytes) else traceparent
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return new_trace_id()
    version, trace_id, parent_id, rest = match.groups()
    is_valid = version != "ff" and (version != "00" or rest is None) and trace_id.strip("0") and parent_id.strip("0")
    return trace_id if is_valid else new_trace_id()


def start_trace(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Take the trace id of a request from its raw ASGI headers, or make one; log lines carry it from here on."""
    for name, value in headers:
        if name == b"traceparent":
            trace_id = trace_id_from(value)
            break
    else:
        trace_id = new_trace_id()
    TRACE_ID.set(trace_id)
    return trace_id


def current_trace_id() -> str:
    """Return the trace id of the request that is being answered; empty outside of requests."""
    return TRACE_ID.get()


def is_secret_name(name: str) -> bool:
    """Whether the value of a field of this name is kept out of logs."""
    words = [word.lower() for word in _WORD.findall(name)]
    if "_".join(words) in _HARMLESS:
        return False
    return any(word in _SECRET_WORDS or word.removesuffix("s") in _SECRET_WORDS for word in words)


def masked(value: object, depth: int = 0) -> object:
    """Return `value` with secrets replaced, at any depth down to `MAX_DEPTH`, below which all is replaced."""
    if isinstance(value, str):
        return _TOKEN_TEXT.sub(MASK, value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return MASK
    if isinstance(value, Mapping):
        return {
            str(name): MASK if is_secret_name(str(name)) else masked(item, depth + 1) for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    return _TOKEN_TEXT.sub(MASK, str(value))


class Log:
    """Writes the lines of one part of the program: what happened, in a word, and the facts by their names.

    A thin face of the standard library's logging, so that our lines and the libraries' go one way.
    """

    def __init__(self, part: str) -> None:
        self._logger = logging.getLogger(f"{OWN_LINES}.{part}")

    def debug(self, event: str, **facts: object) -> None:
        """Tell what helps in finding a fault."""
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        """Tell what is normal and rare."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """Tell what somebody should look at."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, *, problem: BaseException | None = None, **facts: object) -> None:
        """Tell what failed."""
        self._write(logging.ERROR, event, facts, problem)

    def exception(self, event: str, **facts: object) -> None:
        """Tell what failed, with the exception that is being handled."""
        self._write(logging.ERROR, event, facts, sys.exception())

    def _write(self, level: int, event: str, facts: dict[str, object], problem: BaseException | None = None) -> None:
        self._logger.log(level, event, exc_info=problem, extra={"facts": facts})


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send all log lines, ours and the libraries', as JSON to `stream` (standard error); call it once at start."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLine())
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.INFO))  # libraries at debug level print bodies and statements
    logging.getLogger(OWN_LINES).setLevel(number)
    for name in ("alembic", "tuf"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at info level they tell of every normal step
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"  # access lines are written by access_log


class _JsonLine(logging.Formatter):
    """One line: event, part of the program, level, time, trace id, the facts, and the traceback of a failure."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "at_ms": time.time_ns() // 1_000_000,
        }
        if trace_id := TRACE_ID.get():
            line["trace_id"] = trace_id
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _render(masked(line))


def _render(line: object) -> str:
    try:
        return orjson.dumps(line).decode()
    except TypeError:  # a lone surrogate or a number beyond 64 bits, which the standard library escapes
        return json.dumps(line)
