"""What the switches floor plugs in."""

from sampan.platform.component import Component
from sampan.platform.switches.part import snapshot_part
from sampan.platform.switches.sync_member import sync_part

component = Component("switches", (snapshot_part, sync_part), later="sampan.platform.switches.after_start:CONTRIBUTES")
