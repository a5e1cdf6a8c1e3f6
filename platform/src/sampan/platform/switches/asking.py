"""Who asks for switches, and for whom: a device for itself, or a back end with a machine token for anybody.

A device's facts come from its token and from what this worker follows; its context can only claim what any client may
claim. Only a machine token that carries `evaluate:any` names somebody else, by the targeting key.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.known import facts_of
from sampan.platform.core import Core
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.identity.problems import TokenMissing
from sampan.platform.identity.repository_customers import get_customer
from sampan.platform.identity.repository_devices import get_device, get_pair
from sampan.platform.identity.subjects import LOG, SubjectStates
from sampan.platform.identity.tiers import Tier, effective_tier
from sampan.platform.operators.actor import Actor, ActorKind, MissingPermission
from sampan.platform.operators.session_rows import MACHINE_PREFIX
from sampan.platform.operators.signed_in import recognise
from sampan.platform.workspaces.replica import WorkspaceView

EVALUATE_ANY = "evaluate:any"
MAX_KEY = 200
KEPT_MS = 1000
KEPT = 10_000
_MACHINE = MACHINE_PREFIX.encode()
Found = TypeVar("Found")


class Context(Claims, frozen=True, gc=False):
    """What a client says of whom it asks for; other members are ignored."""

    targeting_key: str = msgspec.field(default="", name="targetingKey")


class Asked(msgspec.Struct, frozen=True):
    """One question: who asks, in one workspace, and what is known of whom it is about."""

    owner: str
    targeting_key: str
    facts: Facts
    is_machine: bool


class Named(msgspec.Struct, frozen=True):
    """Whom a back end named, as a caller, and the highest tier that counts for them there."""

    caller: Caller
    carries: Tier


class BadContext(Exception):
    """The context does not say enough, or something impossible; `code` is the protocol's."""

    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code = code


class Asking:
    """Turns credentials and a context into a question. What it reads from the database is kept for a second."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._actors: _Kept[Actor] = _Kept()
        self._named: _Kept[Named | None] = _Kept()

    async def ask(
        self,
        view: WorkspaceView,
        workspace_id: str,
        authorization: bytes | None,
        api_key: bytes | None,
        context: Context,
    ) -> Asked:
        """Return the question; raise `Unauthorized` or `Forbidden` errors, or `BadContext`."""
        secret = _machine_secret(authorization, api_key)
        if secret is None:
            if api_key is not None and authorization is None:
                raise TokenMissing("X-API-Key takes a machine token; a device sends Authorization: Bearer.")
            caller = authenticate(self._core, workspace_id, authorization)
            facts = facts_of(view, caller, now_ms=self._core.now_ms(), claims=context)
            return Asked(caller.device_id, context.targeting_key, facts, False)
        actor = await self._actor(workspace_id, secret)
        key = context.targeting_key
        if not key:
            raise BadContext("TARGETING_KEY_MISSING", "A back end says by context.targetingKey whom it asks for.")
        if len(key) > MAX_KEY:
            raise BadContext("INVALID_CONTEXT", f"context.targetingKey has at most {MAX_KEY} characters.")
        facts = await self._facts(view, workspace_id, key, context)
        return Asked(actor.via, key, facts, True)

    async def _actor(self, workspace_id: str, secret: str) -> Actor:
        async def find() -> Actor:
            return (await recognise(self._core, workspace_id, secret)).actor

        actor = await self._actors.get((workspace_id, secret), find, self._core.now_ms())
        if actor.kind != ActorKind.MACHINE or not actor.may(EVALUATE_ANY):
            raise MissingPermission(
                f"This machine token does not carry {EVALUATE_ANY!r}. Make one that does.", permission=EVALUATE_ANY
            )
        return actor

    async def _facts(self, view: WorkspaceView, workspace_id: str, key: str, context: Context) -> Facts:
        now_ms = self._core.now_ms()

        async def find() -> Named | None:
            return await self._read(workspace_id, key)

        if not key.startswith(("cus_", "dev_")):  # a key of the back end's own: it decides places and nothing else
            return facts_of(view, _caller(workspace_id, device=key), now_ms=now_ms, claims=context)
        named = await self._named.get((workspace_id, key), find, now_ms)
        if named is None:
            raise BadContext("INVALID_CONTEXT", f"There is no customer or device {key!r} here.")
        states: SubjectStates = view.followed[LOG]
        tier = states.tier_of(named.caller.subject) or Tier.VISITOR
        caller = msgspec.structs.replace(named.caller, tier=effective_tier(tier, named.carries))
        return facts_of(view, caller, now_ms=now_ms, claims=context)

    async def _read(self, workspace_id: str, key: str) -> Named | None:
        async with self._core.store.workspace(workspace_id).read() as tx:
            if key.startswith("cus_"):
                customer = await get_customer(tx, key)
                if customer is None or customer.erased_ms is not None:
                    return None
                return Named(_caller(workspace_id, customer.subject, customer.id), Tier.FULL)
            device = await get_device(tx, key)
            if device is None or device.revoked:
                return None
            pair = await get_pair(tx, device.customer_id, key) if device.customer_id else None
            owner = await get_customer(tx, pair.customer_id) if pair is not None else None
        if pair is None or owner is None or owner.erased_ms is not None:
            return Named(_caller(workspace_id, device.subject, None, device.client_app, key), Tier.VISITOR)
        return Named(_caller(workspace_id, owner.subject, owner.id, device.client_app, key), pair.carries)


class _Kept(Generic[Found]):
    """What was found, for `KEPT_MS`; the database is asked again after that."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, tuple[int, Found]] = OrderedDict()

    async def get(self, key: Any, find: Callable[[], Awaitable[Found]], now_ms: int) -> Found:
        kept = self._found.get(key)
        if kept is not None and 0 <= now_ms - kept[0] < KEPT_MS:
            return kept[1]
        found = await find()
        self._found[key] = (now_ms, found)
        self._found.move_to_end(key)
        while len(self._found) > KEPT:
            self._found.popitem(last=False)
        return found


def _machine_secret(authorization: bytes | None, api_key: bytes | None) -> str | None:
    if api_key is not None and api_key.startswith(_MACHINE):
        return api_key.decode("latin-1")
    if authorization is not None and authorization[7:11] == _MACHINE and authorization[:7].lower() == b"bearer ":
        return authorization[7:].decode("latin-1")
    return None


def _caller(
    workspace_id: str, subject: int = -1, customer_id: str | None = None, client_app: str = "", device: str = ""
) -> Caller:
    return Caller(workspace_id, client_app, device, subject, customer_id, Tier.VISITOR, 0, 0, "")
