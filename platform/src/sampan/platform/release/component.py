"""What the release floor plugs in."""

from sampan.platform.component import Component, HotRoute
from sampan.platform.release.caps import followed_log
from sampan.platform.release.client_api import build_sync
from sampan.platform.release.snapshot import PART, compile_part, load
from sampan.platform.workspaces.replica import SnapshotPart

component = Component(
    "release",
    (SnapshotPart(PART, load, compile_part), HotRoute("POST", "/client/v1/sync", build_sync), followed_log),
    later="sampan.platform.release.after_start:CONTRIBUTES",
)
