"""What only a demo has, as a component."""

from sampan.platform.component import ClientRoutes, Component, Port, named
from sampan.platform.ports import SmsPort

component = Component(
    "identity-demo",
    (
        Port(SmsPort, named("sampan.platform.identity.demo:DemoSms")),
        ClientRoutes(named("sampan.platform.identity.demo:build")),
        ClientRoutes(named("sampan.platform.identity.demo_tier:build")),
    ),
)
