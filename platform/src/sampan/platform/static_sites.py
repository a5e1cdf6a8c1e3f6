"""Built web pages as the server's own: the console, a workspace's shell, and the page that leads to both.

A component contributes a `StaticSite`. Raw ASGI: pages and their files are looked up by their path in memory, where
they are read to once; a folder that was built anew is read again when its first page is asked for next.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from msgspec import Struct, field
from starlette.types import Receive, Scope, Send

from sampan.platform.errors import Unavailable
from sampan.platform.hosts import HostNames, Hosts, Place, Surface, apps_source, origin
from sampan.platform.hot import header, send_bytes
from sampan.platform.problems import MethodNotAllowed, RouteNotFound, send_problem
from sampan.platform.static_files import StaticFile, file_from, read_folder, send_file

INDEX = "index.html"
LANDING_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class SiteNotBuilt(Unavailable):
    """The pages were not built yet; the sentence says which command builds them."""

    code = "site_not_built"


class StaticSite(Struct, frozen=True):
    """A built page with its files, served on one surface below a prefix that ends with a slash.

    `csp` is the Content-Security-Policy of its pages; `{apps}` in it becomes the source of all apps' origins. Below
    the prefixes in `spa` every path that is no file answers with the index: the page has routes of its own there.
    What lies below `without` is not the site's.
    """

    name: str
    surface: Surface
    prefix: str
    folder: Path
    csp: str
    build: str
    spa: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class Site(Struct):
    """One site as an application: answers every path below its prefix that it has, and its routes."""

    about: StaticSite
    names: HostNames
    _files: Mapping[str, StaticFile] = field(default_factory=dict)
    _read_at_ns: int = -1

    @property
    def route(self) -> str:
        """The name of these requests in metrics."""
        return f"{self.about.prefix}*"

    def has(self, path: str) -> bool:
        """Whether this site answers the path."""
        about = self.about
        if path.startswith(about.without) or not path.startswith(about.prefix):
            return f"{path}/" == about.prefix
        name = path[len(about.prefix) :]
        return not name or path.startswith(about.spa) or name in (self._files or self._fresh())

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        _only_reads(scope)
        if not scope["path"].startswith(self.about.prefix):
            await send_bytes(send, 308, b"", ((b"location", self.about.prefix.encode()),))
            return
        name = scope["path"][len(self.about.prefix) :]
        file = (self._files or self._fresh()).get(name) if name and name != INDEX else None
        if file is None:
            if name.startswith("assets/"):
                raise RouteNotFound("This build of the page has no such file; load the page again.")
            file = self._fresh().get(INDEX)
        if file is None:
            await self._not_built(scope, send)
            return
        csp = self.about.csp.replace("{apps}", apps_source(self.names, scope))
        await send_file(file, scope, send, ((b"content-security-policy", csp.encode()),))

    def _fresh(self) -> Mapping[str, StaticFile]:
        """Return the files, read again when the build changed: one look at the index's time for each page."""
        try:
            built_ns = (self.about.folder / INDEX).stat().st_mtime_ns
        except OSError:
            built_ns = -1
        if built_ns != self._read_at_ns:
            self._files, self._read_at_ns = read_folder(self.about.folder), built_ns
        return self._files

    async def _not_built(self, scope: Scope, send: Send) -> None:
        problem = SiteNotBuilt(f"The pages of the {self.about.name} are not built. Run {self.about.build}.")
        if b"text/html" not in (header(scope, b"accept") or b""):
            await send_problem(send, problem)
            return
        page = file_from(_page(problem.title, f"<p>{escape(problem.detail)}</p>"), ".html")
        more = ((b"content-security-policy", LANDING_CSP.encode()),)
        await send_file(page, scope, send, more, status=int(problem.status))


class Landing:
    """The page at `/` where no workspace's shell is: it leads to the console and to the default workspace's shell."""

    route = "/"

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def has(self, path: str) -> bool:
        """Whether this is the path."""
        return path == "/"

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        _only_reads(scope)
        place: Place = scope["sampan_place"]
        links = [] if place.hides_console else [("/console/", "控制台 · Console", "for operators and publishers")]
        for name in self._hosts.shells_of(place.workspace_id)[:1]:
            links.append((origin(self._hosts.names, scope, name) + "/", "超级应用 · Super-app", "for customers"))
        items = "".join(
            f'<li><a href="{escape(url)}">{title}</a><br><small>{escape(url)}, {whom}</small></li>'
            for url, title, whom in links
        )
        page = file_from(_page("sampan", f"<ul>{items}</ul>"), ".html")
        await send_file(page, scope, send, ((b"content-security-policy", LANDING_CSP.encode()),))


class StaticSites:
    """All sites of a deployment, by surface."""

    def __init__(self, contributed: Sequence[StaticSite], hosts: Hosts) -> None:
        sites = [Site(each, hosts.names) for each in contributed]
        of = {surface: [site for site in sites if site.about.surface == surface] for surface in Surface}
        landing = Landing(hosts)
        self._by_surface: dict[Surface, Sequence[Site | Landing]] = {
            Surface.PLAIN: [*of[Surface.PLAIN], *([] if hosts.names.console else of[Surface.CONSOLE]), landing],
            Surface.CONSOLE: [*of[Surface.CONSOLE], landing],
            Surface.WORKSPACE: of[Surface.WORKSPACE],
        }

    def find(self, surface: Surface, path: str) -> Site | Landing | None:
        """Return the site that answers this path on this surface, or None."""
        return next((site for site in self._by_surface.get(surface, ()) if site.has(path)), None)


def _only_reads(scope: Scope) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodNotAllowed("This path answers GET, HEAD.", allow="GET, HEAD")


def _page(title: str, content: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>body{{font:16px/1.6 system-ui,sans-serif;max-width:40rem;"
        "margin:15vh auto;padding:0 1.5rem}li{margin:1rem 0}small{color:#666}</style></head>"
        f"<body><h1>{escape(title)}</h1>{content}</body></html>"
    ).encode()
