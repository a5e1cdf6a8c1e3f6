"""What only a demo has: text messages shown to the developer, and tokens without a sign-in.

Nothing here is mounted, and nothing here works, unless the setting `demo` is on. Codes stay in memory and
never reach a log.
"""

from collections import deque
from collections.abc import Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.platform.core import Core
from sampan.platform.identity.client_api import NO_STORE, workspace_of
from sampan.platform.identity.client_calls import body_of
from sampan.platform.identity.grants import Granted, grant
from sampan.platform.identity.jwk import public_jwk, thumbprint
from sampan.platform.identity.personal import Personal
from sampan.platform.identity.problems import ClientAppUnknown, DemoOnly
from sampan.platform.identity.refresh_tokens import new_refresh_token
from sampan.platform.identity.repository_client_apps import PART as CLIENT_APPS
from sampan.platform.identity.repository_devices import get_device
from sampan.platform.identity.service_customers import create_customer, prepare_customer
from sampan.platform.identity.service_session import NewSession, begin, open_client_app
from sampan.platform.identity.service_sign_in import sign_in
from sampan.platform.identity.tiers import Tier
from sampan.platform.ports import SmsPort

KEPT_CODES = 50


class SentCode(Struct, frozen=True):
    """A text message that was not sent."""

    workspace_id: str
    phone: str
    code: str
    at_ms: int


class DemoSms:
    """Keeps the last codes in memory for the developer panel."""

    def __init__(self, core: Core) -> None:
        _demo_only(core)
        self._core = core
        self.sent: deque[SentCode] = deque(maxlen=KEPT_CODES)

    async def send_code(self, *, workspace_id: str, phone: str, code: str, lang: str) -> None:
        """See `SmsPort`."""
        self.sent.append(SentCode(workspace_id, phone, code, self._core.now_ms()))


class DemoToken(Struct, frozen=True):
    """The tokens of a new device, and the private key that its proofs need (PEM, PKCS#8)."""

    granted: Granted
    device_key_pem: str


async def mint_demo_token(core: Core, workspace_id: str, tier: Tier, *, client_app: str | None = None) -> DemoToken:
    """Make a device, and for a tier above visitor a customer signed in on it who carries that tier in full.

    Raises `DemoOnly` outside the demo, `ClientAppUnknown` when the workspace has none.
    """
    _demo_only(core)
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = public_jwk(key.public_key())
    app_id = open_client_app(core, workspace_id, client_app or _first_client_app(core, workspace_id)).id
    granted = await begin(core, workspace_id, NewSession(app_id, jwk, thumbprint(jwk), None))
    if tier is not Tier.VISITOR:
        granted = await _sign_in(core, workspace_id, granted.device_id, tier)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return DemoToken(granted, pem)


async def _sign_in(core: Core, workspace_id: str, device_id: str, tier: Tier) -> Granted:
    now_ms = core.now_ms()
    personal = Personal(name=f"Demo {tier.label}")
    new = prepare_customer(core, workspace_id, bank_reference=None, tier=tier, personal=personal)
    refresh = new_refresh_token()
    async with core.store.workspace(workspace_id).write() as tx:
        device = await get_device(tx, device_id)
        assert device is not None  # noqa: S101 - made just before
        customer = await create_customer(tx, new, by="demo", now_ms=now_ms)
        session, holder = await sign_in(tx, device, customer, refresh, assurance=Tier.FULL, by="demo", now_ms=now_ms)
    return grant(core, workspace_id, session, refresh, tier=holder.tier, epoch=holder.epoch, now_ms=now_ms)


class TokenBody(msgspec.Struct):
    """POST /client/v1/demo/token."""

    tier: str = "visitor"
    client_app: str | None = None


def build(core: Core) -> list[BaseRoute]:
    """Return the demo's routes; none outside the demo."""
    if not core.settings.demo:
        return []

    async def mint(request: Request) -> Response:
        body = await body_of(request.receive, TokenBody)
        token = await mint_demo_token(core, workspace_of(request), Tier.parse(body.tier), client_app=body.client_app)
        granted = token.granted
        answer = {
            "device": granted.device_id,
            "customer": granted.customer_id,
            "tier": granted.tier.label,
            "access_token": granted.access_token,
            "expires_in": granted.expires_in_seconds,
            "refresh_token": granted.refresh_token,
            "device_key_pem": token.device_key_pem,
        }
        return Response(msgspec.json.encode(answer), 201, NO_STORE, "application/json")

    async def codes(request: Request) -> Response:
        sms = core.port(SmsPort)
        sent = sms.sent if isinstance(sms, DemoSms) else ()
        own = [code for code in reversed(sent) if code.workspace_id == workspace_of(request)]
        answer = {"codes": [{"phone": code.phone, "code": code.code, "at_ms": code.at_ms} for code in own]}
        return Response(msgspec.json.encode(answer), 200, NO_STORE, "application/json")

    return [
        Route("/client/v1/demo/token", mint, methods=["POST"]),
        Route("/client/v1/demo/codes", codes, methods=["GET"]),
    ]


def _first_client_app(core: Core, workspace_id: str) -> str:
    apps: Mapping[str, object] = core.replica.view(workspace_id).parts[CLIENT_APPS]
    if not apps:
        raise ClientAppUnknown("The workspace has no client app yet; make one, or run sampan init --demo.")
    return min(apps)


def _demo_only(core: Core) -> None:
    if not core.settings.demo:
        raise DemoOnly("This is no demo: sign in as a customer does.")
