"""What the operators floor plugs in; nearly all of it after the start."""

from sampan.platform.component import Component
from sampan.platform.workspaces.host_rows import part as hosts_part

component = Component("operators", (hosts_part,), later="sampan.platform.operators.after_start:CONTRIBUTES")
