"""The package format: build, check, digest, sign, verify. A pure library: no web, no database, no clock.

docs/protocols/package.md describes the format; README.md shows the words and a first try.

The names below are imported from their modules when they are first asked for: a server that only reads control
files does not load the checks and the packer.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sampan.offline_packages.archive import PackageReader, verify_archive
    from sampan.offline_packages.checks import CheckPolicy, check_package
    from sampan.offline_packages.findings import Finding, Severity
    from sampan.offline_packages.index import FORMAT, FileEntry, PackageIndex, package_digest, parse_index
    from sampan.offline_packages.limits import Policy
    from sampan.offline_packages.manifest import Kind, Manifest, Problem
    from sampan.offline_packages.manifest_parsing import parse_manifest
    from sampan.offline_packages.packing import NewApp, Packed, pack
    from sampan.offline_packages.refusals import PackageRefused, all_refusals
    from sampan.offline_packages.secret_scan import scan_secrets
    from sampan.offline_packages.streaming_intake import Accepted, IntakeReport, intake

__all__ = [
    "FORMAT",
    "Accepted",
    "CheckPolicy",
    "FileEntry",
    "Finding",
    "IntakeReport",
    "Kind",
    "Manifest",
    "NewApp",
    "PackageIndex",
    "PackageReader",
    "PackageRefused",
    "Packed",
    "Policy",
    "Problem",
    "Severity",
    "all_refusals",
    "check_package",
    "intake",
    "pack",
    "package_digest",
    "parse_index",
    "parse_manifest",
    "scan_secrets",
    "verify_archive",
]
_HOMES = {
    "Accepted": "streaming_intake",
    "CheckPolicy": "checks",
    "FORMAT": "index",
    "FileEntry": "index",
    "Finding": "findings",
    "IntakeReport": "streaming_intake",
    "Kind": "manifest",
    "Manifest": "manifest",
    "NewApp": "packing",
    "PackageIndex": "index",
    "PackageReader": "archive",
    "PackageRefused": "refusals",
    "Packed": "packing",
    "Policy": "limits",
    "Problem": "manifest",
    "Severity": "findings",
    "all_refusals": "refusals",
    "check_package": "checks",
    "intake": "streaming_intake",
    "pack": "packing",
    "package_digest": "index",
    "parse_index": "index",
    "parse_manifest": "manifest_parsing",
    "scan_secrets": "secret_scan",
    "verify_archive": "archive",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
