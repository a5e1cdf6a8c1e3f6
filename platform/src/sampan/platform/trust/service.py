"""What other floors call: the trust floor's use cases under one name.

`countersign` and `check_candidate` are for intake and approval, `change_control` for releases, `request_delegation`
for new apps, `register_files` for publishing, `TreePublished` for whoever must know what became visible.
"""

from sampan.platform.engines.database import Transaction
from sampan.platform.trust.asking import (
    Asked,
    cancel,
    change_app_keys,
    change_officers,
    renew,
    request_delegation,
    rotate_server_key,
    start_tree,
)
from sampan.platform.trust.ceremonies import Signed, Waiting, sign_pending, waiting_bodies
from sampan.platform.trust.controlling import change_control, current_control, exposed_controls
from sampan.platform.trust.countersigning import check_body, check_candidate, check_hotfix, countersign
from sampan.platform.trust.exposure import Exposed, TreePublished
from sampan.platform.trust.file_rows import ArchiveFile, register_files
from sampan.platform.trust.key_register import register_key, register_key_in, suspend_key
from sampan.platform.trust.metadata_rows import RoleMetadata, latest_body
from sampan.platform.trust.publisher import publish_tree
from sampan.platform.trust.waking import target_key

__all__ = [
    "ArchiveFile",
    "Asked",
    "Exposed",
    "RoleMetadata",
    "Signed",
    "TreePublished",
    "Waiting",
    "cancel",
    "change_app_keys",
    "change_control",
    "change_officers",
    "check_body",
    "check_candidate",
    "check_hotfix",
    "countersign",
    "current_control",
    "current_role",
    "exposed_controls",
    "publish_tree",
    "register_files",
    "register_key",
    "register_key_in",
    "renew",
    "request_delegation",
    "rotate_server_key",
    "sign_pending",
    "start_tree",
    "suspend_key",
    "target_key",
    "waiting_bodies",
]


async def current_role(tx: Transaction, profile: str, role: str) -> RoleMetadata | None:
    """Return the latest stored body of a role (`root`, `targets`, `app.<id>`, ...), or None."""
    return await latest_body(tx, profile, role)
