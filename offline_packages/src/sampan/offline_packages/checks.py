"""The automatic checks of a version, before a person looks at it: index against index, then the sources.

Pure: the caller brings the accepted package, the index of the version published before it, and the bank's
policy. Errors stop the version, warnings go to the reviewer.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from sampan.offline_packages.archive import PackageReader
from sampan.offline_packages.findings import Finding, Severity
from sampan.offline_packages.index import PackageIndex
from sampan.offline_packages.json_members import load_json
from sampan.offline_packages.manifest import Kind, Manifest
from sampan.offline_packages.refusals import ManifestNotJson
from sampan.offline_packages.required_files import missing_files
from sampan.offline_packages.source_scan import PAGES, SCANNED, covers, scan_source

_LOCALE_FILE = re.compile(r"i18n/([^/]+)\.json")
_BCP47 = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_BUILD_HASH = re.compile(r"[-.][A-Za-z0-9_-]{8}(?=\.)")
_MAX_LOCALE_BYTES = 1024 * 1024


class CheckPolicy(Struct, frozen=True, kw_only=True):
    """What the bank asks of every version. Sizes in bytes."""

    allowed_domains: tuple[str, ...] | None = None
    """Domains that any app may declare (`host` or `*.host`); None allows all, an empty tuple none."""
    locales: tuple[str, ...] = ("en", "zh")
    growth_ratio: float = 0.2
    growth_free_bytes: int = 100 * 1024
    """Growth below this is never told."""
    max_scanned_bytes: int = 16 * 1024 * 1024
    """A larger source is not read; a warning says so."""
    max_page_bytes: int = 4 * 1024 * 1024
    """The same for HTML, whose tags are held in memory one by one."""


def check_package(
    reader: PackageReader,
    manifest: Manifest,
    *,
    previous: PackageIndex | None = None,
    policy: CheckPolicy | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Finding]:
    """Return what the checks find in an accepted package, gravest first; `previous` is the published version.

    `progress` is told files done and in all.
    """
    rules = policy or CheckPolicy()
    findings = check_index(reader.index, previous=previous, policy=rules)
    findings += _icons(reader.index, manifest)
    if reader.index.kind is not Kind.NATIVE:  # whose files are nothing that a container would load
        findings += _locales(reader, rules)
        findings += _sources(reader, rules, progress)
    rank = list(Severity)
    return sorted(findings, key=lambda one: (rank.index(one.severity), one.file or "", one.line or 0, one.code))


def check_index(index: PackageIndex, *, previous: PackageIndex | None, policy: CheckPolicy) -> list[Finding]:
    """Return the findings that need no file: layout, routes, growth, permissions, declared domains."""
    findings = [*_layout(index), *_declared_domains(index, policy)]
    if previous is not None:
        findings += [*_routes(index, previous), *_growth(index, previous, policy), *_permissions(index, previous)]
    return findings


def _layout(index: PackageIndex) -> Iterator[Finding]:
    paths = {entry.path for entry in index.files}
    for refusal in missing_files(paths, index.kind, index.pages, [part.root for part in index.sub_packages]):
        yield Finding(code=refusal.code, severity=Severity.ERROR, message=refusal.detail, file=refusal.path)


def _declared_domains(index: PackageIndex, policy: CheckPolicy) -> Iterator[Finding]:
    if policy.allowed_domains is None:
        return
    for domain in (*index.permissions.network, *index.permissions.webview):
        name = domain.partition(":")[0]
        if name not in policy.allowed_domains and not covers(policy.allowed_domains, name.removeprefix("*.")):
            message = f"{domain} is not on the bank's list of domains; ask for it or remove it from x-sampan."
            yield Finding(code="domain_not_allowed", severity=Severity.ERROR, message=message, file="manifest.json")


def _routes(index: PackageIndex, previous: PackageIndex) -> Iterator[Finding]:
    redirected = {redirect.from_ for redirect in index.redirects}
    for page in previous.pages:
        if page not in index.pages and page not in redirected:
            message = f"The page {page} of version {previous.version} is gone; add it to x-sampan.redirects."
            yield Finding(code="page_removed", severity=Severity.ERROR, message=message, file="manifest.json")


def _growth(index: PackageIndex, previous: PackageIndex, policy: CheckPolicy) -> Iterator[Finding]:
    grown = index.total_bytes - previous.total_bytes
    if grown <= max(policy.growth_free_bytes, policy.growth_ratio * previous.total_bytes):
        return
    message = f"The package grew by {grown} bytes, from {previous.total_bytes} to {index.total_bytes}."
    yield Finding(code="size_growth", severity=Severity.WARNING, message=message)
    before: dict[str, int] = {}
    for entry in previous.files:
        name = _BUILD_HASH.sub("", entry.path)
        before[name] = before.get(name, 0) + entry.size
    after: dict[str, list[int | str]] = {}
    for entry in index.files:
        total = after.setdefault(_BUILD_HASH.sub("", entry.path), [0, entry.path])
        total[0] = int(total[0]) + entry.size
    changes = [(int(total[0]) - before.get(name, 0), str(total[1])) for name, total in after.items()]
    for change, path in sorted(changes, key=lambda item: (-item[0], item[1]))[:10]:
        if change > 0:
            yield Finding(
                code="file_growth", severity=Severity.INFO, message=f"{change} bytes more than before.", file=path
            )


def _permissions(index: PackageIndex, previous: PackageIndex) -> Iterator[Finding]:
    groups = (
        ("bridge API", index.permissions.bridge, previous.permissions.bridge),
        ("network domain", index.permissions.network, previous.permissions.network),
        ("web-view domain", index.permissions.webview, previous.permissions.webview),
    )
    for word, now, before in groups:
        for name in sorted(set(now) - set(before)):
            message = f"Asks for the {word} {name}, which version {previous.version} did not."
            yield Finding(code="permission_added", severity=Severity.WARNING, message=message, file="manifest.json")


def _icons(index: PackageIndex, manifest: Manifest) -> Iterator[Finding]:
    for icon in manifest.icons:
        if index.file(icon.src.removeprefix("./").removeprefix("/")) is None:
            message = f"The icon {icon.src} is not in the package; the catalogue will show a blank tile."
            yield Finding(code="icon_missing", severity=Severity.WARNING, message=message, file="manifest.json")


def _locales(reader: PackageReader, policy: CheckPolicy) -> Iterator[Finding]:
    found: set[str] = set()
    for entry in reader.index.files:
        if match := _LOCALE_FILE.fullmatch(entry.path):
            found.add(match[1].partition("-")[0].lower())
            yield from _locale(reader, entry.path, match[1], entry.size)
    if reader.index.kind is Kind.SHARED:
        return
    for locale in policy.locales:
        if locale not in found:
            message = f"There is no i18n/{locale}.json; customers of that language will see another one."
            yield Finding(code="locale_missing", severity=Severity.WARNING, message=message)


def _locale(reader: PackageReader, path: str, tag: str, size: int) -> Iterator[Finding]:
    if not _BCP47.fullmatch(tag):
        message = f"{tag} is not a language tag (BCP 47) such as en or zh-CN."
        yield Finding(code="locale_name", severity=Severity.ERROR, message=message, file=path)
    try:
        is_object = size <= _MAX_LOCALE_BYTES and isinstance(load_json(reader.read(path)), dict)
    except ManifestNotJson:
        is_object = False
    if not is_object:
        message = "A file of texts must be one JSON object of keys and values, of at most 1 MiB."
        yield Finding(code="locale_not_json", severity=Severity.ERROR, message=message, file=path)


def _sources(reader: PackageReader, policy: CheckPolicy, progress: Callable[[int, int], None]) -> Iterator[Finding]:
    permissions = reader.index.permissions
    domains = frozenset((*permissions.network, *permissions.webview))
    sources = [entry for entry in reader.index.files if entry.path.rpartition(".")[2].lower() in SCANNED]
    for number, entry in enumerate(sources, 1):
        is_page = entry.path.rpartition(".")[2].lower() in PAGES
        if entry.size > (policy.max_page_bytes if is_page else policy.max_scanned_bytes):
            message = f"With {entry.size} bytes it is too large to be checked; a person must look at it."
            yield Finding(code="source_not_checked", severity=Severity.WARNING, message=message, file=entry.path)
        else:
            yield from scan_source(entry.path, reader.read(entry.path).decode("utf-8", "replace"), domains)
        progress(number, len(sources))
