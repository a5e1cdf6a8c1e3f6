"""Access keys of CodePush's tools: they are the platform's machine tokens, or the session of a command line.

A key acts as its owner, with at most the owner's permissions, and never approves. Like any machine token it makes no
further keys: a stolen one could outlive its revocation. So `addAccessKey` takes the session of a person.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sampan.codepush.problems import CodePushMalformed, UnknownCodePush
from sampan.codepush.service import EDIT, LOWER, READ
from sampan.platform.core import Core
from sampan.platform.engines.paging import MAX_LIMIT, Paging
from sampan.platform.errors import SampanError
from sampan.platform.hot import UNREADABLE, read_body
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.machine_tokens import DAY_MS, MAX_DAYS, create_token, list_tokens, revoke_token
from sampan.platform.operators.people_door import read_people
from sampan.platform.operators.person_rows import persons_by_ids
from sampan.platform.operators.session_rows import MachineToken
from sampan.platform.operators.signed_in import NotSignedIn, recognise

PERMISSIONS = (READ, EDIT, LOWER)
USUAL_DAYS = 60
MAX_BODY_BYTES = 64 * 1024
Handler = Callable[[Request], Awaitable[Response]]
Use = Callable[["Call"], Awaitable[Response]]


class Call(Struct, frozen=True):
    """One call of a tool: who makes it, where, with which body."""

    core: Core
    request: Request
    workspace: str
    actor: Actor

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    async def json(self) -> dict[str, Any]:
        """Return the body, an object; an empty one is `{}`. Raise `CodePushMalformed` or `BodyTooLarge`."""
        return json_object(await read_body(self.request.receive, MAX_BODY_BYTES) or b"{}", "The body")


def json_object(text: bytes | str, what: str) -> dict[str, Any]:
    """Return a JSON object, whose texts all can be stored; raise `CodePushMalformed`."""
    try:
        found = msgspec.json.decode(text)
    except UNREADABLE as problem:
        raise CodePushMalformed(f"{what} is not JSON.") from problem
    if not isinstance(found, dict):
        raise CodePushMalformed(f"{what} is a JSON object.")
    return found


def text_error(problem: SampanError) -> Response:
    """Return a refusal as CodePush's own server sends it."""
    return PlainTextResponse(problem.detail, problem.status, headers={"cache-control": "no-store"})


def message_error(problem: SampanError) -> Response:
    """Return a refusal as App Center sends it."""
    body = {"code": problem.code, "message": problem.detail, "statusCode": problem.status}
    return JSONResponse(body, problem.status, headers={"cache-control": "no-store"})


def calls(
    core: Core, secret_of: Callable[[Request], str], refuse: Callable[[SampanError], Response]
) -> Callable[[Use], Handler]:
    """Return a decorator: who calls is found by the access key, and refusals have the tools' own form."""

    def decorate(use: Use) -> Handler:
        @wraps(use)
        async def handler(request: Request) -> Response:
            try:
                workspace_id: str = request.scope["sampan_workspace"]
                secret = secret_of(request)
                if not secret:
                    raise NotSignedIn("Send an access key: a machine token of the console, or a session.")
                source = request.client.host if request.client else "unknown"
                found = await recognise(core, workspace_id, secret, source=source)
                found.actor.require(READ)
                return await use(Call(core, request, workspace_id, found.actor))
            except SampanError as problem:
                return refuse(problem)

        return handler

    return decorate


async def account_of(call: Call) -> tuple[str, str]:
    """Return name and e-mail address of the person that the key belongs to."""
    async with read_people(call.core, call.workspace) as tx:
        person = (await persons_by_ids(tx, [call.actor.person_id])).get(call.actor.person_id)
    return (person.name, person.email) if person else (call.actor.label, "")


async def emails_of(core: Core, workspace_id: str, person_ids: set[str]) -> dict[str, str]:
    """Return the e-mail addresses of persons, by id."""
    async with read_people(core, workspace_id) as tx:
        return {key: person.email for key, person in (await persons_by_ids(tx, sorted(person_ids))).items()}


async def add_key(call: Call, name: str, ttl_ms: int | None) -> tuple[MachineToken, str]:
    """Make an access key of the caller, who is a person; `ttl_ms` is rounded up to days."""
    days = USUAL_DAYS if not ttl_ms else min(MAX_DAYS, max(1, -(-ttl_ms // DAY_MS)))
    permissions = [name for name in PERMISSIONS if call.actor.holds(name)]
    return await create_token(call.core, call.workspace, call.actor, name=name, permissions=permissions, days=days)


async def own_keys(call: Call) -> list[MachineToken]:
    """Return the caller's own access keys: machine tokens that are good for CodePush."""
    found = await list_tokens(
        call.core,
        call.workspace,
        call.actor,
        Paging(limit=MAX_LIMIT),
        operator=call.actor.operator_id,
        is_active=True,
    )
    return [token for token in found.items if token.permissions & set(PERMISSIONS)]


async def remove_key(call: Call, name_or_id: str) -> None:
    """End an access key of the caller, by its name or id."""
    found = [token for token in await own_keys(call) if name_or_id in (token.name, token.id)]
    if not found:
        raise UnknownCodePush(f"You have no access key {name_or_id!r}.")
    for token in found:
        await revoke_token(call.core, call.workspace, call.actor, token.id)
