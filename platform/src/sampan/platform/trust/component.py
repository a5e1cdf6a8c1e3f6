"""The trust floor as a component."""

from sampan.platform.component import Component
from sampan.platform.trust.file_rows import LOG, load_places
from sampan.platform.workspaces.replica import FollowedLog

component = Component("trust", (FollowedLog(LOG, load_places),), later="sampan.platform.trust.after_start:CONTRIBUTES")
