"""Proofs of possession on the session calls (RFC 9449), made by the device's P-256 key.

Pure but for the nonce store: what a proof says is compared with the call it came with, then its `jti` is
spent. The key inside the proof is checked against the device by the caller, who knows the device.
"""

import hashlib
import json
import math
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sampan.platform.engines.cache import Nonces
from sampan.platform.identity.jwk import base64url, signing_jwk, signing_key, thumbprint
from sampan.platform.identity.problems import DeviceKeyUnfit, ProofInvalid, ProofReplayed, ProofStale

if TYPE_CHECKING:
    from jwt import PyJWS

WINDOW_MS = 90_000  # either way; the nonce store keeps 300 s
MAX_PROOF_BYTES = 4096
JTI_LENGTHS = range(8, 129)
RESOLUTION_MS = 1000  # `iat` is often written in whole seconds


class Call(Struct, frozen=True):
    """What the proof must be for: the method, and every address that this server answers the call under."""

    method: str
    urls: Collection[str]


class Proof(Struct, frozen=True):
    """A proof whose signature, call and time hold; `spend` it before acting on it."""

    thumbprint: str
    jti: str
    access_token_hash: str | None


def read_proof(header: bytes | None, call: Call, *, now_ms: int, remembers_since_ms: int) -> Proof:
    """Check everything that a proof says by itself; raise `ProofInvalid` or `ProofStale`.

    `remembers_since_ms` is the moment from which replays would be noticed: earlier proofs are refused.
    """
    if not header:
        raise ProofInvalid("Send the header DPoP with a proof made by the device's key (RFC 9449).")
    if len(header) > MAX_PROOF_BYTES:
        raise ProofInvalid(f"A proof has at most {MAX_PROOF_BYTES} bytes.")
    jwk, claims = _verified(header)
    if claims.get("htm") != call.method:
        raise ProofInvalid(f"The proof's htm must be {call.method}.")
    if claims.get("htu") not in call.urls:
        raise ProofInvalid(
            "The proof's htu is not the address of this call as the server is known to devices.",
            expected=sorted(call.urls)[0] if call.urls else None,
        )
    jti = claims.get("jti")
    if not isinstance(jti, str) or len(jti) not in JTI_LENGTHS:
        raise ProofInvalid("The proof's jti must be a string of 8 to 128 characters, new for every proof.")
    _check_time(claims.get("iat"), now_ms, remembers_since_ms)
    access_token_hash = claims.get("ath")
    return Proof(thumbprint(jwk), jti, access_token_hash if isinstance(access_token_hash, str) else None)


async def spend(proof: Proof, nonces: Nonces, workspace_id: str, *, now_ms: int) -> None:
    """Use the proof up; raise `ProofReplayed` the second time. Call it once the key is known to be the device's."""
    nonce = hashlib.blake2b(proof.jti.encode(), digest_size=16).digest()
    if not await nonces.add(f"dpop/{workspace_id}/{proof.thumbprint}", nonce, now_ms):
        raise ProofReplayed("Make a new proof with a new jti for every call, also for a repeated one.")


def token_hash(token: bytes) -> str:
    """Return what the claim `ath` must say for this access token (RFC 9449 section 4.2)."""
    return base64url(hashlib.sha256(token).digest())


@cache
def _jws() -> "PyJWS":
    """Return the library, imported for the first proof: it loads X.509, which no start needs."""
    from jwt import PyJWS

    return PyJWS(algorithms=["ES256"])


def _verified(header: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    from jwt import PyJWTError

    jws = _jws()
    try:
        head = jws.get_unverified_header(header)
        if head.get("typ") != "dpop+jwt" or head.get("alg") != "ES256":
            raise ProofInvalid("The proof's header must say typ dpop+jwt and alg ES256.")
        jwk = signing_jwk(head.get("jwk"))
        complete = jws.decode_complete(header, signing_key(jwk), algorithms=["ES256"])
        claims = json.loads(complete["payload"])
    except DeviceKeyUnfit as problem:
        raise ProofInvalid(f"The proof's jwk does not fit: {problem.detail}") from problem
    except (PyJWTError, ValueError, RecursionError) as problem:
        raise ProofInvalid("The proof is not a JWT signed by the key that it carries.") from problem
    if not isinstance(claims, dict):
        raise ProofInvalid("The proof's claims must be a JSON object.")
    return jwk, claims


def _check_time(iat: object, now_ms: int, remembers_since_ms: int) -> None:
    if isinstance(iat, bool) or not isinstance(iat, int | float) or not math.isfinite(iat):
        raise ProofInvalid("The proof's iat must be the time in seconds since the epoch.")
    made_ms = int(iat * 1000)
    if abs(now_ms - made_ms) > WINDOW_MS or made_ms + RESOLUTION_MS <= remembers_since_ms:
        raise ProofStale("Set the clock by server_time_ms and send a new proof.", server_time_ms=now_ms)
