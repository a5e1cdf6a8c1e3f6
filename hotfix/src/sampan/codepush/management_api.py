"""`/codepush/...`: the management protocol of microsoft/code-push-server, as `code-push` 2.x and its tools speak it."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sampan.codepush import releasing, repository, service, taking_in
from sampan.codepush.access import (
    Call,
    account_of,
    add_key,
    calls,
    emails_of,
    json_object,
    own_keys,
    remove_key,
    text_error,
)
from sampan.codepush.problems import CodePushInUse, CodePushMalformed
from sampan.codepush.records import EVERYBODY, App, Count, Deployment, Difference, Release, State
from sampan.codepush.releasing import Wanted
from sampan.codepush.taking_in import address_of
from sampan.platform.core import Core
from sampan.platform.operators.session_rows import MachineToken

BASE = "/codepush"
APP, DEPLOYMENT = f"{BASE}/apps/{{app}}", f"{BASE}/apps/{{app}}/deployments/{{deployment}}"


def build_routes(core: Core) -> Sequence[BaseRoute]:
    """Return the routes."""
    call = calls(core, _bearer, text_error)

    @call
    async def authenticated(_call: Call) -> Response:
        return JSONResponse({"authenticated": True})

    @call
    async def account(call: Call) -> Response:
        name, email = await account_of(call)
        return JSONResponse({"account": {"name": name, "email": email, "linkedProviders": []}})

    @call
    async def list_keys(call: Call) -> Response:
        return JSONResponse({"accessKeys": [_key(each) for each in await own_keys(call)]})

    @call
    async def make_key(call: Call) -> Response:
        body = await call.json()
        name, ttl = body.get("friendlyName"), body.get("ttl")
        if not isinstance(name, str) or not isinstance(ttl, int | None):
            raise CodePushMalformed("Send `friendlyName`, and `ttl` in milliseconds.")
        token, secret = await add_key(call, name, ttl)
        return JSONResponse({"accessKey": _key(token) | {"name": secret}}, 201)

    @call
    async def one_key(call: Call) -> Response:
        name = call.path("name")
        if call.request.method == "DELETE":
            await remove_key(call, name)
            return Response(status_code=204)
        found = [each for each in await own_keys(call) if each.name == name]
        return JSONResponse({"accessKey": _key(found[0])}) if found else _missing(f"You have no access key {name!r}.")

    @call
    async def list_apps(call: Call) -> Response:
        async with core.store.workspace(call.workspace).read() as tx:
            apps = await repository.list_apps(tx)
            deployments = await repository.list_deployments(tx)
        email = (await account_of(call))[1]
        return JSONResponse({"apps": [_app(each, deployments, email) for each in apps]})

    @call
    async def make_app(call: Call) -> Response:
        body = await call.json()
        name = str(body.get("name", ""))
        await service.add_app(core, call.workspace, call.actor, name, _text(body, "os"), _text(body, "platform"))
        if not body.get("manuallyProvisionDeployments"):
            for each in service.STANDARD:
                await service.add_deployment(core, call.workspace, call.actor, name, each)
        return JSONResponse({"app": {"name": name}}, 201)

    @call
    async def one_app(call: Call) -> Response:
        name = _app_name(call)
        if call.request.method == "DELETE":
            await service.remove_app(core, call.workspace, call.actor, name)
            return Response(status_code=204)
        if call.request.method == "PATCH":
            new_name = str((await call.json()).get("name") or name)
            await service.rename_app(core, call.workspace, call.actor, name, new_name)
            name = new_name
        async with core.store.workspace(call.workspace).read() as tx:
            app = await service.present_app(tx, name)
            deployments = await repository.list_deployments(tx, app.id)
        return JSONResponse({"app": _app(app, deployments, (await account_of(call))[1])})

    @call
    async def collaborators(call: Call) -> Response:
        name, email = await account_of(call)
        owner = {"isCurrentAccount": True, "permission": "Collaborator"}
        return JSONResponse({"collaborators": {email or name: owner}})

    @call
    async def list_deployments(call: Call) -> Response:
        async with core.store.workspace(call.workspace).read() as tx:
            app = await service.present_app(tx, _app_name(call))
            found = await repository.list_deployments(tx, app.id)
            newest = await repository.newest_of(tx, [each.id for each in found])
        shown = await packages(call, list(newest.values()))
        return JSONResponse({"deployments": [_deployment(each, shown.get((each.id, each.last_n))) for each in found]})

    @call
    async def make_deployment(call: Call) -> Response:
        body = await call.json()
        made = await service.add_deployment(
            core, call.workspace, call.actor, _app_name(call), _text(body, "name"), _text(body, "key")
        )
        return JSONResponse({"deployment": _deployment(made, None)}, 201)

    @call
    async def one_deployment(call: Call) -> Response:
        app_name, name = _app_name(call), call.path("deployment")
        if call.request.method == "DELETE":
            await service.remove_deployment(core, call.workspace, call.actor, app_name, name)
            return Response(status_code=204)
        if call.request.method == "PATCH":
            new_name = str((await call.json()).get("name") or name)
            await service.rename_deployment(core, call.workspace, call.actor, app_name, name, new_name)
            name = new_name
        async with core.store.workspace(call.workspace).read() as tx:
            _app, found = await service.present_deployment(tx, app_name, name)
            newest = await repository.newest_of(tx, [found.id])
        shown = await packages(call, list(newest.values()))
        return JSONResponse({"deployment": _deployment(found, shown.get((found.id, found.last_n)))})

    @call
    async def release(call: Call) -> Response:
        if call.request.method == "PATCH":
            info = _info(await call.json())
            done = await releasing.patch(
                core, call.workspace, call.actor, *_place(call), _wanted(info), _text(info, "label")
            )
            return JSONResponse({"package": await package(call, done.release)})
        call.actor.require(service.EDIT)
        try:
            async with taking_in.bounded(call.request).form(max_files=1, max_fields=10) as form:
                upload, text = form.get("package"), form.get("packageInfo")
                if not isinstance(upload, UploadFile) or not isinstance(text, str):
                    raise CodePushMalformed("Send the parts `package`, a ZIP, and `packageInfo`, its JSON.")
                info = _info({"packageInfo": text})
                async with taking_in.spooled(core, upload) as archive:
                    done = await releasing.release(
                        core, call.workspace, call.actor, *_place(call), archive, _wanted(info)
                    )
        except MultiPartException as problem:
            raise CodePushMalformed(f"The body is no multipart form: {problem.message}") from problem
        headers = {"location": f"{BASE}/apps/{call.path('app')}/deployments/{call.path('deployment')}"}
        return JSONResponse({"package": await package(call, done.release)}, 201, headers)

    @call
    async def promote(call: Call) -> Response:
        info = _info(await call.json())
        app, source = _place(call)
        done = await releasing.promote(
            core, call.workspace, call.actor, app, source, call.path("into"), _wanted(info), _text(info, "label")
        )
        return JSONResponse({"package": await package(call, done.release)}, 201)

    @call
    async def roll_back(call: Call) -> Response:
        label = str(call.request.path_params.get("label", ""))
        done = await releasing.roll_back(core, call.workspace, call.actor, *_place(call), label)
        return JSONResponse({"package": await package(call, done.release)}, 201)

    @call
    async def history(call: Call) -> Response:
        if call.request.method == "DELETE":
            raise CodePushInUse("History stands: it says what devices were given. Disable releases instead.")
        async with core.store.workspace(call.workspace).read() as tx:
            _app, found = await service.present_deployment(tx, *_place(call))
            latest = await repository.latest_releases(tx, found.id, repository.SHOWN)
        shown = await packages(call, latest)
        return JSONResponse({"history": [shown[each.deployment_id, each.n] for each in reversed(latest)]})

    @call
    async def metrics(call: Call) -> Response:
        async with core.store.workspace(call.workspace).read() as tx:
            _app, found = await service.present_deployment(tx, *_place(call))
            counted = await repository.list_counts(tx, found.id)
        return JSONResponse({"metrics": {each.label: count_view(each) for each in counted}})

    @call
    async def not_here(_call: Call) -> Response:
        raise CodePushInUse("Who may do what is given in the console, by roles. This server has no transfers.")

    return [
        Route(f"{BASE}/authenticated", authenticated),
        Route(f"{BASE}/account", account),
        *_slashed(f"{BASE}/accessKeys", list_keys, ["GET"]),
        *_slashed(f"{BASE}/accessKeys", make_key, ["POST"]),
        Route(f"{BASE}/accessKeys/{{name}}", one_key, methods=["GET", "DELETE"]),
        *_slashed(f"{BASE}/apps", list_apps, ["GET"]),
        *_slashed(f"{BASE}/apps", make_app, ["POST"]),
        Route(APP, one_app, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{APP}/transfer/{{email}}", not_here, methods=["POST"]),
        Route(f"{APP}/collaborators", collaborators),
        Route(f"{APP}/collaborators/{{email}}", not_here, methods=["POST", "DELETE"]),
        *_slashed(f"{APP}/deployments", list_deployments, ["GET"]),
        *_slashed(f"{APP}/deployments", make_deployment, ["POST"]),
        Route(DEPLOYMENT, one_deployment, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{DEPLOYMENT}/release", release, methods=["POST", "PATCH"]),
        Route(f"{DEPLOYMENT}/promote/{{into}}", promote, methods=["POST"]),
        *_slashed(f"{DEPLOYMENT}/rollback", roll_back, ["POST"]),
        Route(f"{DEPLOYMENT}/rollback/{{label}}", roll_back, methods=["POST"]),
        Route(f"{DEPLOYMENT}/history", history, methods=["GET", "DELETE"]),
        Route(f"{DEPLOYMENT}/metrics", metrics),
    ]


async def package(call: Call, release: Release) -> dict[str, Any]:
    """Return a label as CodePush's tools read it."""
    return (await packages(call, [release]))[release.deployment_id, release.n]


