"""What the live floor plugs in."""

from sampan.platform.component import Component

component = Component("live", later="sampan.platform.live.after_start:CONTRIBUTES")
