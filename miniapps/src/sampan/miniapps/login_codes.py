"""Signing a customer in at a mini-app's own back end: a one-time code, exchanged for an id that only this app knows.

The app gets the code in the browser and hands it to its back end, which exchanges it with a machine token of the
publisher. The open id is pairwise: two apps cannot find out that they have the same customer.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, SmallInteger, String, delete, insert

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Invalid
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.tiers import Tier

LIFETIME_MS = 120_000
SCOPES = ("openid", "tier", "profile")

login_codes = scoped_table(
    "login_codes",
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("app_id", String(128), nullable=False),
    Column("customer_id", String(40), nullable=False),
    Column("tier", SmallInteger, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_login_codes_expires", "workspace_id", "expires_ms"),
)
_L = login_codes.c


class BadScopes(Invalid):
    """The scopes are not a selection of those that there are."""

    code = "bad_scopes"


class LoginCodeRefused(Invalid):
    """The code is none of this app, was used, or is over its two minutes; the app calls login() again."""

    code = "login_code_refused"


@dataclass(frozen=True, slots=True)
class Login:
    """Who signed in at an app, and what the app may learn."""

    customer_id: str
    tier: Tier
    scopes: tuple[str, ...]


def read_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    """Return the scopes in their order, `openid` always among them; raise `BadScopes`."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise BadScopes(f"There are no scopes {', '.join(unknown)[:100]}; use {', '.join(SCOPES)}.", field="scopes")
    return tuple(scope for scope in SCOPES if scope == "openid" or scope in scopes)


async def make_code(tx: Transaction, caller: Caller, app_id: str, scopes: Sequence[str], *, now_ms: int) -> str:
    """Store a code for the caller's customer and return it; codes that are over their time go."""
    assert caller.customer_id is not None  # noqa: S101 - the route refuses visitors
    await tx.execute(delete(login_codes).where(_L.workspace_id == tx.workspace_id, _L.expires_ms <= now_ms))
    code = secrets.token_urlsafe(32)
    await tx.execute(
        insert(login_codes).values(
            workspace_id=tx.workspace_id,
            code_hash=_hash(code),
            app_id=app_id,
            customer_id=caller.customer_id,
            tier=int(caller.tier),
            scopes=list(scopes),
            expires_ms=now_ms + LIFETIME_MS,
        )
    )
    return code


async def spend_code(tx: Transaction, app_id: str, code: str, *, now_ms: int) -> Login:
    """Return who is behind a code of this app, once; raise `LoginCodeRefused`."""
    statement = (
        delete(login_codes)
        .where(
            _L.workspace_id == tx.workspace_id,
            _L.code_hash == _hash(code),
            _L.app_id == app_id,
            _L.expires_ms > now_ms,
        )
        .returning(_L.customer_id, _L.tier, _L.scopes)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise LoginCodeRefused("Let the app call login() again; a code holds once, for two minutes, for its own app.")
    return Login(row.customer_id, Tier(row.tier), tuple(row.scopes))


async def drop_codes(tx: Transaction, customer_id: str) -> None:
    """Void the codes of a customer that nobody spent."""
    await tx.execute(delete(login_codes).where(_L.workspace_id == tx.workspace_id, _L.customer_id == customer_id))


def open_id(core: Core, workspace_id: str, app_id: str, customer_id: str) -> str:
    """Return the name by which one app knows a customer: the same at every login, and of no use to another app."""
    key = core.secret(f"open-id/{workspace_id}")
    mac = hmac.new(key, f"{app_id}\n{customer_id}".encode(), hashlib.sha256).digest()
    return "o_" + base64.urlsafe_b64encode(mac[:24]).decode()


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