async def packages(call: Call, releases: Sequence[Release]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return labels as CodePush's tools read them; one that is not approved is shown as disabled."""
    async with call.core.store.workspace(call.workspace).read() as tx:
        leading = await repository.find_differences(tx, {each.bundle for each in releases})
    emails = await emails_of(call.core, call.workspace, {each.released_by for each in releases})
    base = address_of(call.core, call.request)
    return {
        (each.deployment_id, each.n): _package(
            each, [one for one in leading if one.target == each.bundle], emails, base
        )
        for each in releases
    }


def count_view(count: Count) -> dict[str, int]:
    """Return the numbers of a label."""
    return {name: getattr(count, name) for name in ("active", "downloaded", "failed", "installed")}


def _package(release: Release, leading: Sequence[Difference], emails: Mapping[str, str], base: str) -> dict[str, Any]:
    smaller = {each.base_hash: {"size": each.size_bytes, "url": f"{base}{each.sha256}"} for each in leading}
    return {
        "label": release.label,
        "appVersion": release.app_version,
        "description": release.description,
        "isDisabled": release.is_disabled or release.state is not State.APPROVED,
        "isMandatory": release.is_mandatory,
        "rollout": None if release.rollout == EVERYBODY else release.rollout,
        "packageHash": release.package_hash,
        "blobUrl": f"{base}{release.bundle}" if release.bundle else "",
        "size": release.size_bytes,
        "diffPackageMap": smaller,
        "releaseMethod": str(release.method),
        "originalLabel": release.original_label or None,
        "originalDeployment": release.original_deployment or None,
        "releasedBy": emails.get(release.released_by, ""),
        "uploadTime": release.created_ms,
    }


def _deployment(deployment: Deployment, shown: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"name": deployment.name, "key": deployment.key, "package": shown}


def _app(app: App, deployments: Sequence[Deployment], email: str) -> dict[str, Any]:
    return {
        "name": app.name,
        "os": app.os,
        "platform": app.platform,
        "collaborators": {email: {"isCurrentAccount": True, "permission": "Collaborator"}} if email else {},
        "deployments": [each.name for each in deployments if each.app_id == app.id],
    }


def _key(token: MachineToken) -> dict[str, Any]:
    return {
        "createdTime": token.created_ms,
        "expires": token.expires_ms,
        "friendlyName": token.name,
        "name": "(hidden)",
        "isSession": False,
    }


def _bearer(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else ""


def _app_name(call: Call) -> str:
    """Return the app's name; tools may put an owner before it, and write the slash between as two tildes."""
    return call.path("app").rpartition("~~")[2].rpartition(":")[2]


def _place(call: Call) -> tuple[str, str]:
    return _app_name(call), call.path("deployment")


def _info(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the member `packageInfo`, an object or its text."""
    info = body.get("packageInfo", {})
    if isinstance(info, str):
        return json_object(info, "`packageInfo`")
    if not isinstance(info, dict):
        raise CodePushMalformed("`packageInfo` is a JSON object.")
    return info


def _wanted(info: Mapping[str, Any]) -> Wanted:
    return wanted(
        info.get("appVersion"),
        info.get("description"),
        info.get("isDisabled"),
        info.get("isMandatory"),
        info.get("rollout"),
    )


def wanted(app_version: Any, description: Any, is_disabled: Any, is_mandatory: Any, rollout: Any) -> Wanted:
    """Return what is asked of a release; raise `CodePushMalformed` for values of other kinds."""
    are_texts = all(isinstance(each, str | None) for each in (app_version, description))
    are_flags = all(isinstance(each, bool | None) for each in (is_disabled, is_mandatory))
    is_number = isinstance(rollout, int | None) and not isinstance(rollout, bool)
    if not (are_texts and are_flags and is_number):
        raise CodePushMalformed(
            "Versions and descriptions are texts, disabled and mandatory true or false, a rollout a whole number."
        )
    return Wanted(app_version, description, is_disabled, is_mandatory, rollout)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise CodePushMalformed(f"`{name}` is a text.")
    return value


def _missing(sentence: str) -> Response:
    return Response(sentence, 404, media_type="text/plain")


def _slashed(path: str, endpoint: Any, methods: list[str]) -> list[Route]:
    """Return the route with and without a slash at its end: tools send both."""
    return [Route(path, endpoint, methods=methods), Route(f"{path}/", endpoint, methods=methods)]
