"""What the deltas floor plugs in that no first answer to a device needs."""

from sampan.platform.component import ConsoleRoutes, Jobs
from sampan.platform.deltas.making import make_job, on_tree_published
from sampan.platform.trust.exposure import TreePublished

CONTRIBUTES = (
    Jobs(make_job),
    TreePublished(on_tree_published),
    ConsoleRoutes("sampan.platform.deltas.console_api:build_routes"),
)
