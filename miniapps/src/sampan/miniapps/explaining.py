"""Why a caller gets the version of an app that it gets, or none: public facts, from the same decision as sync."""

from typing import Any

from sampan.miniapps.kind_names import MINIAPP
from sampan.platform.audience.known import facts_of
from sampan.platform.identity.caller import Caller
from sampan.platform.release.decide import Context, Offer, Reason, decide
from sampan.platform.release.snapshot import PART
from sampan.platform.release.sync import ReleasesPart
from sampan.platform.workspaces.replica import WorkspaceView

SAYS = {
    Reason.MATCHED: "A release means this device.",
    Reason.NO_RELEASE: "No release offers this app now; what is installed goes on.",
    Reason.NOT_IN_AUDIENCE: "The newest release means others.",
    Reason.OTHER_CLIENT_APP: "The newest release is for another client app.",
    Reason.HOST_TOO_OLD: "The newest version needs a newer super-app.",
}
NEWEST_HOST = 2**31


def explain(view: WorkspaceView, caller: Caller, app_id: str, *, now_ms: int) -> dict[str, Any]:
    """Return the decision for the caller with its reason, and the serials that a device can compare with its own."""
    part: ReleasesPart = view.parts[PART]
    subject, context = facts_of(view, caller, now_ms=now_ms), Context(NEWEST_HOST)
    offer = Offer(None, Reason.NO_RELEASE)
    for snapshot in part.deliverables:
        if (snapshot.kind, snapshot.id) == (MINIAPP, app_id):
            offer = decide(subject, context, snapshot)
    control = part.control.get(app_id)
    chosen = offer.candidate
    return {
        "app": app_id,
        "tier": caller.tier.label,
        "client_app": caller.client_app,
        "revision": str(view.revision),
        "reason": str(offer.reason),
        "says": SAYS[offer.reason],
        "offer": None
        if chosen is None
        else {
            "release": chosen.release_id,
            "version": chosen.version,
            "sequence": chosen.sequence,
            "digest": chosen.digest,
        },
        "control_serial": control.serial if control else None,
        "killed": sorted(control.killed) if control else [],
    }
