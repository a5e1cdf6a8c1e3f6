"""The files that a W3C MiniApp package must hold (Packaging, "Package content"), given its paths."""

from collections.abc import Collection

from sampan.offline_packages.manifest import Kind, Manifest
from sampan.offline_packages.refusals import (
    LayoutFileMissing,
    LayoutPageMissing,
    LayoutPagesFolder,
    LayoutSubPackageEmpty,
    PackageRefused,
)

MANIFEST, APP_JS, APP_CSS = "manifest.json", "app.js", "app.css"
BARE_PAGES = ("index",)
"""The pages of a plain H5 build: its one `index.html`."""


def page_file(route: str) -> str:
    """Return the file that shows the page of a route."""
    return f"{route}.html"


def layout_refusals(paths: Collection[str], manifest: Manifest) -> list[PackageRefused]:
    """Return a refusal for everything that the manifest demands and `paths` do not hold, widgets too."""
    widgets = [page_file(widget.path) for widget in manifest.widgets]
    return [
        *missing_files(
            paths,
            manifest.vendor.kind,
            manifest.pages,
            [part.root for part in manifest.vendor.sub_packages],
        ),
        *(LayoutPageMissing(file) for file in widgets if file not in paths),
    ]


def missing_files(
    paths: Collection[str], kind: Kind, pages: Collection[str], roots: Collection[str] = ()
) -> list[PackageRefused]:
    """Return a refusal for every file or folder that is demanded and absent; `roots` are sub-packages'."""
    refusals: list[PackageRefused] = []
    if kind is Kind.MINIAPP:
        refusals += [LayoutFileMissing(name) for name in (APP_JS, APP_CSS) if name not in paths]
        has_pages = any(path.startswith("pages/") for path in paths)
        if not has_pages and tuple(pages) != BARE_PAGES:
            refusals.append(LayoutPagesFolder("pages/"))
    refusals += [LayoutPageMissing(page_file(route)) for route in pages if page_file(route) not in paths]
    for root in roots:
        if not any(path.startswith(f"{root}/") for path in paths):
            refusals.append(LayoutSubPackageEmpty(root))
    return refusals
