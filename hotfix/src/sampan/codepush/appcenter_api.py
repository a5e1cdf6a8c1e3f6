"""`/codepush/v0.1/...`: the same management as App Center spelled it, for `code-push` 4.x: `https://host/codepush/v0.1`.

Apps belong to the workspace; whatever owner a tool names before an app is not looked at, so that scripts go on as
they are. A release comes as an upload in pieces, whose address carries the token that the protocol wants there; it is
good for this upload alone and for an hour.
"""

import base64
import hashlib
import hmac
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sampan.codepush import releasing, repository, service, taking_in
from sampan.codepush.access import (
    Call,
    Handler,
    account_of,
    add_key,
    calls,
    message_error,
    own_keys,
    remove_key,
)
from sampan.codepush.bundles import MAX_BUNDLE_BYTES
from sampan.codepush.management_api import count_view, package, packages, wanted
from sampan.codepush.problems import BundleTooLarge, CodePushInUse, CodePushMalformed, UnknownCodePush
from sampan.codepush.records import App, Deployment, Release
from sampan.codepush.releasing import Wanted
from sampan.codepush.storage import chunk_key, uploads_key
from sampan.platform.core import Core
from sampan.platform.engines.objects import ObjectMissing
from sampan.platform.errors import SampanError
from sampan.platform.ids import new_id
from sampan.platform.operators.session_rows import MachineToken

BASE = "/codepush/v0.1"
APP, DEPLOYMENT = f"{BASE}/apps/{{owner}}/{{app}}", f"{BASE}/apps/{{owner}}/{{app}}/deployments/{{deployment}}"
CHUNK_BYTES = 4 * 1024 * 1024
LIFE_MS = 3_600_000
META = "meta"
_MOMENT = re.compile(r"[0-9]{1,15}")


