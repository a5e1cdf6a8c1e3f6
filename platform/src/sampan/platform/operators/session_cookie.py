"""The cookie that a browser's session lies in. It knows no web framework: streams of the data plane ask it too."""

from typing import ClassVar

from sampan.platform.errors import Forbidden


class ForeignOrigin(Forbidden):
    """The request changes something, came by a cookie, and was not made by a page of this host."""

    code: ClassVar[str] = "foreign_origin"


def cookie_name(workspace_id: str) -> str:
    """Return the name of the session cookie; `__Host-` binds it to this host, https and the path /."""
    return f"__Host-sampan-{workspace_id}"
