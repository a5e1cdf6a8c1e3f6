"""Who asks for switches, and for whom: a device for itself, or a back end with a machine token for anybody.

A device's facts come from its token and from what this worker follows; its context can only claim what any client may
claim. Only a machine token that carries `evaluate:any` names somebody else, by the targeting key.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from sampan.platform.audience.device_facts import facts_of_customer, facts_of_device
from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.known import NO_CLAIMS, facts_of
from sampan.platform.audience.problems import SubjectUnknown
from sampan.platform.core import Core
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.identity.problems import TokenMissing
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.actor import Actor, ActorKind, MissingPermission
from sampan.platform.operators.security_log import note_refusal
from sampan.platform.operators.session_rows import MACHINE_PREFIX
from sampan.platform.operators.signed_in import SessionEnded, recognise
from sampan.platform.workspaces.replica import WorkspaceView

EVALUATE_ANY = "evaluate:any"
MAX_KEY = 200
Claim = Annotated[str, msgspec.Meta(max_length=200)]
KEPT_MS = 1000
KEPT = 10_000
_MACHINE = MACHINE_PREFIX.encode()
Found = TypeVar("Found")


class Context(Claims, frozen=True, gc=False):
    """What a client says of whom it asks for; other members are ignored. Claims are as long as in a sync at most.

    What claims let through is remembered by their text (audience/index), so their length bounds memory.
    """

    platform: Claim = ""
    os_version: Claim = ""
    app_version: Claim = ""
    model: Claim = ""
    network: Claim = ""
    region: Claim = ""
    language: Claim = ""
    targeting_key: str = msgspec.field(default="", name="targetingKey")


class Asked(msgspec.Struct, frozen=True):
    """One question: who asks, in one workspace, and what is known of whom it is about."""

    owner: str
    targeting_key: str
    facts: Facts
    is_machine: bool


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
        self._named: _Kept[Facts | None] = _Kept()

    async def ask(
        self,
        view: WorkspaceView,
        workspace_id: str,
        authorization: bytes | None,
        api_key: bytes | None,
        context: Context,
        *,
        source: str,
    ) -> Asked:
        """Return the question; raise `Unauthorized` or `Forbidden` errors, or `BadContext`."""
        secret = _machine_secret(authorization, api_key)
        if secret is None:
            if api_key is not None and authorization is None:
                raise TokenMissing("X-API-Key takes a machine token; a device sends Authorization: Bearer.")
            caller = authenticate(self._core, workspace_id, authorization)
            facts = facts_of(view, caller, now_ms=self._core.now_ms(), claims=context)
            return Asked(caller.device_id, context.targeting_key, facts, False)
        actor = await self._actor(workspace_id, secret, source)
        key = context.targeting_key
        if not key:
            raise BadContext("TARGETING_KEY_MISSING", "A back end says by context.targetingKey whom it asks for.")
        if len(key) > MAX_KEY:
            raise BadContext("INVALID_CONTEXT", f"context.targetingKey has at most {MAX_KEY} characters.")
        facts = await self._facts(view, workspace_id, key, context)
        return Asked(actor.via, key, facts, True)

    async def _actor(self, workspace_id: str, secret: str, source: str) -> Actor:
        async def find() -> Actor:
            return (await recognise(self._core, workspace_id, secret, source=source)).actor

        try:
            actor = await self._actors.get((workspace_id, secret), find, self._core.now_ms())
        except SessionEnded:
            await note_refusal(self._core, workspace_id, "session_ended", path="/ofrep")
            raise
        if actor.kind != ActorKind.MACHINE or not actor.may(EVALUATE_ANY):
            await note_refusal(
                self._core, workspace_id, "missing_permission", permission=EVALUATE_ANY, operator=actor.operator_id
            )
            raise MissingPermission(
                f"This machine token does not carry {EVALUATE_ANY!r}. Make one that does.", permission=EVALUATE_ANY
            )
        return actor

    async def _facts(self, view: WorkspaceView, workspace_id: str, key: str, context: Context) -> Facts:
        now_ms = self._core.now_ms()

        async def find() -> Facts | None:
            return await self._read(view, workspace_id, key, now_ms)

        if not key.startswith(("cus_", "dev_")):  # a key of the back end's own: it decides places and nothing else
            stranger = Caller(workspace_id, "", key, -1, None, Tier.VISITOR, 0, 0, "")
            return facts_of(view, stranger, now_ms=now_ms, claims=context)
        found = await self._named.get((workspace_id, key), find, now_ms)
        if found is None:
            raise BadContext("INVALID_CONTEXT", f"There is no customer or device {key!r} here.")
        return replace(found.with_claims(context), now_ms=now_ms)

    async def _read(self, view: WorkspaceView, workspace_id: str, key: str, now_ms: int) -> Facts | None:
        try:
            async with self._core.store.workspace(workspace_id).read() as tx:
                if key.startswith("cus_"):
                    return await facts_of_customer(tx, view, key, now_ms=now_ms)
                return await facts_of_device(tx, view, key, now_ms=now_ms, claims=NO_CLAIMS)
        except SubjectUnknown:
            return None


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
