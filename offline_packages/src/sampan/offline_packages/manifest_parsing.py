"""Reading `manifest.json` as the W3C draft says: a wrong type in an optional member is ignored with a warning,
a missing or wrong required member refuses the package, and all problems are told at once.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sampan.offline_packages.json_members import (
    Members,
    is_boolean,
    is_filled,
    is_integer,
    is_list,
    is_object,
    is_text,
    load_json,
    one_of,
)
from sampan.offline_packages.limits import MAX_MANIFEST_BYTES
from sampan.offline_packages.manifest import (
    VENDOR_MEMBER,
    Icon,
    Kind,
    Manifest,
    PermissionRequest,
    ProblemCode,
    Vendor,
    Widget,
    Window,
)
from sampan.offline_packages.manifest_vendor import is_app_id, read_vendor
from sampan.offline_packages.names import is_inner_path
from sampan.offline_packages.refusals import (
    ManifestForeign,
    ManifestInvalid,
    ManifestNotJson,
    ManifestTooLarge,
)

_VERSION_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_MAX_PERMISSION = 128
_WINDOW_WORDS = {
    "background_text_style": ("dark", "light"),
    "navigation_bar_text_style": ("white", "black"),
    "navigation_style": ("default", "custom"),
    "orientation": ("portrait", "landscape"),
}


def parse_manifest(data: bytes) -> Manifest:
    """Read the bytes of `manifest.json`; raise a `Manifest...` refusal with every problem in its facts."""
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestTooLarge("manifest.json", limit=MAX_MANIFEST_BYTES)
    return read_manifest(load_json(data))


def kind_of(data: bytes) -> Kind:
    """Return what the bytes of a `manifest.json` say that the package is, whatever else may be wrong with them."""
    try:
        value = load_json(data)
    except ManifestNotJson:
        return Kind.MINIAPP
    return _kind(value) if isinstance(value, dict) else Kind.MINIAPP


def read_manifest(value: object) -> Manifest:
    """Read a parsed manifest; raise `ManifestInvalid` when a rule is broken."""
    if not isinstance(value, dict):
        raise ManifestNotJson("manifest.json", reason="its top level is not an object")
    if "app_id" not in value and ("start_url" in value or "display" in value):
        raise ManifestForeign("manifest.json")
    members = Members()
    manifest = _manifest(members, value)
    if members.problems:
        first = members.problems[0]
        raise ManifestInvalid(
            "manifest.json",
            count=len(members.problems),
            first=f"{first.field} {first.message}",
            problems=[{"field": p.field, "code": p.code.value, "message": p.message} for p in members.problems],
        )
    return manifest


def is_version_name(text: str) -> bool:
    """Whether files and addresses can be named after `text`."""
    return _VERSION_NAME.fullmatch(text) is not None


def page_route(page: str) -> str:
    """Return the route of a page as listed: its path without the extension `.html`."""
    return page.removesuffix(".html")


def _manifest(members: Members, value: Mapping[str, Any]) -> Manifest:
    app_id = members.required(value, "app_id", "app_id", is_text, "a reverse domain name")
    if app_id is not None and not is_app_id(app_id):
        members.refuse(
            "app_id", ProblemCode.BAD_VALUE, "must be lower-case letters, digits and '-' in parts joined by '.'."
        )
    name = members.required(value, "name", "name", is_filled, "a text that is not empty")
    kind = _kind(value)
    icons = _icons(members, value, kind)
    sequence, version_name = _version(members, value)
    min_host, target_host, release_type = _platform(members, value)
    pages = _pages(members, value, kind)
    vendor = read_vendor(members, value[VENDOR_MEMBER], pages) if VENDOR_MEMBER in value else Vendor()
    if kind is Kind.NATIVE:
        _refuse_promises(members, value)
    text = {key: members.optional(value, key, key, is_text, "a text") for key in ("short_name", "description", "lang")}
    return Manifest(
        app_id=app_id or "",
        name=name or "",
        icons=icons,
        pages=pages,
        version_name=version_name,
        sequence=sequence,
        min_host=min_host,
        target_host=target_host,
        release_type=release_type,
        dir=_word(members, value, "dir", "auto", "ltr", "rtl"),
        color_scheme=_word(members, value, "color_scheme", "auto", "light", "dark"),
        device_type=_device_types(members, value),
        permissions=_permissions(members, value),
        widgets=_widgets(members, value, min_host),
        window=_window(members, value),
        vendor=vendor,
        warnings=tuple(members.warnings),
        **text,
    )


def _kind(value: Mapping[str, Any]) -> Kind:
    vendor = value.get(VENDOR_MEMBER)
    kind = vendor.get("kind") if isinstance(vendor, dict) else None
    return Kind(kind) if kind in tuple(Kind) else Kind.MINIAPP


def _refuse_promises(members: Members, value: Mapping[str, Any]) -> None:
    """Refuse what a container would enforce: none stands between a native patch and the device."""
    vendor = [f"{VENDOR_MEMBER}.{key}" for key in sorted(value[VENDOR_MEMBER]) if key != "kind"]
    for where in (*vendor, *(key for key in ("req_permissions", "widgets") if key in value)):
        members.refuse(where, ProblemCode.BAD_VALUE, "must be left out: nothing of ours runs a native patch.")


def _word(members: Members, value: Mapping[str, Any], key: str, default: str, *others: str) -> str:
    words = (default, *others)
    found = members.optional(value, key, key, one_of(*words), "one of " + ", ".join(words))
    return found if isinstance(found, str) else default


def _icons(members: Members, value: Mapping[str, Any], kind: Kind) -> tuple[Icon, ...]:
    items = members.required(value, "icons", "icons", is_list, "a list of images")
    if items == [] and kind is Kind.MINIAPP:
        members.warn("icons", ProblemCode.MISSING, "is empty; the catalogue will show a blank tile.")
    icons = []
    for number, item in enumerate(items or ()):
        where = f"icons[{number}]"
        if not is_object(item):
            members.refuse(where, ProblemCode.WRONG_TYPE, "must be an object with src.")
        elif src := members.required(item, "src", f"{where}.src", is_filled, "the path of an image"):
            sizes = members.optional(item, "sizes", f"{where}.sizes", is_text, "a text such as 48x48")
            label = members.optional(item, "label", f"{where}.label", is_text, "a text")
            icons.append(Icon(src, sizes, label))
    return tuple(icons)


def _version(members: Members, value: Mapping[str, Any]) -> tuple[int, str]:
    version = members.required(value, "version", "version", is_object, "an object with code and name")
    if version is None:
        return 1, ""
    code = members.required(version, "code", "version.code", is_integer, "a whole number from 1 on")
    if code is not None and code <= 0:
        members.warn("version.code", ProblemCode.BAD_VALUE, "is not positive and counts as 1.")
        code = 1
    name = members.required(version, "name", "version.name", is_filled, "a text such as 1.0.0")
    if name is not None and not is_version_name(name):
        members.refuse(
            "version.name",
            ProblemCode.BAD_VALUE,
            "must have 1 to 64 letters, digits and . + _ - because files are named after it.",
        )
    elif name is not None and not _SEMVER.fullmatch(name):
        members.warn("version.name", ProblemCode.BAD_VALUE, "is not a semantic version such as 1.2.3.")
    return code or 1, name or ""


def _platform(members: Members, value: Mapping[str, Any]) -> tuple[int, int | None, str | None]:
    where = "platform_version"
    holder = members.required(value, where, where, is_object, "an object with min_code")
    if holder is None:
        return 0, None, None
    min_code = members.required(holder, "min_code", f"{where}.min_code", is_integer, "a whole number from 0 on")
    if min_code is not None and min_code < 0:
        members.refuse(f"{where}.min_code", ProblemCode.BAD_VALUE, "must not be negative.")
    target = members.optional(holder, "target_code", f"{where}.target_code", is_integer, "a whole number")
    release_type = members.optional(holder, "release_type", f"{where}.release_type", is_text, "a text")
    return min_code or 0, target, release_type


def _pages(members: Members, value: Mapping[str, Any], kind: Kind) -> tuple[str, ...]:
    if kind is not Kind.MINIAPP and "pages" not in value:
        return ()
    items = members.required(value, "pages", "pages", is_list, "a list of paths")
    if items == [] and kind is Kind.MINIAPP:
        members.refuse("pages", ProblemCode.BAD_VALUE, "must name at least one page; the first is the home page.")
    if items and kind is not Kind.MINIAPP:
        members.refuse("pages", ProblemCode.BAD_VALUE, f"must be empty: a {kind} package does not open by itself.")
    pages: list[str] = []
    for number, item in enumerate(items or ()):
        where = f"pages[{number}]"
        if not isinstance(item, str) or not is_inner_path(page_route(item)):
            members.refuse(where, ProblemCode.BAD_VALUE, "must be the path of a page inside the package.")
        elif page_route(item) in pages:
            members.refuse(where, ProblemCode.BAD_VALUE, "names a page that is listed before.")
        else:
            pages.append(page_route(item))
    return tuple(pages)


def _device_types(members: Members, value: Mapping[str, Any]) -> tuple[str, ...]:
    items = members.optional(value, "device_type", "device_type", is_list, "a list of texts") or ()
    kept = tuple(item for item in items if is_text(item))
    if len(kept) != len(items):
        members.warn("device_type", ProblemCode.IGNORED, "holds items that are no text; they were ignored.")
    return kept


def _permissions(members: Members, value: Mapping[str, Any]) -> tuple[PermissionRequest, ...]:
    items = members.optional(value, "req_permissions", "req_permissions", is_list, "a list of objects") or ()
    found: dict[str, PermissionRequest] = {}
    for number, item in enumerate(items):
        where = f"req_permissions[{number}]"
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not is_filled(name):
            members.warn(where, ProblemCode.IGNORED, "was ignored: it has no name.")
        elif len(name) > _MAX_PERMISSION:
            members.refuse(where, ProblemCode.BAD_VALUE, f"has a name of more than {_MAX_PERMISSION} characters.")
        elif name not in found:
            found[name] = PermissionRequest(
                name, members.optional(item, "reason", f"{where}.reason", is_text, "a text")
            )
    return tuple(found.values())


def _widgets(members: Members, value: Mapping[str, Any], min_host: int) -> tuple[Widget, ...]:
    items = members.optional(value, "widgets", "widgets", is_list, "a list of objects") or ()
    widgets = []
    for number, item in enumerate(items):
        where = f"widgets[{number}]"
        if not is_object(item) or not is_filled(item.get("name")) or not is_filled(item.get("path")):
            members.warn(where, ProblemCode.IGNORED, "was ignored: it needs a name and a path.")
        elif not is_inner_path(page_route(item["path"])):
            members.refuse(f"{where}.path", ProblemCode.BAD_VALUE, "must be a path inside the package.")
        else:
            code = members.optional(item, "min_code", f"{where}.min_code", is_integer, "a whole number")
            widgets.append(Widget(item["name"], page_route(item["path"]), min_host if code is None else code))
    return tuple(widgets)


def _window(members: Members, value: Mapping[str, Any]) -> Window:
    holder = members.optional(value, "window", "window", is_object, "an object") or {}
    taken: dict[str, Any] = {}
    for member in fields(Window):
        key, where = member.name, f"window.{member.name}"
        if key in _WINDOW_WORDS:
            words = _WINDOW_WORDS[key]
            found = members.optional(holder, key, where, one_of(*words), "one of " + ", ".join(words))
        elif member.type is bool:
            found = members.optional(holder, key, where, is_boolean, "true or false")
        elif member.type is int:
            found = members.optional(holder, key, where, is_integer, "a whole number")
        else:
            found = members.optional(holder, key, where, is_text, "a text")
        if found is not None:
            taken[key] = found
    return Window(**taken)
