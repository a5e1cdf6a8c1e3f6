"""What the session calls share: where the proof must point, who the caller is, how the answer looks."""

from typing import TypeVar

import msgspec
from starlette.types import Receive, Scope

from sampan.platform.core import Core
from sampan.platform.hosts import Place, Surface, origin
from sampan.platform.hot import UNREADABLE, header, read_body
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.identity.dpop import Call, Proof, read_proof, spend, token_hash
from sampan.platform.identity.grants import Granted
from sampan.platform.identity.problems import ProofInvalid
from sampan.platform.problems import InvalidBody
from sampan.platform.workspaces.host_rows import hosts_of

MAX_BODY_BYTES = 16_384
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Body = TypeVar("Body")


async def body_of(receive: Receive, kind: type[Body]) -> Body:
    """Return the JSON body as `kind`; raise `InvalidBody`, which names the place."""
    data = await read_body(receive, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as problem:
        raise InvalidBody(f"Correct the request: {problem}.") from problem


def proof_of(core: Core, scope: Scope, method: str, path: str) -> Proof:
    """Return the checked proof of a call; whoever calls this must compare its key, then spend it."""
    return read_proof(
        header(scope, b"dpop"),
        Call(method, addresses(core, scope, path)),
        now_ms=core.now_ms(),
        remembers_since_ms=core.nonces.remembers_since_ms,
    )


async def proven_caller(core: Core, scope: Scope, method: str, path: str) -> Caller:
    """Return the caller of a session call: a good token, and a proof by the key that the token is bound to."""
    authorization = header(scope, b"authorization")
    workspace_id: str = scope["sampan_workspace"]
    caller = authenticate(core, workspace_id, authorization)
    proof = proof_of(core, scope, method, path)
    if proof.thumbprint != caller.thumbprint:
        raise ProofInvalid("The proof must be made by the key that the session began with.")
    if proof.access_token_hash != token_hash((authorization or b"").partition(b" ")[2]):
        raise ProofInvalid("The proof's ath must be the SHA-256 of the access token, in base64url.")
    await spend(proof, core.nonces, workspace_id, now_ms=core.now_ms())
    return caller


def addresses(core: Core, scope: Scope, path: str) -> list[str]:
    """Return every address under which devices know this call, the usual one first.

    They come from the setting `public_url`, and under a workspace's own host from that host. Without either (a
    laptop) the Host header is believed where it names this machine, or anything in a demo.
    """
    workspace_id: str = scope["sampan_workspace"]
    prefixed = f"/w/{workspace_id}{path}"
    paths = [path, prefixed] if workspace_id == core.settings.default_workspace else [prefixed]
    place: Place = scope["sampan_place"]
    if place.surface is Surface.WORKSPACE:  # a name that we gave out ourselves, whatever address is public
        own = origin(hosts_of(core).names, scope, place.name)
        return [own + each for each in (path, prefixed)]
    public_url = core.settings.public_url.rstrip("/")
    if public_url:
        return [public_url + each for each in paths]
    host = (header(scope, b"host") or b"").decode("latin-1").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if core.settings.demo or name in LOOPBACK or name == core.settings.host:
        return [f"{scope.get('scheme', 'http')}://{host}{each}" for each in paths]
    raise ProofInvalid("The operator must set SAMPAN_PUBLIC_URL to the address that devices use.")


def answer(granted: Granted, server_time_ms: int) -> bytes:
    """Return the JSON of tokens; every session call answers this."""
    return msgspec.json.encode(
        {
            "device": granted.device_id,
            "customer": granted.customer_id,
            "tier": granted.tier.label,
            "access_token": granted.access_token,
            "token_type": "Bearer",
            "expires_in": granted.expires_in_seconds,
            "refresh_token": granted.refresh_token,
            "server_time_ms": server_time_ms,
        }
    )
