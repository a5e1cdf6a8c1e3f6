"""The kinds of packages: mini-apps, which open; shared ones, which other packages mount; native patches.

A native patch is whatever native code of a bank's own loads (docs/operations/native-patches.md): opaque here.
"""

from collections.abc import Sequence

from sampan.miniapps.kind_names import MINIAPP, NATIVE, SHARED
from sampan.miniapps.policy import AppPolicy
from sampan.miniapps.policy_repository import current_policy
from sampan.offline_packages import Accepted, PackageIndex, PackageReader
from sampan.offline_packages.checks import check_package
from sampan.offline_packages.findings import Finding as Found
from sampan.offline_packages.secret_scan import scan_secrets
from sampan.platform.artifacts.kinds import ArtifactKind
from sampan.platform.artifacts.notes_repository import Finding
from sampan.platform.engines.database import Transaction


async def load_policy(tx: Transaction, _app_id: str) -> AppPolicy:
    """Return the rules for an app; they are the workspace's."""
    return await current_policy(tx)


def check(policy: AppPolicy, previous: PackageIndex | None, accepted: Accepted) -> Sequence[Finding]:
    """Return what the automatic checks find, gravest first."""
    with PackageReader(accepted.index, accepted.archive_path) as reader:
        found = check_package(reader, accepted.manifest, previous=previous, policy=policy.checks())
    return [_finding(each) for each in found]


def scan(accepted: Accepted) -> Sequence[Finding]:
    """Return what looks like a secret."""
    with PackageReader(accepted.index, accepted.archive_path) as reader:
        return [_finding(each) for each in scan_secrets(reader)]


KINDS = tuple(ArtifactKind(name, load_policy, AppPolicy.limits, check, scan) for name in (MINIAPP, SHARED, NATIVE))


def _finding(found: Found) -> Finding:
    return Finding(found.code, found.severity.value, found.message, found.file or "", found.line)
