"""What a W3C MiniApp manifest (Working Draft 2025-01-28) says, as records. `manifest_parsing` reads them.

One vendor member, `x-sampan`, holds what the draft has no words for: what the app may reach, its shared
packages, sub-packages and redirects. Deviations from the draft: docs/protocols/package.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

VENDOR_MEMBER = "x-sampan"


class Kind(StrEnum):
    """What a package is: an app that opens, files that other packages mount, or a patch that native code loads."""

    MINIAPP = "miniapp"
    SHARED = "shared"
    NATIVE = "native"


class ProblemCode(StrEnum):
    """What is wrong with one member of a manifest."""

    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    BAD_VALUE = "bad_value"
    UNKNOWN = "unknown"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in a manifest: where (`version.code`, `icons[2].src`), which kind, and a sentence."""

    field: str
    code: ProblemCode
    message: str


@dataclass(frozen=True, slots=True)
class Icon:
    """An image of the app; `sizes` as in the Web App Manifest (`48x48`)."""

    src: str
    sizes: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """A bridge API the app asks for, and the reason it gives to customers."""

    name: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Widget:
    """A part of the app that the super-app may show by itself."""

    name: str
    path: str
    min_code: int


@dataclass(frozen=True, slots=True)
class Window:
    """How the container draws the window; every default is the draft's."""

    auto_design_width: bool = False
    background_color: str = "#ffffff"
    background_text_style: str = "dark"
    design_width: int = 750
    enable_pull_down_refresh: bool = False
    fullscreen: bool = False
    navigation_bar_background_color: str = "#000000"
    navigation_bar_text_style: str = "white"
    navigation_bar_title_text: str = ""
    navigation_style: str = "default"
    on_reach_bottom_distance: int = 50
    orientation: str = "portrait"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A shared package: pinned by the digest of its index, or any sequence of a closed range."""

    id: str
    digest: str | None = None
    min_sequence: int | None = None
    max_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class SubPackage:
    """A folder that may be fetched later; an independent one opens without the main part."""

    name: str
    root: str
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Vendor:
    """The member `x-sampan`: what the app may reach and what it is made of."""

    kind: Kind = Kind.MINIAPP
    network: tuple[str, ...] = ()
    webview: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    sub_packages: tuple[SubPackage, ...] = ()
    redirects: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that holds every required member. `pages` are routes, without the extension `.html`."""

    app_id: str
    name: str
    icons: tuple[Icon, ...]
    pages: tuple[str, ...]
    version_name: str
    sequence: int
    min_host: int
    target_host: int | None = None
    release_type: str | None = None
    short_name: str | None = None
    description: str | None = None
    lang: str | None = None
    dir: str = "auto"
    color_scheme: str = "auto"
    device_type: tuple[str, ...] = ()
    permissions: tuple[PermissionRequest, ...] = ()
    widgets: tuple[Widget, ...] = ()
    window: Window = Window()
    vendor: Vendor = Vendor()
    warnings: tuple[Problem, ...] = ()
