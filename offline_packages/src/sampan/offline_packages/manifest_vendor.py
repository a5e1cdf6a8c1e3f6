"""The vendor member `x-sampan`. It decides what an app may reach, so nothing in it is ever ignored."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sampan.offline_packages.json_members import Members, is_boolean, is_integer, is_list, is_object, one_of
from sampan.offline_packages.manifest import Dependency, Kind, ProblemCode, SubPackage, Vendor
from sampan.offline_packages.names import is_inner_path
from sampan.offline_packages.refusals import printable
from sampan.platform.crypto.digest import is_digest
from sampan.platform.ids import APP_ID

MAX_APP_ID = 128
MAX_DOMAINS = 30
MAX_PARTS = 100
"""Most dependencies, sub-packages and redirects, each."""
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(\*\.)?({_LABEL}\.)+{_LABEL}(:[1-9][0-9]{{0,4}})?")
_MAX_DOMAIN = 253 + 6
_SUB_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MEMBERS = frozenset({"kind", "network", "webview", "dependencies", "sub_packages", "redirects"})


def is_app_id(value: object) -> bool:
    """Whether `value` is a reverse-DNS id as the platform writes them, of at most 128 characters."""
    return isinstance(value, str) and len(value) <= MAX_APP_ID and APP_ID.fullmatch(value) is not None


def is_domain(text: str) -> bool:
    """Whether `text` is `host`, `*.host` or either with `:port`, in lower case. The scheme is always TLS."""
    return len(text) <= _MAX_DOMAIN and _DOMAIN.fullmatch(text) is not None


def read_vendor(members: Members, value: object, pages: Sequence[str]) -> Vendor:
    """Read the member; note every mistake as a problem that refuses the package."""
    if not isinstance(value, dict):
        members.refuse("x-sampan", ProblemCode.WRONG_TYPE, "must be an object.")
        return Vendor()
    _refuse_unknown(members, value, _MEMBERS, "x-sampan")
    kind = _strict(members, value, "kind", one_of(*Kind), "miniapp, shared or native")
    return Vendor(
        kind=Kind(kind) if kind else Kind.MINIAPP,
        network=_domains(members, value, "network"),
        webview=_domains(members, value, "webview"),
        dependencies=_dependencies(members, value),
        sub_packages=_sub_packages(members, value),
        redirects=_redirects(members, value, pages),
    )


def _strict(members: Members, value: Mapping[str, Any], key: str, is_right: Any, wanted: str) -> Any:
    if key not in value:
        return None
    return members.required(value, key, f"x-sampan.{key}", is_right, wanted)


def _refuse_unknown(members: Members, value: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in sorted(set(value) - set(known)):
        members.refuse(f"{where}.{printable(key)}", ProblemCode.UNKNOWN, "is not a member known here.")


def _list(members: Members, value: Mapping[str, Any], key: str, limit: int) -> list[Any]:
    items = _strict(members, value, key, is_list, "a list")
    if not isinstance(items, list):
        return []
    if len(items) > limit:
        members.refuse(f"x-sampan.{key}", ProblemCode.BAD_VALUE, f"may have {limit} items at most.")
        return []
    return items


def _domains(members: Members, value: Mapping[str, Any], key: str) -> tuple[str, ...]:
    items = _list(members, value, key, MAX_DOMAINS)
    for number, item in enumerate(items):
        if not isinstance(item, str) or not is_domain(item):
            message = "must be a host such as api.example.com, *.example.com or api.example.com:8443."
            members.refuse(f"x-sampan.{key}[{number}]", ProblemCode.BAD_VALUE, message)
    return tuple(sorted({item for item in items if isinstance(item, str)}))


def _dependencies(members: Members, value: Mapping[str, Any]) -> tuple[Dependency, ...]:
    found: dict[str, Dependency] = {}
    for number, item in enumerate(_list(members, value, "dependencies", MAX_PARTS)):
        where = f"x-sampan.dependencies[{number}]"
        dependency = _dependency(item)
        if dependency is None:
            message = "must be {id, digest: sha256:...} or {id, min_sequence, max_sequence}, least first."
            members.refuse(where, ProblemCode.BAD_VALUE, message)
        elif dependency.id in found:
            members.refuse(where, ProblemCode.BAD_VALUE, "names a shared package that is listed before.")
        else:
            found[dependency.id] = dependency
    return tuple(found[key] for key in sorted(found))


def _dependency(item: object) -> Dependency | None:
    if not isinstance(item, dict) or not is_app_id(item.get("id")):
        return None
    if set(item) == {"id", "digest"}:
        digest = item["digest"]
        is_exact = isinstance(digest, str) and digest.startswith("sha256:") and is_digest(digest)
        return Dependency(item["id"], digest=digest) if is_exact else None
    if set(item) != {"id", "min_sequence", "max_sequence"}:
        return None
    least, most = item["min_sequence"], item["max_sequence"]
    if not (is_integer(least) and is_integer(most) and 1 <= least <= most):
        return None
    return Dependency(item["id"], min_sequence=least, max_sequence=most)


def _sub_packages(members: Members, value: Mapping[str, Any]) -> tuple[SubPackage, ...]:
    found: list[SubPackage] = []
    for number, item in enumerate(_list(members, value, "sub_packages", MAX_PARTS)):
        where = f"x-sampan.sub_packages[{number}]"
        if not is_object(item):
            members.refuse(where, ProblemCode.WRONG_TYPE, "must be an object with name and root.")
            continue
        _refuse_unknown(members, item, ("name", "root", "independent"), where)
        part = _sub_package(members, item, where)
        if part is None:
            continue
        if any(part.name == other.name or _is_within(part.root, other.root) for other in found):
            members.refuse(where, ProblemCode.BAD_VALUE, "shares its name or a folder with another sub-package.")
        else:
            found.append(part)
    return tuple(sorted(found, key=lambda part: part.name))


def _sub_package(members: Members, item: Mapping[str, Any], where: str) -> SubPackage | None:
    name, root, independent = item.get("name"), item.get("root"), item.get("independent", False)
    if not isinstance(name, str) or not _SUB_PACKAGE_NAME.fullmatch(name):
        members.refuse(f"{where}.name", ProblemCode.BAD_VALUE, "must be lower-case letters, digits, '_', '-'.")
    elif not isinstance(root, str) or not is_inner_path(root):
        members.refuse(f"{where}.root", ProblemCode.BAD_VALUE, "must be a folder inside the package.")
    elif not is_boolean(independent):
        members.refuse(f"{where}.independent", ProblemCode.WRONG_TYPE, "must be true or false.")
    else:
        return SubPackage(name, root, independent)
    return None


def _is_within(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _redirects(members: Members, value: Mapping[str, Any], pages: Sequence[str]) -> dict[str, str]:
    holder = _strict(members, value, "redirects", is_object, "an object of removed page to present page") or {}
    if len(holder) > MAX_PARTS:
        members.refuse("x-sampan.redirects", ProblemCode.BAD_VALUE, f"may have {MAX_PARTS} members at most.")
        return {}
    for old, new in holder.items():
        where = f"x-sampan.redirects.{printable(old)}"
        if not is_inner_path(old) or old in pages:
            members.refuse(where, ProblemCode.BAD_VALUE, "must be the route of a page that is no longer listed.")
        elif new not in pages:
            members.refuse(where, ProblemCode.BAD_VALUE, "must lead to a page that is listed.")
    return {old: new for old, new in holder.items() if isinstance(new, str)}
