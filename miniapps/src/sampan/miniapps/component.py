"""What mini-apps plug into the platform."""

from sampan.miniapps.origin_part import part as origins_part
from sampan.miniapps.part import part, sync_part
from sampan.miniapps.shell_site import site
from sampan.platform.component import Component

component = Component(
    "miniapps", (part, sync_part, origins_part, site), later="sampan.miniapps.after_start:CONTRIBUTES"
)
