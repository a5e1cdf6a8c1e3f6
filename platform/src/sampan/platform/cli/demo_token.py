"""Tokens of the demo's devices, for trying the client API by hand."""

from typing import Any

import httpx2

from sampan.platform.cli.api import TIMEOUT_SECONDS, ServerRefused, ServerUnreachable
from sampan.platform.cli.demo_folder import WORKSPACE, DemoFolder, write_secret

LOOK_SECONDS = 3.0
SERVER_FAULT = 500


def answers(server: str) -> bool:
    """Whether a server answers there now."""
    try:
        return httpx2.get(f"{server}/readyz", timeout=LOOK_SECONDS, trust_env=False).status_code < SERVER_FAULT
    except httpx2.TransportError:
        return False


def mint(folder: DemoFolder, server: str, tier: str, client_app: str) -> dict[str, Any]:
    """Return the tokens of a new device and where its private key lies; raise `ServerRefused` outside a demo."""
    address = f"{server}/w/{WORKSPACE}/client/v1/demo/token"
    body = {"tier": tier, "client_app": client_app}
    try:
        answer = httpx2.post(address, json=body, timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx2.TransportError as problem:
        raise ServerUnreachable(f"No answer from {server}: {problem}. Is `sampan up --demo` running?") from problem
    if answer.status_code == 404:
        raise ServerRefused(404, "no_demo_here", f"The server on {server} is no demo.")
    found: dict[str, Any] = answer.json()
    if answer.status_code >= 400:
        raise ServerRefused(answer.status_code, str(found.get("code", "refused")), str(found.get("detail", found)))
    path = folder.people / "devices" / f"{found['device']}.pem"
    write_secret(path, found.pop("device_key_pem"))
    return {**found, "device_key_file": str(path)}
