"""What the audience floor plugs in."""

from sampan.platform.audience import audience_rows, tag_rows
from sampan.platform.component import Component

component = Component(
    "audience",
    (audience_rows.snapshot_part, tag_rows.followed_log),
    later="sampan.platform.audience.after_start:CONTRIBUTES",
)
