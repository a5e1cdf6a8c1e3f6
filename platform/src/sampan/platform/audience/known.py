"""The facts of whoever calls: from the token, from what this worker follows, and from what the client claims."""

from collections.abc import Mapping

from sampan.platform.audience.audience_rows import PART, AudiencesPart
from sampan.platform.audience.facts import Claims, Facts, Members
from sampan.platform.audience.tag_states import LOG, TagStates
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.repository_client_apps import PART as CLIENT_APPS
from sampan.platform.identity.repository_client_apps import ClientApp
from sampan.platform.workspaces.replica import WorkspaceView

NO_CLAIMS = Claims()


def facts_of(view: WorkspaceView, caller: Caller, *, now_ms: int, claims: Claims = NO_CLAIMS) -> Facts:
    """Return what rules may look at for this caller now."""
    apps: Mapping[str, ClientApp] = view.parts.get(CLIENT_APPS, {})
    app = apps.get(caller.client_app)
    states: TagStates = view.followed.get(LOG) or TagStates()
    tags: Mapping[str, Members] = states.members
    audiences: AudiencesPart | None = view.parts.get(PART)
    return Facts(
        tier=caller.tier,
        subject=caller.subject,
        device=caller.device_id,
        customer=caller.customer_id,
        client_app=caller.client_app,
        channel=app.channel.lower() if app else "",
        now_ms=now_ms,
        platform=claims.platform.lower(),
        os_version=claims.os_version,
        app_version=claims.app_version,
        model=claims.model.lower(),
        network=claims.network.lower(),
        region=claims.region.lower(),
        language=claims.language.lower(),
        tags=tags,
        audiences=audiences if audiences is not None else {},
    )
