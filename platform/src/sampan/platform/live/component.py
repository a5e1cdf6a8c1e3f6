"""What the live floor plugs in: the two streams, and the heartbeat."""

from sampan.platform.component import Background, Component, HotRoute
from sampan.platform.live.hub import hub_of
from sampan.platform.live.streams import build_console, build_devices

component = Component(
    "live",
    (
        HotRoute("GET", "/client/v1/live", build_devices),
        HotRoute("GET", "/console/api/v1/live", build_console),
        Background("live heartbeat", lambda core: hub_of(core).run()),
    ),
)
