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
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from sampan.platform.access_log import AccessLog, access_line

__all__ = ["AccessLog", "access_line", "configure", "current_trace_id", "masked", "start_trace", "trace_id_from"]

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


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send all log lines, ours and the libraries', as JSON to `stream` (standard error); call it once at start."""
    out = stream or sys.stderr
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _add_time_and_trace,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [_mask_event, _render]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *first],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.INFO))  # libraries at debug level print bodies and statements
    for name in ("alembic", "tuf"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at info level they tell of every normal step
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"  # access lines are written by access_log


def _add_time_and_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["at_ms"] = time.time_ns() // 1_000_000
    trace_id = TRACE_ID.get()
    if trace_id:
        event.setdefault("trace_id", trace_id)
    return event


def _mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    hidden: Any = masked(event)
    return dict(hidden)


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # a lone surrogate or a number beyond 64 bits, which the standard library escapes
        return json.dumps(event)
