"""The two addresses of a trial version: a deep link for the super-app, and a web address that leads to it."""

from sampan.platform.settings import Settings


def deep_link(workspace_id: str, app_id: str, sequence: int) -> str:
    """Return the link that the super-app opens."""
    return f"sampan://trial/{workspace_id}/{app_id}/{sequence}"


def web_link(settings: Settings, workspace_id: str, app_id: str, sequence: int) -> str:
    """Return the address to send to testers; it redirects to the deep link."""
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return f"{base}/w/{workspace_id}/open/trial/{app_id}/{sequence}"
