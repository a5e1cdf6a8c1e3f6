"""What a person is asked for to sign in, in the order of every sign-in page: address, password, one-time code."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from sampan.platform.errors import SampanError

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

CODE = "One-time code (six digits of your authenticator)"
REFUSED = "sign_in_refused"
TRIES = 3


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line or the environment gave; the rest is asked for."""

    email: str | None
    password: str | None
    totp: str | None

    @property
    def is_complete(self) -> bool:
        """Whether nobody has to be asked."""
        return None not in (self.email, self.password, self.totp)


def signed_in_with(api: "Api", given: Given, note: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    """Sign in, asking for what was not given, and return the address and the server's answer.

    A person whose code was refused is asked for another one, and only if they want for the password; what the
    command line gave is never asked for again.
    """
    email = given.email or asked("E-mail")
    password = given.password or asked("Password", hidden=True)
    whole = Given(email, password, given.totp or asked(CODE))
    for _ in range(TRIES - 1):
        try:
            return email, _sign_in(api, whole)
        except SampanError as problem:
            if problem.code != REFUSED or given.totp is not None or not sys.stdin.isatty():
                raise
            note(f"{problem.detail} (Enter alone asks for the password again.)")
        whole = _mended(whole, given)
    return email, _sign_in(api, whole)


def fresh_factor(give: Callable[[str], object]) -> None:
    """Ask for a fresh code and give it; a refused one is asked for again."""
    sys.stderr.write("This act wants a fresh code.\n")
    for _ in range(TRIES - 1):
        try:
            give(asked(CODE))
        except SampanError as problem:
            if problem.code != REFUSED:
                raise
            sys.stderr.write(f"{problem.detail}\n")
        else:
            return
    give(asked(CODE))


def asked(title: str, *, hidden: bool = False, is_new: bool = False) -> str:
    """Return what the person at the terminal answers; raise a usage error where nobody can be asked."""
    if not sys.stdin.isatty():
        option = {"E-mail": "--email", "Password": "SAMPAN_PASSWORD"}.get(title, "--totp" if title == CODE else "")
        raise typer.BadParameter(
            f"{title} is needed and nobody can be asked here" + (f"; give {option}" if option else "")
        )
    answer: str = typer.prompt(title, hide_input=hidden, confirmation_prompt=is_new, err=True)
    return answer


def _mended(whole: Given, given: Given) -> Given:
    code: str = typer.prompt(CODE, default="", show_default=False, err=True)
    if code:
        return replace(whole, totp=code)
    return replace(whole, password=given.password or asked("Password", hidden=True), totp=asked(CODE))


def _sign_in(api: "Api", whole: Given) -> dict[str, Any]:
    body = {"email": whole.email, "password": whole.password, "totp": whole.totp, "kind": "bearer"}
    found: dict[str, Any] = api.post("/session", body)
    return found
