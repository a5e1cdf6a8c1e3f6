"""Releases of values over the console API, in the scene of switches."""

from typing import Any

from switch_scene import EVERYONE, Scene

from sampan.platform.testing_device import TestDevice


async def draft(desk: Scene, kind: str, target: str, sequence: int, **members: Any) -> Any:
    """Make a draft; return the answer's JSON."""
    body = {"kind": kind, "id": target, "sequence": sequence, "audience": EVERYONE, **members}
    return await desk.done("POST", "/releases", body)


async def release(desk: Scene, kind: str, target: str, sequence: int, **members: Any) -> str:
    """Make, submit and approve a release; return its id."""
    made = await draft(desk, kind, target, sequence, **members)
    await desk.approve(await desk.done("POST", f"/releases/{made['id']}/submit", {"cause": ""}))
    return str(made["id"])


async def act(desk: Scene, release_id: str, verb: str, cause: str = "because") -> Any:
    """Do something to a release; return it as it is then."""
    return await desk.done("POST", f"/releases/{release_id}/{verb}", {"cause": cause})


def stages(*shares: int) -> list[dict[str, Any]]:
    """Return a plan of stages by share, in basis points."""
    return [{"name": f"stage {n}", "basis_points": share} for n, share in enumerate(shares, start=1)]


async def synced(device: TestDevice, app_version: str = "", **device_members: Any) -> Any:
    """Return the answer of a sync as JSON."""
    body = {"client_app": "retail", "device": {"app_version": app_version, **device_members}}
    answer = await device.http.post(
        f"{device.prefix}/client/v1/sync", json=body, headers={"authorization": device.bearer.decode()}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()
