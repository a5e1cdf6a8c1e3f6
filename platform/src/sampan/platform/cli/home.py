"""Where a person's command line keeps what it needs: which server, who is signed in, trusted roots.

One folder per person (`SAMPAN_HOME`, default `~/.config/sampan`), readable by that person alone. Officers,
publishers and whoever runs the server use folders of their own.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sampan.platform.errors import Unauthorized

FOLDER_MODE, FILE_MODE = 0o700, 0o600


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
    """Store who is signed in."""
    path = home() / "sign-in.json"
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w") as file:
        json.dump(asdict(sign_in), file)
    temporary.replace(path)


def forget() -> None:
    """Remove who is signed in."""
    (home() / "sign-in.json").unlink(missing_ok=True)


def signed_in() -> SignIn:
    """Return who is signed in: by `SAMPAN_TOKEN` with `SAMPAN_SERVER` (machines), else by `sampan login`."""
    token, server = os.environ.get("SAMPAN_TOKEN"), os.environ.get("SAMPAN_SERVER")
    if token and server:
        return SignIn(server.rstrip("/"), os.environ.get("SAMPAN_WORKSPACE", "demo"), "", token)
    path = home() / "sign-in.json"
    if not path.exists():
        raise NotSignedIn("Nobody is signed in here. Run `sampan login`, or set SAMPAN_TOKEN and SAMPAN_SERVER.")
    return SignIn(**json.loads(path.read_text()))
