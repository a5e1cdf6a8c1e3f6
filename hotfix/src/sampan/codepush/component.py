"""What CodePush plugs into the platform."""

from sampan.codepush.part import snapshot_part
from sampan.platform.component import Component

component = Component("codepush", (snapshot_part,), later="sampan.codepush.after_start:CONTRIBUTES")
