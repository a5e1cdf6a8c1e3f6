"""What the artifacts floor plugs in."""

from sampan.platform.artifacts import published, trial_part
from sampan.platform.component import Component

component = Component(
    "artifacts", (published.part, trial_part.part), later="sampan.platform.artifacts.after_start:CONTRIBUTES"
)
