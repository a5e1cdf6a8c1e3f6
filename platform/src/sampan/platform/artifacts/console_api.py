"""The routes of this floor below /console/api/v1."""

from fastapi import APIRouter

from sampan.platform.artifacts import console_apps, console_comparison, console_versions
from sampan.platform.core import Core


def build_routes(core: Core) -> APIRouter:
    """Return the router with all routes of publishers, apps, versions and reviews."""
    router = APIRouter(tags=["publishing"])
    console_apps.add_publisher_routes(router, core)
    console_apps.add_app_routes(router, core)
    console_versions.add_version_routes(router, core)
    console_versions.add_content_routes(router, core)
    console_comparison.add_comparison_routes(router, core)
    console_versions.add_review_routes(router, core)
    console_versions.add_renewal_routes(router, core)
    return router
