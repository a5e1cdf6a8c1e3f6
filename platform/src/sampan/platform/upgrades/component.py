"""What upgrades plug in."""

from sampan.platform.component import Component
from sampan.platform.upgrades.part import snapshot_part
from sampan.platform.upgrades.sync_member import sync_part

component = Component("upgrades", (snapshot_part, sync_part), later="sampan.platform.upgrades.after_start:CONTRIBUTES")
