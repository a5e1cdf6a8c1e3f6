"""The demo super-app's built pages: served at / of every workspace's own host, and nowhere else.

Apps run in frames of their own origins; the policy lets no other frame in, because an app could take its data out by
navigating itself. Trusted Types: no text becomes markup or script in the page that holds the customer's session.
"""

from pathlib import Path

from sampan.platform.hosts import Surface
from sampan.platform.static_sites import StaticSite

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; media-src 'self' blob:; frame-src {apps}; worker-src 'self'; "
    "manifest-src 'self'; require-trusted-types-for 'script'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; object-src 'none'"
)
WEB = Path(__file__).parent / "web"
site = StaticSite(name="shell", surface=Surface.WORKSPACE, prefix="/", folder=WEB / "shell", csp=CSP, build="./dev web")
