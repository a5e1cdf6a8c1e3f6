"""What promotion plugs in."""

from sampan.platform.component import Component

component = Component("promotion", (), later="sampan.platform.promotion.after_start:CONTRIBUTES")
