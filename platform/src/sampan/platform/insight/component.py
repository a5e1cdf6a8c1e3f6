"""What the insight floor plugs in."""

from sampan.platform.component import Component

component = Component("insight", later="sampan.platform.insight.after_start:CONTRIBUTES")
