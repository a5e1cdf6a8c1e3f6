"""The console API as commands call it: JSON in, JSON out, problems as errors."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import httpx2

from sampan.platform.cli.home import SignIn, signed_in
from sampan.platform.errors import SampanError, Unavailable

TIMEOUT_SECONDS = 60.0
KEPT_SECONDS = 2.0
"""An idle connection is used again no later: servers close theirs after five seconds and more, and a request
on its way to one that is being closed is lost."""
CHUNK_BYTES = 256 * 1024
ITEMS_PER_CALL = 200
FACTOR_NEEDED = "second_factor_needed"


class ServerRefused(SampanError):
    """A refusal of the server, under the server's own code."""

    def __init__(self, status: int, code: str, detail: str, **facts: Any) -> None:
        super().__init__(detail, **facts)
        # Of this one answer, not of the class: the server's own status and code.
        self.__dict__.update(status=status, code=code)


class ServerUnreachable(Unavailable):
    """No answer from the server."""

    code = "server_unreachable"


class Api:
    """Calls the console API of one workspace."""

    def __init__(self, server: str, workspace: str, *, secret: str = "") -> None:
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        self.site = f"{server.rstrip('/')}/w/{workspace}"
        self._http = httpx2.Client(
            base_url=f"{self.site}/console/api/v1",
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS),
        )

    @classmethod
    def of(cls, sign_in: SignIn) -> "Api":
        """Return the API as the signed-in person calls it."""
        return cls(sign_in.server, sign_in.workspace, secret=sign_in.secret)

    def close(self) -> None:
        """Close the connections; a command's own end does the same."""
        self._http.close()

    def get(self, path: str, /, **query: Any) -> Any:
        """GET and return the JSON answer."""
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def items(self, path: str, /, **query: Any) -> list[Any]:
        """GET all pages of a list and return their items."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            answer = self.get(path, **query, cursor=cursor, limit=ITEMS_PER_CALL)
            found += answer["items"]
            cursor = answer["next_cursor"]
            if cursor is None:
                return found

    def text(self, path: str) -> str:
        """GET an answer that is no JSON, such as CSV."""
        return self._answer("GET", path).text

    def data(self, path: str) -> bytes:
        """GET an answer as its very bytes."""
        return self._answer("GET", path).content

    def download(self, path: str, out: Path) -> None:
        """GET an answer's bytes into a file."""
        try:
            with self._http.stream("GET", path) as answer, out.open("wb") as file:
                if answer.status_code >= 400:
                    answer.read()
                    raise _refusal(answer)
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    file.write(chunk)
        except httpx2.TransportError as problem:
            raise ServerUnreachable(f"No answer from {self._http.base_url}: {problem}.") from problem

    def post(self, path: str, body: Any = None) -> Any:
        """POST a JSON body and return the JSON answer."""
        return self._call("POST", path, json=body if body is not None else {})

    def put(self, path: str, body: Any) -> Any:
        """PUT a JSON body and return the JSON answer."""
        return self._call("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        """PATCH a JSON body and return the JSON answer."""
        return self._call("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        """DELETE and return the JSON answer."""
        return self._call("DELETE", path)

    def upload(self, path: str, source: Path, progress: Any = None) -> Any:
        """POST a file's bytes; `progress(count)` is called with every chunk's size."""

        def chunks(file: IO[bytes]) -> Iterator[bytes]:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                if progress is not None:
                    progress(len(chunk))

        headers = {"content-length": str(source.stat().st_size), "content-type": "application/octet-stream"}
        with source.open("rb") as file:
            return self._call("POST", path, content=chunks(file), headers=headers)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = self._answer(method, path, **options)
        return answer.json() if answer.content else None

    def _answer(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx2.TransportError as problem:
            raise ServerUnreachable(
                f"No answer from {self._http.base_url}: {problem}. Is the server running, is the address right?"
            ) from problem
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer


class PersonsApi(Api):
    """The console API as a person's commands call it: who sits at a terminal is asked when an act wants a fresh code.

    An act that was refused for want of a code was not carried out, so it is sent again as it was.
    """

    def _answer(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            return super()._answer(method, path, **options)
        except ServerRefused as problem:
            if problem.code != FACTOR_NEEDED:
                raise
            if not sys.stdin.isatty():
                raise ServerRefused(problem.status, problem.code, _confirm_first(), **problem.facts) from problem
        from sampan.platform.cli.sign_in_prompts import fresh_factor

        fresh_factor(lambda code: super(PersonsApi, self)._answer("POST", "/session/totp", json={"totp": code}))
        return super()._answer(method, path, **options)


def _confirm_first() -> str:
    profile = os.environ.get("SAMPAN_PROFILE")
    command = f"sampan --profile {profile} confirm" if profile else "sampan confirm"
    return (
        "This act wants a one-time code that was given in the last five minutes, and nobody can be asked here. "
        f"Give one with `{command} --totp CODE`, then give this command again."
    )


def current_api() -> Api:
    """Return the API for whoever is signed in here."""
    return PersonsApi.of(signed_in())


def _refusal(answer: httpx2.Response) -> SampanError:
    try:
        problem = answer.json()
        code, detail = str(problem.pop("code")), str(problem.pop("detail"))
    except (ValueError, KeyError, AttributeError, TypeError):
        text = f"The server answered {answer.status_code} in a form that is not ours; is a proxy between?"
        return ServerRefused(answer.status_code, "foreign_answer", text)
    for name in ("type", "title", "status"):
        problem.pop(name, None)
    return ServerRefused(answer.status_code, code, detail, **problem)
