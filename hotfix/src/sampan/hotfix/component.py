"""What hotfixes plug into the platform."""

from sampan.hotfix.part import snapshot_part
from sampan.hotfix.sync_member import sync_part
from sampan.platform.component import Component

component = Component("hotfix", (snapshot_part, sync_part), later="sampan.hotfix.after_start:CONTRIBUTES")
