"""Preview sessions: what a console may show of one version that nobody has approved yet, and for how long.

A session is a signed token and no row. It names one version and its shared packages by digest, the console that may
frame it, and its end; it holds no bytes of the package and gives none out. Each session has an origin of its own, so
that nothing that an unreviewed version stores is met by another version, another reviewer, or a customer.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec

from sampan.platform.core import Core
from sampan.platform.hosts import label_of

LIFE_MS = 15 * 60 * 1000
KIND = "preview"
MAX_TOKEN_CHARACTERS = 8192


class PreviewPackage(msgspec.Struct, frozen=True):
    """One package that a preview serves; `digest` is the package digest, which its index has."""

    id: str
    sequence: int
    digest: str
    archive_digest: str


class PreviewSession(msgspec.Struct, frozen=True):
    """What the token says. The first of `packages` is the app, the others are what it mounts."""

    workspace_id: str
    nonce: str
    console_origin: str
    packages: tuple[PreviewPackage, ...]
    until_ms: int

    @property
    def app(self) -> PreviewPackage:
        """The version that is shown."""
        return self.packages[0]

    @property
    def label(self) -> str:
        """The label of the session's own origin."""
        return label_of(self.workspace_id, self.app.id, f"{KIND}\n{self.nonce}")


def new_nonce() -> str:
    """Return what makes a session's origin unlike every other."""
    return secrets.token_hex(16)


def make_token(core: Core, session: PreviewSession) -> str:
    """Return the session as text for an address: what it says, and the server's mark on it."""
    said = msgspec.json.encode(session)
    return f"{_text(said)}.{_text(_mark(core, said))}"


def read_token(core: Core, token: str, *, label: str) -> PreviewSession | None:
    """Return the session of this origin; None when the token is not ours, is another origin's, or has ended."""
    said, dot, mark = token.partition(".")
    if not dot or len(token) > MAX_TOKEN_CHARACTERS:
        return None
    try:
        body = _bytes(said)
        if not hmac.compare_digest(_mark(core, body), _bytes(mark)):
            return None
    except (binascii.Error, ValueError):
        return None
    session = msgspec.json.decode(body, type=PreviewSession)
    if session.label != label or core.now_ms() >= session.until_ms:
        return None
    return session


def _mark(core: Core, said: bytes) -> bytes:
    return hmac.digest(core.secret("miniapps/preview"), said, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
