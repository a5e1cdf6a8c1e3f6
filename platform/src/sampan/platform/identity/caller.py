"""Who calls: an access token becomes a `Caller`, with no SQL and no waiting.

The signature is checked once per token; the state of customer and device each time, so that a change of tier
or a revocation is in force as soon as this worker has heard of it.
"""

import msgspec

from sampan.platform.core import Core
from sampan.platform.identity.keyring import PART, Keyring
from sampan.platform.identity.problems import SessionRevoked, TokenExpired, TokenInvalid, TokenMissing
from sampan.platform.identity.subjects import ERASED, LOG, UNKNOWN, SubjectStates
from sampan.platform.identity.tiers import BY_LABEL, Tier
from sampan.platform.identity.tokens import Claims, verify

BEARER = (b"bearer ", b"dpop ")
_TIERS = tuple(Tier)  # by number; the enumeration's own look-up costs as much as the rest of a caller


class Caller(msgspec.Struct, frozen=True, gc=False):
    """A device, and the customer who is signed in on it. `tier` is the effective one. Made for every call: cheap."""

    workspace_id: str
    client_app: str
    device_id: str
    subject: int
    customer_id: str | None
    tier: Tier
    epoch: int
    device_epoch: int
    thumbprint: str


def authenticate(core: Core, workspace_id: str, authorization: bytes | None) -> Caller:
    """Return who sent this Authorization header to this workspace.

    Raises `TokenMissing`, `TokenInvalid`, `TokenExpired`, `SessionRevoked`, or `UnknownWorkspace`.
    """
    token = _token(authorization)
    view = core.replica.view(workspace_id)
    keyring: Keyring = view.parts[PART]
    claims = keyring.recent.get(token)
    if claims is None:
        claims = verify(token, keyring.find, workspace_id)
        keyring.recent.put(token, claims)
    if core.now_ms() >= claims.exp * 1000:
        raise TokenExpired("Refresh the session with POST /client/v1/session/refresh.")
    return caller_of(claims, view.followed[LOG])


def caller_of(claims: Claims, states: SubjectStates) -> Caller:
    """Return the caller as things stand now; raise `SessionRevoked`.

    A subject or a device state that has not arrived here yet is as the token says: the token is younger than
    what this worker knows, and the log brings creation before revocation.
    """
    carries = BY_LABEL[claims.carries]
    held = states.devices.get(claims.device)
    if held is not None:
        if claims.device_epoch < held.epoch:
            raise _revoked()
        if claims.device_epoch == held.epoch:
            carries = held.carries
    tier: int = BY_LABEL[claims.tier]
    if claims.subject < len(states.tiers):
        value = states.tiers[claims.subject]
        if value == ERASED or claims.epoch < states.epochs[claims.subject]:
            raise _revoked()
        if value != UNKNOWN:
            tier = value
    return Caller(
        claims.workspace,
        claims.client_app,
        claims.device,
        claims.subject,
        claims.customer,
        _TIERS[tier] if tier < carries else carries,
        claims.epoch,
        claims.device_epoch,
        claims.thumbprint,
    )


def _token(authorization: bytes | None) -> bytes:
    if not authorization:
        raise TokenMissing("Send Authorization: Bearer <access token>.")
    lower = authorization[:7].lower()
    if lower == BEARER[0]:
        return authorization[7:]
    if lower.startswith(BEARER[1]):
        return authorization[5:]
    raise TokenInvalid("Send Authorization: Bearer <access token>; other schemes are not taken here.")


def _revoked() -> SessionRevoked:
    return SessionRevoked("Refresh the session; if that is refused too, begin a new one.")
