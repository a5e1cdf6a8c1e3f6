"""Errors that a caller sees: a stable code, a sentence that says what to do, and extra facts.

Raise a named subclass at the rule that refuses. One handler (`app.py`) renders them as RFC 9457
problem+json; nothing here knows HTTP beyond the status number of each family.
"""

from typing import Any, ClassVar


class SampanError(Exception):
    """The base of every refusal. Subclasses set `code`; `detail` is a sentence for people.

    `field` is the member of the request's body that is to blame, in points, empty when none is; a fact of the same
    name says it for one refusal alone, and may name a parameter too, as `query.cursor`.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = "The request cannot be carried out"
    field: ClassVar[str] = ""

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts: dict[str, Any] = facts


class Invalid(SampanError):
    """The input breaks a rule; `field` in the facts names the place when there is one."""

    status = 422
    code = "invalid"
    title = "The input is not valid"


class Unauthorized(SampanError):
    """No credentials, or credentials that do not hold."""

    status = 401
    code = "unauthorized"
    title = "Sign in first"


class Forbidden(SampanError):
    """Known caller, missing right."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(SampanError):
    """No such thing in this workspace."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(SampanError):
    """The thing is in a state that does not allow this."""

    status = 409
    code = "conflict"
    title = "In conflict with the present state"


class TooLarge(SampanError):
    """The body or one of its parts is over a limit."""

    status = 413
    code = "too_large"
    title = "Too large"


class TooMany(SampanError):
    """A rate or a count is over its limit; `retry_after_seconds` in the facts says when to come back."""

    status = 429
    code = "too_many"
    title = "Too many requests"


class Unavailable(SampanError):
    """The server cannot answer now; `retry_after_seconds` in the facts says when to come back."""

    status = 503
    code = "unavailable"
    title = "Not available now"
