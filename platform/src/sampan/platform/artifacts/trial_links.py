"""The addresses of a trial version: a deep link for the super-app, the shell's page, and the one that leads there."""

from sampan.platform.settings import Settings


def deep_link(workspace_id: str, app_id: str, sequence: int) -> str:
    """Return the link that the super-app opens."""
    return f"sampan://trial/{workspace_id}/{app_id}/{sequence}"


def web_link(settings: Settings, workspace_id: str, app_id: str, sequence: int) -> str:
    """Return the address to send to testers; it leads to the shell's page of the trial."""
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return f"{base}/w/{workspace_id}/open/trial/{app_id}/{sequence}"


def shell_link(shell_origin: str, app_id: str, sequence: int) -> str:
    """Return the shell's page of a trial: it opens there for a named tester, or in the super-app."""
    return f"{shell_origin}/#/trial/{app_id}/{sequence}"
