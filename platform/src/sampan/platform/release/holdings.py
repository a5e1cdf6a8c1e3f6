"""What a device may be believed to hold: rows for the inventory out of what it says in sync. Pure.

Many devices' rows share a COMMIT, so nothing goes on that a column cannot hold; and of one app a device holds at most
one version and one hotfix, however long its list is.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sampan.platform.crypto.digest import is_digest
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.plan_words import HOTFIX
from sampan.platform.release.sync import Installed

OF_VERSION = re.compile(r"@[1-9][0-9]{0,15}")


def rows_of(
    device_id: str, installed: Iterable[Installed], apps: Collection[str], kinds: Collection[str], *, now_ms: int
) -> list[dict[str, Any]]:
    """Return the rows of what exists here: an app of `apps` in one of `kinds`, or a hotfix `<app>@<sequence>`.

    Of two entries of one app the later counts.
    """
    rows: Mapping[tuple[bool, str], dict[str, Any]] = {
        (item.kind == HOTFIX, app_of(item.id)): {
            "device_id": device_id,
            "kind": item.kind,
            "artefact_id": item.id,
            "sequence": item.sequence,
            "digest": item.digest,
            "seen_ms": now_ms,
        }
        for item in installed
        if item.kind in kinds and _is_named(item, apps) and is_digest(item.digest)
    }
    return list(rows.values())


def _is_named(item: Installed, apps: Collection[str]) -> bool:
    app = app_of(item.id)
    rest = item.id[len(app) :]
    return app in apps and (OF_VERSION.fullmatch(rest) is not None if item.kind == HOTFIX else not rest)
