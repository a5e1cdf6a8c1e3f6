"""The network bridge: an app's request to a server that its signed manifest declares, made by this server.

The device's session never leaves with it: headers that could carry an identity, or the platform's own, are left out on
the way there and back. `sampan.platform.guarded_calls` keeps such calls out of the bank's own network.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

import msgspec

from sampan.miniapps.dev_facts import NetworkStandIn
from sampan.miniapps.signed_permissions import SignedPermissions, require_domain
from sampan.platform.core import Core
from sampan.platform.errors import Invalid, TooLarge, TooMany
from sampan.platform.guarded_calls import Answer, BadAddress, GuardedCalls, parse_destination
from sampan.platform.identity.caller import Caller
from sampan.platform.settings import listed_places

MAX_BODY_BYTES = 2**20
MAX_HEADER = 4096
MAX_AT_ONCE = 32  # of one app: its slow server must not hold the connections of all the others
MAX_OF_DEVICE = 6  # of one device at one app: nobody alone takes the app's share from its other customers
Header = Annotated[str, msgspec.Meta(max_length=MAX_HEADER)]
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "content-length", "host", "expect", "accept-encoding")
)  # fmt: skip
NEVER_THERE = HOP_BY_HOP | {"cookie", "cookie2", "dpop", "forwarded", "via", "origin", "referer", "x-real-ip"}
NEVER_THERE_BEGINNINGS = ("x-sampan-", "x-forwarded-", "sec-", "proxy-")
NEVER_BACK = (HOP_BY_HOP - {"content-length"}) | {
    "set-cookie", "set-cookie2", "alt-svc", "strict-transport-security", "clear-site-data", "content-length",
    "content-security-policy", "report-to", "nel",
}  # fmt: skip


class BadNetworkCall(Invalid):
    """A header, or the body in base64, is not of its form."""

    code = "bad_network_call"


class NetworkBodyTooLarge(TooLarge):
    """The request's body is over a mebibyte."""

    code = "network_body_too_large"


class NetworkBusy(TooMany):
    """Too many calls of this app, or of this device at it, wait for the app's servers at once."""

    code = "network_busy"


class NetworkCall(msgspec.Struct):
    """POST /client/v1/apps/{app}/fetch."""

    url: Annotated[str, msgspec.Meta(max_length=4096)]
    sequence: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: Annotated[dict[str, Header], msgspec.Meta(max_length=32)] = {}
    body_base64: str = ""


class NetworkBridge:
    """Makes the calls; one for the process."""

    def __init__(self, core: Core) -> None:
        self._allows_http = core.settings.demo
        self._private_hosts = listed_places(core.settings.private_hosts)
        self._signed = core.shared(SignedPermissions, SignedPermissions)
        self._stand_ins = core.contributions(NetworkStandIn)
        self.calls = GuardedCalls(private_hosts=self._private_hosts)
        core.on_close.append(self.calls.close)
        self._under_way: Counter[tuple[str, ...]] = Counter()

    async def call(self, caller: Caller, app_id: str, call: NetworkCall) -> dict[str, Any]:
        """Return status, headers and body; raises `BadNetworkCall`, `NetworkBusy`, what permissions and guard raise."""
        target = parse_destination(call.url, allows_http=self._allows_http)
        if target.scheme == "http" and target.place not in self._private_hosts:
            raise BadAddress("Plain http is for a demo's listed hosts alone; use https.", field="url")
        permissions = await self._signed.of(caller, app_id, call.sequence)
        require_domain(permissions, target.host, target.port)
        headers = {**dict(headers_there(call.headers)), "accept-encoding": "identity"}
        body = _body(call.body_base64)
        if body or call.method in ("POST", "PUT", "PATCH"):
            headers["content-length"] = str(len(body))
        app = (caller.workspace_id, app_id)
        with self._place(MAX_AT_ONCE, *app), self._place(MAX_OF_DEVICE, *app, caller.device_id):
            answer = await self._stood_in(call) or await self.calls.call(target, call.method, headers, body)
        return {
            "status": answer.status,
            "headers": headers_back(answer.headers),
            "body_base64": base64.b64encode(answer.body).decode(),
        }

    async def _stood_in(self, call: NetworkCall) -> Answer | None:
        for each in self._stand_ins:
            if (answer := await each.answer(call.method, call.url)) is not None:
                return answer
        return None

    @contextmanager
    def _place(self, most: int, *whose: str) -> Iterator[None]:
        if self._under_way[whose] >= most:
            raise NetworkBusy("The app's servers are slow to answer; try again soon.", retry_after_seconds=5)
        self._under_way[whose] += 1
        try:
            yield
        finally:
            self._under_way[whose] -= 1
            if not self._under_way[whose]:
                del self._under_way[whose]


def headers_there(headers: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Yield the headers that go to the other server; raise `BadNetworkCall`.

    Underscores count as hyphens: servers that read headers as environment variables cannot tell them apart.
    """
    for name, value in headers.items():
        plain = name.lower().replace("_", "-")
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise BadNetworkCall("A header's name has letters, digits and hyphens.", field="headers")
        if any((ord(character) < 0x20 and character != "\t") or ord(character) > 0x7E for character in value):
            raise BadNetworkCall(f"The header {name} has a character that no header may have.", field="headers")
        if plain not in NEVER_THERE and not plain.startswith(NEVER_THERE_BEGINNINGS):
            yield name.lower(), value


def headers_back(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that the app gets; those that came more than once are joined (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name not in NEVER_BACK:
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _body(text: str) -> bytes:
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise BadNetworkCall("The body is not base64.", field="body_base64") from problem
    if len(body) > MAX_BODY_BYTES:
        raise NetworkBodyTooLarge(f"A request's body has at most {MAX_BODY_BYTES} bytes.", limit_bytes=MAX_BODY_BYTES)
    return body
