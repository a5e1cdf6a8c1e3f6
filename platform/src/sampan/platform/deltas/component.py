"""What the deltas floor plugs in."""

from sampan.platform.component import Component

component = Component("deltas", later="sampan.platform.deltas.after_start:CONTRIBUTES")