def build_routes(core: Core) -> Sequence[BaseRoute]:
    """Return the routes."""
    call = calls(core, lambda request: request.headers.get("x-api-token", ""), message_error)

    @call
    async def user(call: Call) -> Response:
        name, email = await account_of(call)
        return JSONResponse({"id": call.workspace, "name": call.workspace, "display_name": name, "email": email})

    @call
    async def tokens(call: Call) -> Response:
        if call.request.method == "GET":
            return JSONResponse([_token(each) for each in await own_keys(call)])
        name = (await call.json()).get("description")
        if not isinstance(name, str):
            raise CodePushMalformed("Send `description`, the name of the key.")
        token, secret = await add_key(call, name, None)
        return JSONResponse(_token(token) | {"api_token": secret}, 201)

    @call
    async def one_token(call: Call) -> Response:
        await remove_key(call, call.path("id"))
        return Response(status_code=204)

    @call
    async def apps(call: Call) -> Response:
        if call.request.method == "POST":
            body = await call.json()
            name = str(body.get("name") or body.get("display_name") or "")
            os, platform = str(body.get("os", "")), str(body.get("platform", ""))
            made = await service.add_app(core, call.workspace, call.actor, name, os, platform)
            return JSONResponse(_app(made, call.workspace), 201)
        async with core.store.workspace(call.workspace).read() as tx:
            found = await repository.list_apps(tx)
        return JSONResponse([_app(each, call.workspace) for each in found])

    @call
    async def one_app(call: Call) -> Response:
        name = call.path("app")
        if call.request.method == "DELETE":
            await service.remove_app(core, call.workspace, call.actor, name)
            return Response(status_code=204)
        if call.request.method == "PATCH":
            body = await call.json()
            new_name = str(body.get("name") or name)
            await service.rename_app(core, call.workspace, call.actor, name, new_name)
            name = new_name
        async with core.store.workspace(call.workspace).read() as tx:
            app = await service.present_app(tx, name)
        return JSONResponse(_app(app, call.workspace))

    @call
    async def users(call: Call) -> Response:
        name, email = await account_of(call)
        return JSONResponse([{"name": name, "email": email, "permissions": ["developer"]}])

    @call
    async def deployments(call: Call) -> Response:
        if call.request.method == "POST":
            body = await call.json()
            made = await service.add_deployment(
                core, call.workspace, call.actor, call.path("app"), str(body.get("name", "")), str(body.get("key", ""))
            )
            return JSONResponse(_deployment(made, None), 201)
        async with core.store.workspace(call.workspace).read() as tx:
            app = await service.present_app(tx, call.path("app"))
            found = await repository.list_deployments(tx, app.id)
            newest = await repository.newest_of(tx, [each.id for each in found])
        shown = await packages(call, list(newest.values()))
        return JSONResponse([_deployment(each, shown.get((each.id, each.last_n))) for each in found])

    @call
    async def one_deployment(call: Call) -> Response:
        app, name = _place(call)
        if call.request.method == "DELETE":
            await service.remove_deployment(core, call.workspace, call.actor, app, name)
            return Response(status_code=204)
        if call.request.method == "PATCH":
            new_name = str((await call.json()).get("name") or name)
            await service.rename_deployment(core, call.workspace, call.actor, app, name, new_name)
            name = new_name
        async with core.store.workspace(call.workspace).read() as tx:
            _app, found = await service.present_deployment(tx, app, name)
            newest = await repository.newest_of(tx, [found.id])
        shown = await packages(call, list(newest.values()))
        return JSONResponse(_deployment(found, shown.get((found.id, found.last_n))))

    @call
    async def metrics(call: Call) -> Response:
        async with core.store.workspace(call.workspace).read() as tx:
            _app, found = await service.present_deployment(tx, *_place(call))
            counted = await repository.list_counts(tx, found.id)
        return JSONResponse([{"label": each.label, **count_view(each)} for each in counted])

    @call
    async def uploads(call: Call) -> Response:
        call.actor.require(service.EDIT)
        upload = new_id("cpu")
        expires = core.now_ms() + LIFE_MS
        token = f"{expires}.{_seal(core, call.workspace, upload, expires)}"
        domain = f"{taking_in.server_of(core, call.request)}{BASE}"
        return JSONResponse({"id": upload, "upload_domain": domain, "token": token}, 201)

    @call
    async def releases(call: Call) -> Response:
        if call.request.method == "POST":
            return await _release(call, await call.json())
        if call.request.method == "DELETE":
            raise CodePushInUse("History stands: it says what devices were given. Disable releases instead.")
        async with core.store.workspace(call.workspace).read() as tx:
            _app, found = await service.present_deployment(tx, *_place(call))
            latest = await repository.latest_releases(tx, found.id, repository.SHOWN)
        shown = await packages(call, latest)
        return JSONResponse([_shown(shown[each.deployment_id, each.n]) for each in reversed(latest)])

    @call
    async def one_release(call: Call) -> Response:
        asked, label = _wanted(await call.json()), call.path("label")
        if label == "null":  # so says code-push-cli when nobody named a label: the newest
            label = ""
        done = await releasing.patch(core, call.workspace, call.actor, *_place(call), asked, label)
        return JSONResponse(await _one(call, done.release))

    @call
    async def promote(call: Call) -> Response:
        body = await call.json()
        done = await releasing.promote(
            core,
            call.workspace,
            call.actor,
            *_place(call),
            call.path("into"),
            _wanted(body),
            str(body.get("label") or ""),
        )
        return JSONResponse(await _one(call, done.release), 201)

    @call
    async def roll_back(call: Call) -> Response:
        label = str((await call.json()).get("label") or "")
        done = await releasing.roll_back(core, call.workspace, call.actor, *_place(call), label)
        return JSONResponse(await _one(call, done.release), 201)

    @call
    async def not_here(_call: Call) -> Response:
        raise CodePushInUse("Who may do what is given in the console, by roles. This server has no transfers.")

    return [
        Route(f"{BASE}/user", user),
        Route(f"{BASE}/api_tokens", tokens, methods=["GET", "POST"]),
        Route(f"{BASE}/api_tokens/{{id}}", one_token, methods=["DELETE"]),
        Route(f"{BASE}/apps", apps, methods=["GET", "POST"]),
        Route(f"{BASE}/orgs/{{owner}}/apps", apps, methods=["POST"]),
        Route(APP, one_app, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{APP}/users", users),
        Route(f"{APP}/transfer/{{into}}", not_here, methods=["POST"]),
        Route(f"{APP}/invitations", not_here, methods=["POST"]),
        Route(f"{APP}/invitations/{{email}}", not_here, methods=["DELETE"]),
        Route(f"{APP}/deployments", deployments, methods=["GET", "POST"]),
        Route(f"{APP}/deployments/", deployments, methods=["GET", "POST"]),
        Route(DEPLOYMENT, one_deployment, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{DEPLOYMENT}/metrics", metrics),
        Route(f"{DEPLOYMENT}/uploads", uploads, methods=["POST"]),
        Route(f"{DEPLOYMENT}/releases", releases, methods=["GET", "POST", "DELETE"]),
        Route(f"{DEPLOYMENT}/releases/{{label}}", one_release, methods=["PATCH"]),
        Route(f"{DEPLOYMENT}/promote_release/{{into}}", promote, methods=["POST"]),
        Route(f"{DEPLOYMENT}/rollback_release", roll_back, methods=["POST"]),
        *_upload_routes(core),
    ]


def _upload_routes(core: Core) -> list[Route]:
    """Return what `appcenter-file-upload-client` calls: size first, then the pieces, then the end."""

    async def set_metadata(request: Request) -> Response:
        workspace_id, upload = _uploading(core, request)
        size = _whole(request, "file_Size")
        if not 0 < size <= MAX_BUNDLE_BYTES:
            raise BundleTooLarge(f"A bundle has at most {MAX_BUNDLE_BYTES} bytes.", limit_bytes=MAX_BUNDLE_BYTES)
        await core.objects.put(chunk_key(workspace_id, upload, META), orjson.dumps(size))
        chunks = list(range(1, math.ceil(size / CHUNK_BYTES) + 1))
        body = {"error": False, "id": upload, "chunk_size": CHUNK_BYTES, "chunk_list": chunks, "resume_restart": False}
        return JSONResponse(body | {"blob_partitions": 1, "status_code": "Success"})

    async def upload_chunk(request: Request) -> Response:
        workspace_id, upload = _uploading(core, request)
        number, size = _whole(request, "block_number"), await _size(core, workspace_id, upload)
        wanted = min(CHUNK_BYTES, size - (number - 1) * CHUNK_BYTES)
        parts, taken = [], 0
        async for part in request.stream():
            taken += len(part)
            if taken > max(wanted, 0):
                break
            parts.append(part)
        if number < 1 or taken != wanted:
            raise CodePushMalformed(f"Piece {number} of this upload has {max(wanted, 0)} bytes.")
        await core.objects.put(chunk_key(workspace_id, upload, str(number)), b"".join(parts))
        return JSONResponse({"error": False, "chunk_num": number, "error_code": "None"})

    async def finished(request: Request) -> Response:
        workspace_id, upload = _uploading(core, request)
        size = await _size(core, workspace_id, upload)
        missing = [
            number
            for number in range(1, math.ceil(size / CHUNK_BYTES) + 1)
            if not await core.objects.exists(chunk_key(workspace_id, upload, str(number)))
        ]
        body: dict[str, Any] = {"error": False, "state": "Error" if missing else "Done", "missing_chunks": missing}
        return JSONResponse(body | {"message": "", "location": "", "absolute_uri": "", "raw_location": ""})

    async def cancel(request: Request) -> Response:
        workspace_id, upload = _uploading(core, request)
        await _forget(core, workspace_id, upload)
        return JSONResponse({"error": False, "message": "cancelled"})

    steps = {"set_metadata": set_metadata, "upload_chunk": upload_chunk, "finished": finished, "cancel": cancel}
    return [Route(f"{BASE}/upload/{name}/{{upload}}", _guarded(step), methods=["POST"]) for name, step in steps.items()]


def _guarded(step: Handler) -> Handler:
    async def handler(request: Request) -> Response:
        try:
            return await step(request)
        except SampanError as problem:
            return message_error(problem)

    return handler


async def _release(call: Call, body: dict[str, Any]) -> Response:
    call.actor.require(service.EDIT)
    upload = body.get("release_upload")
    if not isinstance(upload, dict) or not isinstance(upload.get("id"), str):
        raise CodePushMalformed("Send `release_upload`, as the upload was given to you.")
    _require_token(call.core, call.workspace, upload["id"], str(upload.get("token", "")))
    asked = wanted(
        body.get("target_binary_version"),
        body.get("description"),
        body.get("disabled"),
        body.get("mandatory"),
        body.get("rollout"),
    )
    async with taking_in.aside(call.core) as archive:
        size = await _size(call.core, call.workspace, upload["id"])
        with archive.open("wb") as file:
            for number in range(1, math.ceil(size / CHUNK_BYTES) + 1):
                file.write(await _chunk(call.core, call.workspace, upload["id"], number))
        done = await releasing.release(call.core, call.workspace, call.actor, *_place(call), archive, asked)
    await _forget(call.core, call.workspace, upload["id"])
    return JSONResponse(await _one(call, done.release), 201)


async def _one(call: Call, release: Release) -> dict[str, Any]:
    return _shown(await package(call, release))


def _shown(package: dict[str, Any]) -> dict[str, Any]:
    """Return a label as App Center spelled it."""
    return {
        "label": package["label"],
        "target_binary_range": package["appVersion"],
        "description": package["description"],
        "is_disabled": package["isDisabled"],
        "is_mandatory": package["isMandatory"],
        "rollout": package["rollout"],
        "package_hash": package["packageHash"],
        "blob_url": package["blobUrl"],
        "size": package["size"],
        "diff_package_map": package["diffPackageMap"],
        "release_method": package["releaseMethod"],
        "original_label": package["originalLabel"],
        "original_deployment": package["originalDeployment"],
        "released_by": package["releasedBy"],
        "upload_time": package["uploadTime"],
    }


def _app(app: App, workspace_id: str) -> dict[str, Any]:
    owner = {"id": workspace_id, "name": workspace_id, "display_name": workspace_id, "type": "org"}
    return {
        "id": app.id,
        "name": app.name,
        "display_name": app.name,
        "os": app.os,
        "platform": app.platform,
        "owner": owner,
    }


def _deployment(deployment: Deployment, package: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "name": deployment.name,
        "key": deployment.key,
        "latest_release": None if package is None else _shown(package),
    }


def _token(token: MachineToken) -> dict[str, Any]:
    moment = datetime.fromtimestamp(token.created_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {"id": token.id, "description": token.name, "created_at": moment, "scope": ["all"]}


def _place(call: Call) -> tuple[str, str]:
    return call.path("app"), call.path("deployment")


def _wanted(body: dict[str, Any]) -> Wanted:
    return wanted(
        body.get("target_binary_range"),
        body.get("description"),
        body.get("is_disabled"),
        body.get("is_mandatory"),
        body.get("rollout"),
    )


def _uploading(core: Core, request: Request) -> tuple[str, str]:
    """Return workspace and upload; raise `UnknownCodePush` unless the address carries the upload's token."""
    workspace_id: str = request.scope["sampan_workspace"]
    upload = str(request.path_params["upload"])
    _require_token(core, workspace_id, upload, request.query_params.get("token", ""))
    return workspace_id, upload


def _require_token(core: Core, workspace_id: str, upload: str, token: str) -> None:
    expires, _, seal = token.partition(".")
    is_alive = _MOMENT.fullmatch(expires) is not None and core.now_ms() < int(expires)
    wanted_seal = _seal(core, workspace_id, upload, int(expires)) if is_alive else ""
    if not is_alive or not hmac.compare_digest(seal.encode(), wanted_seal.encode()):
        raise UnknownCodePush("There is no such upload, or it took longer than an hour. Begin again.")


def _seal(core: Core, workspace_id: str, upload: str, expires: int) -> str:
    secret = core.secret(f"codepush-uploads/{workspace_id}")
    sealed = hmac.new(secret, f"{upload}\n{expires}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(sealed[:24]).decode()


def _whole(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if _MOMENT.fullmatch(text) is None:
        raise CodePushMalformed(f"`{name}` is a whole number.")
    return int(text)


async def _size(core: Core, workspace_id: str, upload: str) -> int:
    try:
        return int(await core.objects.get(chunk_key(workspace_id, upload, META), 100))
    except ObjectMissing as problem:
        raise UnknownCodePush("There is no such upload. Begin again.") from problem


async def _chunk(core: Core, workspace_id: str, upload: str, number: int) -> bytes:
    try:
        return await core.objects.get(chunk_key(workspace_id, upload, str(number)), CHUNK_BYTES)
    except ObjectMissing as problem:
        raise CodePushMalformed(f"Piece {number} of the upload is missing.") from problem


async def _forget(core: Core, workspace_id: str, upload: str) -> None:
    async for key in core.objects.keys(uploads_key(workspace_id, upload)):
        await core.objects.delete(key)
