"""HTTP as the device speaks it: one request, one bounded answer, problems as errors with the server's own code."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sampan.platform.errors import SampanError, Unavailable

MAX_ANSWER_BYTES = 16 * 1024 * 1024


class ServerAway(Unavailable):
    """No answer, or none that HTTP knows; what is installed keeps opening."""

    code = "server_away"


class ServerSaysNo(SampanError):
    """A refusal under the server's own code; `retry_after_seconds` in the facts when the server named it."""

    def __init__(self, status: int, code: str, detail: str, **facts: Any) -> None:
        super().__init__(detail, **facts)
        # Of this one answer, not of the class: the server's own status and code.
        self.__dict__.update(status=status, code=code)


class AnswerUnreadable(SampanError):
    """The server's answer is not what the protocol says."""

    status = 502
    code = "answer_unreadable"
    title = "The answer cannot be read"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def raise_for_problem(self) -> "Answer":
        """Return itself when the status is below 400, else raise `ServerSaysNo`."""
        if self.status < http.HTTPStatus.BAD_REQUEST:
            return self
        try:
            problem = json.loads(self.body)
            code, detail = str(problem.pop("code")), str(problem.pop("detail"))
        except (ValueError, KeyError, AttributeError, TypeError):
            code, detail, problem = "foreign_answer", "A status without a problem document; is a proxy between?", {}
        for name in ("type", "title", "status"):
            problem.pop(name, None)
        raise ServerSaysNo(self.status, code, detail, **{str(name): value for name, value in problem.items()})


class Calls:
    """One workspace of one server. A connection for each call: a device makes few, far apart."""

    def __init__(self, server: str, workspace: str, *, timeout_seconds: float = 20) -> None:
        """`server` is the address that devices are built with, `https://bank.example`."""
        self.server = server.rstrip("/")
        self.workspace = workspace
        self._timeout_seconds = timeout_seconds

    def url(self, path: str) -> str:
        """Return the address of a call, as proofs must name it."""
        return f"{self.server}/w/{self.workspace}{path}"

    def send(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return its answer, whatever the status; raise `ServerAway`."""
        parts = urlsplit(self.url(path))
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        sent = {**({"content-type": "application/json"} if body is not None else {}), **(headers or {})}
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout_seconds)
        try:
            connection.request(method, parts.path, content, sent)
            with connection.getresponse() as answer:
                data = answer.read(MAX_ANSWER_BYTES + 1)
                if len(data) > MAX_ANSWER_BYTES:
                    raise AnswerUnreadable(f"More than {MAX_ANSWER_BYTES} bytes came for {path}.")
                found = {name.lower(): value for name, value in answer.getheaders()}
                return Answer(answer.status, found, data)
        except (OSError, http.client.HTTPException) as problem:
            raise ServerAway(f"No answer from {self.server}: {problem or type(problem).__name__}.") from problem
        finally:
            connection.close()
