"""CodePush on the operators' desk: an app with two deployments, labels given out and one that waits, and reports."""

import json
from typing import TYPE_CHECKING, Any

import httpx2
from codepush_scene import APP, KEY, bundle, files_of

if TYPE_CHECKING:
    from sampan.platform.testing_cli import DemoServer

RELEASER, REVIEWER = "release@demo.example", "reviewer@demo.example"
DEPLOYMENT = "Production"
PERMISSIONS = ["codepush:read", "codepush:edit", "codepush:lower"]
REPORTS = "/v0.1/public/codepush/report_status"


def make_codepush(server: "DemoServer", app: str = APP) -> tuple[str, str]:
    """Make the app unless it is there; return it and its deployment with a history."""
    api = server.api(RELEASER)
    if any(each["name"] == app for each in api.items("/codepush/apps")):
        return app, DEPLOYMENT
    api.post("/codepush/apps", {"name": app, "os": "iOS"})
    made = {name: api.post(f"/codepush/apps/{app}/deployments", {"name": name}) for name in ("Staging", DEPLOYMENT)}
    path = f"/codepush/apps/{app}/deployments/{DEPLOYMENT}/public-key"
    server.sessions.approve(REVIEWER, str(api.put(path, {"public_key": KEY.public})["change"]))
    token = str(api.post("/tokens", {"name": f"codepush-{app}", "permissions": PERMISSIONS, "days": 1})["secret"])
    for text, info in (
        ("one", {"description": "The first update"}),
        ("two", {"description": "Transfers are quicker", "isMandatory": True}),
        ("three", {"description": "A new home page", "rollout": 25}),
    ):
        _release(server, token, app, text, info)
        if text != "three":
            approve_codepush(server, app)
    _report(server, str(made[DEPLOYMENT]["key"]))
    return app, DEPLOYMENT


def _release(server: "DemoServer", token: str, app: str, text: str, info: dict[str, Any]) -> None:
    answer = httpx2.post(
        f"{server.address}/codepush/apps/{app}/deployments/{DEPLOYMENT}/release",
        headers={"authorization": f"Bearer {token}"},
        files={"package": ("bundle.zip", bundle(files_of(text)), "application/zip")},
        data={"packageInfo": json.dumps({"appVersion": "1.0.0", **info})},
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text


def approve_codepush(server: "DemoServer", app: str) -> None:
    """Approve what waits of an app's releases."""
    for change in server.api(REVIEWER).items("/changes", state="proposed"):
        if change["kind"] == "codepush.release" and change["payload"]["app"] == app:
            server.sessions.approve(REVIEWER, str(change["id"]))


def _report(server: "DemoServer", key: str) -> None:
    """Tell what three devices did, as stock clients tell it."""
    for n in range(3):
        said = {"deployment_key": key, "app_version": "1.0.0", "client_unique_id": f"device-{n}"}
        status = "DeploymentFailed" if n == 2 else "DeploymentSucceeded"  # the last one
        told = [("deploy", said), ("download", {**said, "label": "v2"})]
        told.append(("deploy", {**said, "label": "v2", "status": status}))
        for what, body in told[n > 1 :]:
            answer = httpx2.post(f"{server.address}{REPORTS}/{what}", json=body, trust_env=False)
            assert answer.status_code == httpx2.codes.OK, answer.text
