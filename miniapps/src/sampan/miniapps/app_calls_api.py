"""HTTP for what an app asks of the bank by way of the shell: sign-in, network, payment, signature; and about an app."""

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.miniapps import consents
from sampan.miniapps.app_reports import MAX_TEXT, AppReport, ReportReason, add_report
from sampan.miniapps.bank_calls import BankCall, NotAvailable, carry_out, checked_key
from sampan.miniapps.demo_bank import DemoBank
from sampan.miniapps.dev_facts import LoginStandIn
from sampan.miniapps.explaining import explain
from sampan.miniapps.login_codes import LIFETIME_MS, make_code, read_scopes
from sampan.miniapps.network_bridge import NetworkBridge, NetworkCall
from sampan.miniapps.signed_permissions import SignedPermissions, require_bridge
from sampan.miniapps.visible import visible_app
from sampan.platform.component import Port
from sampan.platform.core import Core, PortType
from sampan.platform.errors import Forbidden, TooMany
from sampan.platform.hot import UNREADABLE, read_body
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.client_calls import Body, body_of
from sampan.platform.identity.limits import MINUTE_MS, Limit, count
from sampan.platform.identity.masking import masked_name, masked_phone
from sampan.platform.identity.own_api import caller_of, json_answer, personal_of
from sampan.platform.ids import new_id
from sampan.platform.ports import BankAnswer, BankOrder, PayPort, SignPort
from sampan.platform.problems import InvalidBody

MAX_CALL_BYTES = 2 * 2**20
Text200 = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
OrderName = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Sequence = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class AppCallLimit(TooMany):
    """This device calls on behalf of apps too often."""

    code = "app_call_limit"


class CustomerNeeded(Forbidden):
    """A visitor asked for what only a customer who signed in can do."""

    code = "customer_needed"


CALLS_PER_DEVICE = Limit("app-call", 600, MINUTE_MS, AppCallLimit, "Apps call too often; try again in a minute.")
REPORTS_PER_DEVICE = Limit("app-report", 20, 60 * MINUTE_MS, AppCallLimit, "You reported a lot; try again in an hour.")


class LoginBody(msgspec.Struct):
    """POST /client/v1/apps/{app}/login."""

    sequence: Sequence
    scopes: Annotated[list[str], msgspec.Meta(max_length=8)] = []


class Amount(msgspec.Struct):
    """Money in the currency's smallest unit."""

    value_minor: Annotated[int, msgspec.Meta(gt=0, le=2**53 - 1)]
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


class PayBody(msgspec.Struct):
    """POST /client/v1/apps/{app}/pay."""

    order: OrderName
    amount: Amount
    title: Text200
    sequence: Sequence


class SignBody(msgspec.Struct):
    """POST /client/v1/apps/{app}/sign."""

    order: OrderName
    title: Text200
    digest: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
    sequence: Sequence


class ReportBody(msgspec.Struct):
    """POST /client/v1/apps/{app}/report."""

    reason: ReportReason
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""


