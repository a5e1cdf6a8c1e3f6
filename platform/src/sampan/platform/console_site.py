"""The console's built pages as a component: served at /console/, on the console's host when there is one."""

from pathlib import Path

from sampan.platform.component import Component
from sampan.platform.hosts import Surface
from sampan.platform.static_sites import StaticSite

CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-src {apps}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
site = StaticSite(
    name="console",
    surface=Surface.CONSOLE,
    prefix="/console/",
    folder=Path(__file__).parent / "web" / "console",
    csp=CSP,
    build="./dev web",
    spa=("/console/",),
    without=("/console/api/",),
)
component = Component("console-pages", (site,))
