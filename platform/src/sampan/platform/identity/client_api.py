"""The session calls of devices, and the workspace's public token keys."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.platform.core import Core
from sampan.platform.identity.client_calls import answer, body_of, proof_of, proven_caller
from sampan.platform.identity.dpop import spend
from sampan.platform.identity.grants import Granted, keyring_of
from sampan.platform.identity.jwk import envelope_jwk, signing_jwk, thumbprint
from sampan.platform.identity.limits import SESSIONS_PER_ADDRESS, SESSIONS_PER_APP, count, network_of, sealed_network
from sampan.platform.identity.problems import ProofInvalid
from sampan.platform.identity.service_session import NewSession, begin, open_client_app, sign_out
from sampan.platform.identity.service_sign_in import send_code, sign_in_by_code

SESSION = "/client/v1/session"
CODE = "/client/v1/session/code"
CUSTOMER = "/client/v1/session/customer"
JWKS = "/.well-known/jwks.json"
NO_STORE = {"cache-control": "no-store"}


class DeviceKeys(msgspec.Struct):
    """The device's public keys as JWK."""

    signing: dict[str, object]
    envelope: dict[str, object] | None = None


class SessionBody(msgspec.Struct):
    """POST /client/v1/session."""

    client_app: str
    device_keys: DeviceKeys
    attestation: str = ""


class CodeBody(msgspec.Struct):
    """POST /client/v1/session/code."""

    phone: str
    lang: Annotated[str, msgspec.Meta(max_length=35)] = "zh"


class CustomerBody(msgspec.Struct):
    """POST /client/v1/session/customer."""

    phone: str
    code: str


def build(core: Core) -> list[BaseRoute]:
    """Return the routes; `session/refresh` is a hot route of its own."""

    async def begin_session(request: Request) -> Response:
        workspace_id = workspace_of(request)
        core.replica.view(workspace_id)
        await count(core, workspace_id, SESSIONS_PER_ADDRESS, network_of(address_of(request)))
        proof = proof_of(core, request.scope, "POST", SESSION)
        body = await body_of(request.receive, SessionBody)
        signing = signing_jwk(body.device_keys.signing)
        envelope = envelope_jwk(body.device_keys.envelope) if body.device_keys.envelope else None
        if proof.thumbprint != thumbprint(signing):
            raise ProofInvalid("The proof must be made by the signing key that the body names.")
        await count(core, workspace_id, SESSIONS_PER_APP, open_client_app(core, workspace_id, body.client_app).id)
        await spend(proof, core.nonces, workspace_id, now_ms=core.now_ms())
        network = sealed_network(core, workspace_id, address_of(request))
        new = NewSession(body.client_app, signing, proof.thumbprint, envelope, body.attestation, network)
        return _tokens(core, await begin(core, workspace_id, new), 201)

    async def ask_code(request: Request) -> Response:
        caller = await proven_caller(core, request.scope, "POST", CODE)
        body = await body_of(request.receive, CodeBody)
        sent = await send_code(
            core, caller.workspace_id, caller, phone=body.phone, lang=body.lang, address=address_of(request)
        )
        return _json({"expires_in": sent.expires_in_seconds}, 202)

    async def sign_in_customer(request: Request) -> Response:
        caller = await proven_caller(core, request.scope, "POST", CUSTOMER)
        body = await body_of(request.receive, CustomerBody)
        granted = await sign_in_by_code(
            core, caller.workspace_id, caller, phone=body.phone, code=body.code, address=address_of(request)
        )
        return _tokens(core, granted, 200)

    async def leave_session(request: Request) -> Response:
        caller = await proven_caller(core, request.scope, "DELETE", SESSION)
        return _tokens(core, await sign_out(core, caller.workspace_id, caller.device_id), 200)

    async def public_keys(request: Request) -> Response:
        jwks = keyring_of(core, workspace_of(request)).jwks()
        return _json(jwks, 200, {"cache-control": "public, max-age=20"})

    return [
        Route(SESSION, begin_session, methods=["POST"]),
        Route(SESSION, leave_session, methods=["DELETE"]),
        Route(CODE, ask_code, methods=["POST"]),
        Route(CUSTOMER, sign_in_customer, methods=["POST"]),
        Route(JWKS, public_keys, methods=["GET"]),
    ]


def workspace_of(request: Request) -> str:
    """Return the workspace that the request names."""
    workspace_id: str = request.scope["sampan_workspace"]
    return workspace_id


def address_of(request: Request) -> str:
    """Return the address that the request came from."""
    return request.client.host if request.client else "unknown"


def _tokens(core: Core, granted: Granted, status: int) -> Response:
    return Response(answer(granted, core.now_ms()), status, NO_STORE, "application/json")


def _json(body: object, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers or NO_STORE, "application/json")
