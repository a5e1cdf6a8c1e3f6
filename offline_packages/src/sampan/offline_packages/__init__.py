"""The package format: build, check, digest, sign, verify. A pure library: no web, no database, no clock.

docs/protocols/package.md describes the format; README.md shows the words and a first try.
"""

from sampan.offline_packages.archive import PackageReader, verify_archive
from sampan.offline_packages.checks import CheckPolicy, check_package
from sampan.offline_packages.findings import Finding, Severity
from sampan.offline_packages.index import FORMAT, FileEntry, PackageIndex, package_digest, parse_index
from sampan.offline_packages.intake import Accepted, IntakeReport, intake
from sampan.offline_packages.limits import Policy
from sampan.offline_packages.manifest import Kind, Manifest, Problem
from sampan.offline_packages.manifest_parsing import parse_manifest
from sampan.offline_packages.pack import NewApp, Packed, pack
from sampan.offline_packages.refusals import PackageRefused, all_refusals
from sampan.offline_packages.secret_scan import scan_secrets

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
