"""What the identity floor plugs into the server."""

from sampan.platform.component import ClientRoutes, Component, PortNeed
from sampan.platform.identity import (
    client_api,
    keyring,
    own_api,
    refresh_route,
    repository_client_apps,
    repository_subjects,
)
from sampan.platform.identity.service_keys import workspace_setup
from sampan.platform.ports import SmsPort

component = Component(
    "identity",
    (
        workspace_setup,
        keyring.snapshot_part,
        repository_client_apps.snapshot_part,
        repository_subjects.followed_log,
        refresh_route.route,
        ClientRoutes(client_api.build),
        ClientRoutes(own_api.build),
        PortNeed(SmsPort, "customers sign in with one-time codes by text message"),
    ),
)
