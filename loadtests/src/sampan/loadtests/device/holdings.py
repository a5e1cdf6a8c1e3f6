"""What a device says in sync that it holds: every version, and apart from it the hotfixes that it runs with."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.opened_package import Installed


def holdings(store: DeviceStore, kinds: Mapping[str, str], damaged: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield `installed` of a sync request (docs/protocols/sync.md); a damaged app is left out, to be offered again."""
    for app_id in store.apps():
        state = store.state(app_id)
        version, runs = state.version, state.current
        if version is None or runs is None or app_id in damaged:
            continue
        yield {
            "kind": kinds.get(app_id, "miniapp"),
            "id": app_id,
            "version": version.version,
            "sequence": version.sequence,
            "digest": version.digest,
        }
        if runs.patches:
            yield {
                "kind": "hotfix",
                "id": f"{app_id}@{runs.sequence}",
                "version": with_hotfixes(runs),
                "sequence": int(runs.patches[-1]),
                "digest": runs.digest,
            }


def with_hotfixes(installed: Installed) -> str:
    """Return the name of a version as it runs: with the number of its highest hotfix."""
    return f"{installed.version}+{installed.patches[-1]}"
