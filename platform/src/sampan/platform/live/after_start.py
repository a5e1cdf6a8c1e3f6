"""What the live floor plugs in, after the start: the two streams, and the heartbeat."""

from sampan.platform.component import Background, HotRoute
from sampan.platform.live.hub import hub_of
from sampan.platform.live.streams import build_console, build_devices

CONTRIBUTES = (
    HotRoute("GET", "/client/v1/live", build_devices),
    HotRoute("GET", "/console/api/v1/live", build_console),
    Background("live heartbeat", lambda core: hub_of(core).run()),
)
