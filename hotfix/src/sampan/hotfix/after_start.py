"""What hotfixes plug in that no first answer to a device needs."""

from sampan.hotfix.attention import SOURCES
from sampan.hotfix.deliverable import HOTFIX
from sampan.hotfix.hooks import on_tree_published, on_version_state
from sampan.hotfix.part import told_of
from sampan.platform.artifacts.kinds import VersionHook
from sampan.platform.component import ConsoleRoutes
from sampan.platform.insight.patched import PatchedVersions
from sampan.platform.trust.exposure import TreePublished

CONTRIBUTES = (
    *SOURCES,
    HOTFIX,
    PatchedVersions(told_of),
    VersionHook(on_version_state),
    TreePublished(on_tree_published),
    ConsoleRoutes("sampan.hotfix.console_api:build_routes"),
)
