"""What the identity floor plugs in that no first answer to a device needs."""

from sampan.platform.component import ClientRoutes
from sampan.platform.identity import client_api, own_api, refresh_route
from sampan.platform.identity.service_keys import workspace_setup

CONTRIBUTES = (workspace_setup, refresh_route.route, ClientRoutes(client_api.build), ClientRoutes(own_api.build))