def build(core: Core) -> list[BaseRoute]:
    """Return the routes."""
    signed = core.shared(SignedPermissions, SignedPermissions)
    bridge = core.shared(NetworkBridge, NetworkBridge)

    async def login(request: Request) -> Response:
        caller, app_id = await _begin(core, request)
        body = await body_of(request.receive, LoginBody)
        scopes = read_scopes(body.scopes)
        require_bridge(await signed.of(caller, app_id, body.sequence), "login")
        _require_customer(caller)
        for stand_in in core.contributions(LoginStandIn):
            stand_in.check()
        asked = [f"login.{scope}" for scope in scopes if scope != "openid"]
        async with core.store.workspace(caller.workspace_id).write() as tx:
            await consents.require(tx, caller.subject, app_id, *asked)
            code = await make_code(tx, caller, app_id, scopes, now_ms=core.now_ms())
        return json_answer({"code": code, "expires_in": LIFETIME_MS // 1000})

    async def profile(request: Request) -> Response:
        caller, app_id = await _begin(core, request)
        require_bridge(await signed.of(caller, app_id, _sequence_of(request)), "user.profile")
        _require_customer(caller)
        async with core.store.workspace(caller.workspace_id).read() as tx:
            await consents.require(tx, caller.subject, app_id, "user.profile")
        personal = await personal_of(core, caller)
        name, phone = (personal.name, personal.phone) if personal else ("", "")
        return json_answer({"name_masked": masked_name(name), "phone_masked": masked_phone(phone)})

    async def fetch(request: Request) -> Response:
        caller, app_id = await _begin(core, request)
        call = await _large_body(request, NetworkCall)
        return json_answer(await bridge.call(caller, app_id, call))

    async def pay(request: Request) -> Response:
        caller, app_id = await _begin(core, request)
        body = await body_of(request.receive, PayBody)
        require_bridge(await signed.of(caller, app_id, body.sequence), "pay")
        port, amount = _port(core, PayPort), body.amount
        order = _order(request, caller, app_id, body.order, body.title)
        call = BankCall(
            order,
            ("pay", body.order, amount.value_minor, amount.currency, body.title),
            lambda: port.pay(order, value_minor=amount.value_minor, currency=amount.currency),
        )
        return _outcome(await carry_out(core, call))

    async def sign(request: Request) -> Response:
        caller, app_id = await _begin(core, request)
        body = await body_of(request.receive, SignBody)
        require_bridge(await signed.of(caller, app_id, body.sequence), "sign")
        port = _port(core, SignPort)
        order = _order(request, caller, app_id, body.order, body.title)
        essence = ("sign", body.order, body.digest, body.title)
        return _outcome(await carry_out(core, BankCall(order, essence, lambda: port.sign(order, digest=body.digest))))

    async def report(request: Request) -> Response:
        caller = caller_of(core, request)
        app_id = visible_app(core, caller, request.path_params["app"])
        await count(core, caller.workspace_id, REPORTS_PER_DEVICE, caller.device_id)
        body = await body_of(request.receive, ReportBody)
        made = AppReport(
            new_id("rpt"), app_id, str(body.reason), body.text, caller.device_id, caller.subject, core.now_ms()
        )
        async with core.store.workspace(caller.workspace_id).write() as tx:
            await add_report(tx, made)
            tx.tell("changed", {"area": "report"})
        return json_answer({"report": made.id}, 201)

    async def explain_app(request: Request) -> Response:
        caller = caller_of(core, request)
        app_id = visible_app(core, caller, request.path_params["app"])
        await count(core, caller.workspace_id, CALLS_PER_DEVICE, caller.device_id)
        return json_answer(await explain(core, caller, app_id))

    base = "/client/v1/apps/{app}"
    return [
        Route(f"{base}/login", login, methods=["POST"]),
        Route(f"{base}/profile", profile, methods=["GET"]),
        Route(f"{base}/fetch", fetch, methods=["POST"]),
        Route(f"{base}/pay", pay, methods=["POST"]),
        Route(f"{base}/sign", sign, methods=["POST"]),
        Route(f"{base}/report", report, methods=["POST"]),
        Route(f"{base}/explain", explain_app, methods=["GET"]),
    ]


async def _begin(core: Core, request: Request) -> tuple[Caller, str]:
    caller = caller_of(core, request)
    await count(core, caller.workspace_id, CALLS_PER_DEVICE, caller.device_id)
    return caller, str(request.path_params["app"])


def _sequence_of(request: Request) -> int:
    """Return the version that asks, as a query names it; raise `InvalidBody`."""
    try:
        return msgspec.convert(request.query_params.get("sequence"), Sequence, strict=False)
    except msgspec.ValidationError as problem:
        raise InvalidBody("Name the version that asks: ?sequence=<number>.", field="query.sequence") from problem


def _require_customer(caller: Caller) -> str:
    if caller.customer_id is None:
        raise CustomerNeeded("Sign in first; this is for customers.")
    return caller.customer_id


def _order(request: Request, caller: Caller, app_id: str, order: str, title: str) -> BankOrder:
    key = checked_key(request.headers.get("idempotency-key"))
    return BankOrder(caller.workspace_id, _require_customer(caller), app_id, key, order, title)


def _port(core: Core, protocol: type[PortType]) -> PortType:
    """Return the bank's port, in a demo without one the demo's; raise `NotAvailable`."""
    if any(port.protocol is protocol for port in core.contributions(Port)):
        return core.port(protocol)
    if not core.settings.demo:
        raise NotAvailable("This bank offers no such service to mini-apps.")
    stand_in: Any = core.shared(DemoBank, lambda _core: DemoBank())
    found: PortType = stand_in
    return found


def _outcome(answer: BankAnswer) -> Response:
    return json_answer({"status": str(answer.status), "reference": answer.reference})


async def _large_body(request: Request, kind: type[Body]) -> Body:
    data = await read_body(request.receive, MAX_CALL_BYTES)
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as problem:
        raise InvalidBody(f"Correct the request: {problem}.") from problem
