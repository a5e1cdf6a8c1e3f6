"""The content index of a package: canonical JSON that says everything a device must know to verify and mount it.

The digest of these bytes **is** the package digest, so there is one spelling only: RFC 8785, fields all
present, lists in their fixed order, offsets exactly those of the canonical archive. docs/protocols/package.md.
"""

import itertools
from collections.abc import Iterable, Sequence

import msgspec

from sampan.offline_packages.layout import archive_size, local_header_size
from sampan.offline_packages.limits import MAX_ARCHIVE_BYTES, MAX_SEQUENCE
from sampan.offline_packages.manifest import Kind, Manifest
from sampan.offline_packages.manifest_parsing import is_version_name
from sampan.offline_packages.manifest_vendor import is_app_id
from sampan.offline_packages.names import check_no_clash, check_path, is_inner_path
from sampan.offline_packages.refusals import IndexInvalid, IndexNotCanonical, PackageRefused
from sampan.platform.crypto.digest import digest

FORMAT = "sampan-package/1"


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: `offset` is that of its first content byte in the stored archive; digests are bare hex."""

    path: str
    size: int
    offset: int
    sha256: str
    sm3: str


class ArchiveEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canonical stored archive as a whole."""

    size: int
    sha256: str


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the app may reach: bridge APIs, network domains, domains in web views. Sorted, no doubles."""

    bridge: tuple[str, ...]
    network: tuple[str, ...]
    webview: tuple[str, ...]


class DependencyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A shared package, by digest or by a closed range of sequences."""

    id: str
    digest: str | None = None
    min_sequence: int | None = None
    max_sequence: int | None = None


class SubPackageEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder that may be fetched later."""

    name: str
    root: str
    independent: bool


class RedirectEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A page that was removed, and the present page that takes its place."""

    from_: str
    to: str


class PackageIndex(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content index. `to_bytes` and `parse_index` are each other's inverse."""

    format: str
    app: str
    kind: Kind
    version: str
    sequence: int
    min_host: int
    permissions: Permissions
    dependencies: tuple[DependencyEntry, ...]
    sub_packages: tuple[SubPackageEntry, ...]
    pages: tuple[str, ...]
    redirects: tuple[RedirectEntry, ...]
    archive: ArchiveEntry
    files: tuple[FileEntry, ...]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes (RFC 8785).

        All keys are ASCII and all numbers integers, so sorted keys and shortest escapes are all that the RFC
        demands; a property test holds this fast encoder equal to `canonical_json`.
        """
        return msgspec.json.encode(self, order="sorted")

    def file(self, path: str) -> FileEntry | None:
        """Return the entry of `path`, or None."""
        return next((entry for entry in self.files if entry.path == path), None)

    @property
    def total_bytes(self) -> int:
        """Return the size of all files together."""
        return sum(entry.size for entry in self.files)


def make_index(manifest: Manifest, files: Sequence[FileEntry], archive: ArchiveEntry) -> PackageIndex:
    """Return the index of a package with this manifest; `files` are in archive order."""
    vendor = manifest.vendor
    return PackageIndex(
        format=FORMAT,
        app=manifest.app_id,
        kind=vendor.kind,
        version=manifest.version_name,
        sequence=manifest.sequence,
        min_host=manifest.min_host,
        permissions=Permissions(
            bridge=tuple(sorted(request.name for request in manifest.permissions)),
            network=vendor.network,
            webview=vendor.webview,
        ),
        dependencies=tuple(
            DependencyEntry(item.id, item.digest, item.min_sequence, item.max_sequence) for item in vendor.dependencies
        ),
        sub_packages=tuple(SubPackageEntry(part.name, part.root, part.independent) for part in vendor.sub_packages),
        pages=manifest.pages,
        redirects=tuple(RedirectEntry(old, vendor.redirects[old]) for old in sorted(vendor.redirects)),
        archive=archive,
        files=tuple(files),
    )


def package_digest(index_bytes: bytes) -> str:
    """Return the digest by which a package is known everywhere: `sha256:<hex>` of its index."""
    return digest(index_bytes)


def parse_index(data: bytes) -> PackageIndex:
    """Read an index; raise `IndexNotCanonical` or `IndexInvalid` unless it is the one a packer would write."""
    try:
        index = msgspec.json.decode(data, type=PackageIndex)
    except msgspec.ValidationError as problem:
        raise IndexInvalid(reason=str(problem)[:200]) from problem
    except (msgspec.DecodeError, RecursionError, UnicodeError) as problem:
        raise IndexNotCanonical(reason=str(problem)[:200]) from problem
    if index.to_bytes() != data:
        raise IndexNotCanonical(reason="another spelling of the same value")
    _check_head(index)
    _check_files(index)
    return index


def _require(is_met: bool, reason: str) -> None:
    if not is_met:
        raise IndexInvalid(reason=reason)


def _check_head(index: PackageIndex) -> None:
    _require(index.format == FORMAT, f"format must be {FORMAT}")
    _require(1 <= index.sequence <= MAX_SEQUENCE, "sequence must be a positive integer")
    _require(is_app_id(index.app), "app must be a reverse domain name in lower case")
    _require(is_version_name(index.version), "version must be the name of a version")
    _require(0 <= index.min_host <= MAX_SEQUENCE, "min_host must be an integer from 0 on")
    _require(all(is_inner_path(page) for page in index.pages), "pages must be paths inside the package")
    for items in (index.permissions.bridge, index.permissions.network, index.permissions.webview):
        _require(_is_rising(items), "permissions must be sorted and without doubles")
    _require(_is_rising([item.id for item in index.dependencies]), "dependencies must be sorted by id")
    _require(_is_rising([part.name for part in index.sub_packages]), "sub_packages must be sorted by name")
    _require(_is_rising([item.from_ for item in index.redirects]), "redirects must be sorted by from")


def _check_files(index: PackageIndex) -> None:
    paths = [entry.path for entry in index.files]
    _require(_is_rising(paths), "files must be sorted by path and without doubles")
    try:
        for path in paths:
            check_path(path)
        check_no_clash(paths)
    except PackageRefused as problem:
        raise IndexInvalid(reason=problem.detail) from problem
    position = 0
    for entry in index.files:
        position += local_header_size(entry.path)
        _require(entry.size >= 0 and entry.offset == position, f"the offset of {entry.path} is wrong")
        _require(_is_hex(entry.sha256) and _is_hex(entry.sm3), f"a digest of {entry.path} is malformed")
        position += entry.size
    _require(index.archive.size == archive_size(position, paths), "archive.size does not fit the files")
    _require(index.archive.size < MAX_ARCHIVE_BYTES, "the archive is too large")
    _require(_is_hex(index.archive.sha256), "archive.sha256 is malformed")


def _is_hex(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def _is_rising(items: Iterable[str]) -> bool:
    ordered = list(items)
    return all(one < other for one, other in itertools.pairwise(ordered))
