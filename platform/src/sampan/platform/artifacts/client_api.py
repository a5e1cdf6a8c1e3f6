"""HTTP for testers' devices: where a trial version is, and the root of the trial tree that vouches for it.

The address of the code that testers scan leads to the shell's page of the trial, which also knows the super-app's link.

The root is told to testers alone; everybody else gets the same 404, whether the version exists or not.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sampan.platform.artifacts.problems import TrialUnknown
from sampan.platform.artifacts.trial_links import deep_link, shell_link
from sampan.platform.artifacts.trial_part import TRIAL_PART, TrialPart, TrialVersion
from sampan.platform.core import Core
from sampan.platform.hosts import origin
from sampan.platform.identity.caller import authenticate
from sampan.platform.ids import APP_ID
from sampan.platform.trust.profiles import TRIAL
from sampan.platform.trust.service import current_role
from sampan.platform.workspaces.host_rows import hosts_of


def build_routes(core: Core) -> Sequence[BaseRoute]:
    """Return the routes."""
    hosts = hosts_of(core)

    async def trial(request: Request) -> Response:
        workspace_id = request.scope["sampan_workspace"]
        header = request.headers.get("authorization")
        caller = authenticate(core, workspace_id, header.encode() if header is not None else None)
        part: TrialPart = core.replica.view(workspace_id).parts[TRIAL_PART]
        found = part.find(
            request.path_params["app"],
            request.path_params["sequence"],
            device_id=caller.device_id,
            customer_id=caller.customer_id,
        )
        if found is None:
            raise _unknown()
        async with core.store.workspace(workspace_id).read() as tx:
            root = await current_role(tx, TRIAL.name, "root")
        if root is None:
            raise _unknown()
        return JSONResponse(_answer(workspace_id, found, root.body), headers={"cache-control": "no-store"})

    async def open_trial(request: Request) -> Response:
        app_id = request.path_params["app"]
        if APP_ID.fullmatch(app_id) is None:
            raise _unknown()
        workspace_id, sequence = request.scope["sampan_workspace"], request.path_params["sequence"]
        shell = next(iter(hosts.shells_of(workspace_id)), "")
        if not shell:
            return RedirectResponse(deep_link(workspace_id, app_id, sequence), status_code=302)
        target = shell_link(origin(hosts.names, request.scope, shell), app_id, sequence)
        return RedirectResponse(target, status_code=302)

    return [
        Route("/client/v1/trial/{app}/{sequence:int}", trial),
        Route("/open/trial/{app}/{sequence:int}", open_trial),
    ]


def _answer(workspace_id: str, version: TrialVersion, root: bytes) -> dict[str, Any]:
    tree = f"/trust/{workspace_id}/{TRIAL.name}"
    return {
        "app": version.app_id,
        "sequence": version.sequence,
        "version": version.version,
        "digest": version.digest,
        "size": version.size_bytes,
        "tree": {
            "name": f"{workspace_id}/{TRIAL.name}",
            "metadata": f"{tree}/metadata/",
            "targets": f"{tree}/targets/",
            "files": f"{tree}/files/",
        },
        "root": orjson.loads(root),
    }


def _unknown() -> TrialUnknown:
    return TrialUnknown("There is no such trial for you. Ask the bank to name this device as a tester of the app.")
