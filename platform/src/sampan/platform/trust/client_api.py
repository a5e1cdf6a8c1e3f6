"""HTTP for devices and any TUF client: the static trees."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Mount

from sampan.platform.core import Core
from sampan.platform.trust.static_files import TrustFiles


def routes(core: Core) -> Sequence[BaseRoute]:
    """Return the routes below `/trust`."""
    return [Mount("/trust", app=TrustFiles(core))]
