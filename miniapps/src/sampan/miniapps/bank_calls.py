"""Payments and signatures that mini-apps ask for: each order once, whatever the network does.

The Idempotency-Key names the order of one customer at one app for ever. The same key with another order is refused; a
settled one answers as it did; an unknown one is asked again at the bank, under the same key.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, String, select, update

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict, Invalid, SampanError
from sampan.platform.logs import Log
from sampan.platform.ports import BankAnswer, BankOrder, BankStatus

BANK_SECONDS = 20.0
MAX_KEY = 128
log = Log("miniapps")

bank_calls = scoped_table(
    "bank_calls",
    Column("customer_id", String(40), primary_key=True),
    Column("app_id", String(128), primary_key=True),
    Column("key", String(MAX_KEY), primary_key=True),
    Column("order_hash", LargeBinary(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
_B = bank_calls.c


class KeyMissing(Invalid):
    """A payment or signature has an Idempotency-Key header of 1 to 128 characters."""

    code = "idempotency_key_missing"


class KeyReused(Conflict):
    """The Idempotency-Key was used for another order; a new order takes a new key."""

    code = "idempotency_key_reused"


class NotAvailable(SampanError):
    """The bank offers no such service to mini-apps here."""

    status = 501
    code = "not_available"
    title = "Not available"


@dataclass(frozen=True, slots=True)
class BankCall:
    """One order, and how to ask the bank for it; `essence` is all that makes it another order when it differs."""

    order: BankOrder
    essence: tuple[str | int, ...]
    ask: Callable[[], Awaitable[BankAnswer]]


def checked_key(key: str | None) -> str:
    """Return the key of the header; raise `KeyMissing`."""
    if not key or len(key) > MAX_KEY or not key.isprintable() or not key.isascii():
        raise KeyMissing("Send an Idempotency-Key: a new one for each order, the same for each try of it.")
    return key


async def carry_out(core: Core, call: BankCall) -> BankAnswer:
    """Return what became of the order; raise `KeyReused`. A bank that fails or is slow leaves it `unknown`."""
    order, essence = call.order, hashlib.sha256(msgspec.json.encode(call.essence)).digest()
    door = core.store.workspace(order.workspace_id)
    own = (
        _B.workspace_id == order.workspace_id,
        _B.customer_id == order.customer_id,
        _B.app_id == order.app_id,
        _B.key == order.key,
    )
    async with door.write() as tx:
        now_ms = core.now_ms()
        new = {"order_hash": essence, "status": "unknown", "reference": "", "created_ms": now_ms, "changed_ms": now_ms}
        names = {"customer_id": order.customer_id, "app_id": order.app_id, "key": order.key}
        await tx.execute(insert_or_ignore(tx, bank_calls).values(workspace_id=order.workspace_id, **names, **new))
        known = (await tx.execute(select(_B.order_hash, _B.status, _B.reference).where(*own))).one()
    if known.order_hash != essence:
        raise KeyReused("This Idempotency-Key stands for another order already. Take a new one for a new order.")
    if known.status != BankStatus.UNKNOWN:
        return BankAnswer(BankStatus(known.status), known.reference)
    answer = await _ask(call)
    if answer.status is not BankStatus.UNKNOWN:
        async with door.write() as tx:
            settled = {"status": str(answer.status), "reference": answer.reference[:200], "changed_ms": core.now_ms()}
            is_open = (_B.status == BankStatus.UNKNOWN, _B.order_hash == essence)  # not made nameless meanwhile
            await tx.execute(update(bank_calls).where(*own, *is_open).values(settled))
            first = (await tx.execute(select(_B.status, _B.reference).where(*own))).one()
        if first.status != BankStatus.UNKNOWN:  # of two tries at once the first answer holds
            return BankAnswer(BankStatus(first.status), first.reference)
    return answer


async def make_nameless(tx: Transaction, customer_id: str) -> None:
    """Keep of a customer's orders that there were some, and when: not what for, nor the bank's references.

    The hash goes too: titles and amounts are few enough to be guessed from it.
    """
    own = (_B.workspace_id == tx.workspace_id, _B.customer_id == customer_id)
    await tx.execute(update(bank_calls).where(*own).values(order_hash=bytes(32), reference=""))


async def _ask(call: BankCall) -> BankAnswer:
    try:
        async with asyncio.timeout(BANK_SECONDS):
            return await call.ask()
    except Exception:
        # Whatever happened on the way, the money may have moved: only the bank knows, and is asked again.
        log.exception("bank_call_unknown", app=call.order.app_id)
        return BankAnswer(BankStatus.UNKNOWN, "")
