"""RFC 9457 problem+json: the one form in which every error leaves the server.

`code` is stable and listed in docs/errors.md, `detail` tells people what to do, `trace_id` finds the log line.
Unexpected exceptions say nothing about the inside.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler, Send

from sampan.platform.errors import Invalid, NotFound, SampanError
from sampan.platform.logs import current_trace_id

MEDIA_TYPE = "application/problem+json"


class InvalidBody(Invalid):
    """The body, the query or the path does not have the described form; `errors` lists the places."""

    code = "invalid_body"


class RouteNotFound(NotFound):
    """No route under this path."""

    code = "route_not_found"


class MethodNotAllowed(SampanError):
    """The path exists, the method does not; `Allow` lists those that do."""

    status = 405
    code = "method_not_allowed"
    title = "This method is not offered here"


class InternalError(SampanError):
    """A fault of ours; the log has it under the trace id."""

    status = 500
    code = "internal_error"
    title = "The server failed"


def internal_error() -> InternalError:
    """Return the error that stands for any unexpected exception."""
    return InternalError("The server made a mistake. It is logged under this trace id; please report it.")


def problem_bytes(error: SampanError) -> bytes:
    """Return the problem+json body of an error."""
    body = {
        **_blamed(error),
        **error.facts,
        "type": f"urn:sampan:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "trace_id": current_trace_id(),
    }
    try:
        return orjson.dumps(body, default=str)
    except TypeError:
        # A sentence that quotes half a surrogate pair from a request: the standard library escapes it.
        return json.dumps(body, default=str).encode()


def _blamed(error: SampanError) -> dict[str, Any]:
    """Return `errors` with the one place that a use case blames, in the form of `InvalidBody`, for forms."""
    field = error.facts.get("field") or error.field
    if not field:
        return {}
    way = field if field.partition(".")[0] in ("body", "query", "path") else f"body.{field}"
    return {"errors": [{"field": way, "code": error.code, "message": error.detail}]}


def problem_headers(error: SampanError) -> dict[str, str]:
    """Return the headers that go with an error."""
    headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
    if "retry_after_seconds" in error.facts:
        headers["retry-after"] = str(error.facts["retry_after_seconds"])
    if "allow" in error.facts:
        headers["allow"] = str(error.facts["allow"])
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return headers


def problem_response(error: SampanError, extra: Mapping[str, str] | None = None) -> Response:
    """Return the error as a Starlette response."""
    return Response(problem_bytes(error), error.status, {**problem_headers(error), **(extra or {})})


async def send_problem(send: Send, error: SampanError) -> None:
    """Send the error over raw ASGI."""
    body = problem_bytes(error)
    headers = [(name.encode(), value.encode()) for name, value in problem_headers(error).items()]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _on_sampan_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SampanError)  # noqa: S101 - registered for this type alone
    return problem_response(error)


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 404:
        return problem_response(RouteNotFound("There is nothing under this path; check it against the documentation."))
    if error.status_code == 405:
        allowed = headers.get("allow", "")
        return problem_response(MethodNotAllowed(f"This path answers {allowed}.", allow=allowed), headers)
    problem = SampanError(str(error.detail))
    return Response(problem_bytes(problem), error.status_code, {**problem_headers(problem), **headers})


async def _on_unexpected(_request: Request, _error: Exception) -> Response:
    return problem_response(internal_error())


HANDLERS: Mapping[Any, ExceptionHandler] = {
    SampanError: _on_sampan_error,
    HTTPException: _on_http_exception,
    Exception: _on_unexpected,
}
