"""Access tokens: JWT (RFC 7519) signed with EdDSA, ten minutes, one workspace. Pure: keys and time come in.

Besides the registered claims a token says `workspace`, `client_app`, `device`, `subject`, `customer` (absent
for a visitor), `tier` (as it was when the token was made, for readers outside), `carries` (the highest tier
that this device and sign-in may carry), `epoch` and `device_epoch`. Expiry is checked against the time that
is passed in, never the library's own clock.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sampan.platform.hot import UNREADABLE
from sampan.platform.identity.problems import TokenInvalid
from sampan.platform.identity.tiers import Tier

if TYPE_CHECKING:
    from jwt import PyJWS

LIFETIME_MS = 600_000
MAX_TOKEN_BYTES = 4096
_REFUSED = "The access token is not one of this workspace. Refresh the session, or begin a new one."


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says. `tier` and `carries` are tier labels; `iat` and `exp` seconds."""

    workspace: str
    client_app: str
    device: str
    subject: int
    tier: str
    carries: str
    epoch: int
    device_epoch: int
    cnf: dict[str, str]
    iat: int
    exp: int
    customer: str | None = None

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the device's key (RFC 9449 section 6.1)."""
        return self.cnf.get("jkt", "")


@cache
def _jws() -> "PyJWS":
    """Return the library, imported for the first token: it loads X.509, which no start needs."""
    from jwt import PyJWS

    return PyJWS(algorithms=["EdDSA"])


def mint(
    *,
    key: Ed25519PrivateKey,
    kid: str,
    workspace_id: str,
    client_app: str,
    device_id: str,
    thumbprint: str,
    subject: int,
    customer_id: str | None,
    tier: Tier,
    carries: Tier,
    epoch: int,
    device_epoch: int,
    now_ms: int,
) -> str:
    """Return a signed access token that holds from now for `LIFETIME_MS`."""
    claims: dict[str, Any] = {
        "workspace": workspace_id,
        "client_app": client_app,
        "device": device_id,
        "subject": subject,
        "tier": tier.label,
        "carries": carries.label,
        "epoch": epoch,
        "device_epoch": device_epoch,
        "cnf": {"jkt": thumbprint},
        "iat": now_ms // 1000,
        "exp": (now_ms + LIFETIME_MS) // 1000,
    }
    if customer_id is not None:
        claims["customer"] = customer_id
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _jws().encode(payload, key, algorithm="EdDSA", headers={"kid": kid, "typ": "at+jwt"})


def verify(token: bytes, find_key: Callable[[str], Ed25519PublicKey | None], workspace_id: str) -> Claims:
    """Return the claims of a token with a good signature; raise `TokenInvalid`. The caller checks the time."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenInvalid(_REFUSED)
    from jwt import PyJWTError

    jws = _jws()
    try:
        head = jws.get_unverified_header(token)
        key = find_key(head.get("kid", ""))
        if key is None or head.get("typ") != "at+jwt":
            raise TokenInvalid(_REFUSED)
        payload = jws.decode_complete(token, key, algorithms=["EdDSA"])["payload"]
        claims = msgspec.json.decode(payload, type=Claims)
    except (PyJWTError, *UNREADABLE) as problem:
        raise TokenInvalid(_REFUSED) from problem
    if claims.workspace != workspace_id:
        raise TokenInvalid(_REFUSED)
    return claims
