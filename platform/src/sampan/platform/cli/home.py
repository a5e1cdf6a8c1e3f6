"""Where a person's command line keeps what it needs: which server, who is signed in, trusted roots.

One folder per person (`SAMPAN_HOME`, default `~/.config/sampan`), readable by that person alone. Officers,
publishers and whoever runs the server use folders of their own. Somebody who works in several workspaces keeps each
sign-in under a profile's name (`--profile`, `SAMPAN_PROFILE`).
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from sampan.platform.errors import Invalid, Unauthorized

FOLDER_MODE, FILE_MODE = 0o700, 0o600
PROFILES = "profiles"
PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class BadProfile(Invalid):
    """The name of a profile has other characters than a-z, 0-9 and -."""

    code = "bad_profile"


class NotSignedIn(Unauthorized):
    """The command needs a person, and nobody is signed in here."""

    code = "not_signed_in"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A signed-in person: `server` is the base address, `secret` a bearer session or machine token."""

    server: str
    workspace: str
    email: str
    secret: str

    @property
    def base_url(self) -> str:
        """The address of the workspace on its server."""
        return f"{self.server}/w/{self.workspace}"


def home() -> Path:
    """Return the person's folder, made when it is missing."""
    folder = Path(os.environ.get("SAMPAN_HOME") or Path.home() / ".config" / "sampan")
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    return folder


def remember(sign_in: SignIn) -> None:
    """Store who is signed in, under the profile that SAMPAN_PROFILE names if any."""
    path = _kept(_profile())
    path.parent.mkdir(exist_ok=True, mode=FOLDER_MODE)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w") as file:
        json.dump(asdict(sign_in), file)
    temporary.replace(path)


def forget() -> None:
    """Remove who is signed in."""
    _kept(_profile()).unlink(missing_ok=True)


def signed_in() -> SignIn:
    """Return who is signed in: under the chosen profile; by `SAMPAN_TOKEN` with `SAMPAN_SERVER` (machines); or here."""
    if (profile := _profile()) is not None:
        return signed_in_as(profile)
    token, server = os.environ.get("SAMPAN_TOKEN"), os.environ.get("SAMPAN_SERVER")
    if token and server:
        return SignIn(server.rstrip("/"), os.environ.get("SAMPAN_WORKSPACE", "demo"), "", token)
    path = _kept(None)
    if not path.exists():
        raise NotSignedIn("Nobody is signed in here. Run `sampan login`, or set SAMPAN_TOKEN and SAMPAN_SERVER.")
    return SignIn(**json.loads(path.read_text()))


def signed_in_as(profile: str) -> SignIn:
    """Return who is signed in under a profile; raise `NotSignedIn`."""
    path = _kept(profile)
    if not path.exists():
        raise NotSignedIn(f"Nobody is signed in as {profile!r} here. Run `sampan --profile {profile} login`.")
    return SignIn(**json.loads(path.read_text()))


def all_signed_in() -> list[SignIn]:
    """Return everybody who is signed in here, under whatever profile."""
    paths = [_kept(None), *sorted((home() / PROFILES).glob("*.json"))]
    return [SignIn(**json.loads(path.read_text())) for path in paths if path.exists()]


def check_profile(name: str) -> str:
    """Return a profile's name; raise `BadProfile` for what would be no file name of ours."""
    if PROFILE_NAME.fullmatch(name) is None:
        raise BadProfile(f"{name!r} is no profile: 1 to 32 of a-z, 0-9 and -, such as uat.")
    return name


def _profile() -> str | None:
    return os.environ.get("SAMPAN_PROFILE") or None


def _kept(profile: str | None) -> Path:
    return home() / "sign-in.json" if profile is None else home() / PROFILES / f"{check_profile(profile)}.json"
