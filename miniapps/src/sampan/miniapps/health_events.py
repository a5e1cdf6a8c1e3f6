"""What the browser's container reports of a mini-app's health, by app and version. Texts are cut by the client.

Addresses come without their query. What an error says may hold what concerns a customer, so it counts as personal.
"""

from sampan.platform.insight.schemas import AttributeClass, EventAttribute, EventSchema

NUMBER, TEXT = EventAttribute(int), EventAttribute(str)
PERSONAL = EventAttribute(str, AttributeClass.PERSONAL)

BOOT = EventSchema("app.boot", 1, {"milliseconds": NUMBER})
WHITE_SCREEN = EventSchema("app.white_screen", 1, {"milliseconds": NUMBER})
SCRIPT_ERROR = EventSchema(
    "app.script_error",
    1,
    {"message": PERSONAL, "stack": PERSONAL, "source": TEXT, "line": NUMBER, "column": NUMBER},
)
RESOURCE_FAILED = EventSchema("app.resource_failed", 1, {"kind": TEXT, "path": TEXT})
CSP_REFUSED = EventSchema("app.csp_refused", 1, {"directive": TEXT, "blocked": TEXT})

HEALTH_EVENTS = (BOOT, WHITE_SCREEN, SCRIPT_ERROR, RESOURCE_FAILED, CSP_REFUSED)
