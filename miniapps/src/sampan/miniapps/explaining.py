"""Why a caller gets the version of an app that it gets, or none: public facts, from the same decision as sync."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from sampan.miniapps.kind_names import MINIAPP
from sampan.platform.audience.attributes import ATTRIBUTES, Privacy
from sampan.platform.audience.claims import claims_kept, last_claims
from sampan.platform.audience.explain import Explanation
from sampan.platform.audience.explain import explain as explain_rule
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.known import NO_CLAIMS, facts_of
from sampan.platform.audience.words import rule_words
from sampan.platform.core import Core
from sampan.platform.identity.caller import Caller
from sampan.platform.operators.change_rows import Words
from sampan.platform.release.caps import subjects_of
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, Offer, Reason, decide
from sampan.platform.release.explain_rows import rooms_of
from sampan.platform.release.snapshot import PART
from sampan.platform.release.sync import ReleasesPart

SAYS = {
    Reason.MATCHED: "A release means this device.",
    Reason.NO_RELEASE: "No release offers this app now; what is installed goes on.",
    Reason.NOT_IN_AUDIENCE: "The newest release means others.",
    Reason.OTHER_CLIENT_APP: "The newest release is for another client app.",
    Reason.HOST_TOO_OLD: "The newest version needs a newer super-app.",
    Reason.NO_PLACE: "The newest release went to as many as it may.",
}
HOST_WHEN_UNSAID = 1
MOST_TOLD = 5
PUBLIC = frozenset({Privacy.PUBLIC})
GROUPS = {
    "all": Words("全部满足", "All of these"),
    "any": Words("任一满足", "Any of these"),
    "not": Words("以下不成立", "This does not hold"),
}
EVERYONE = Words("所有人", "Everyone")
INTERNAL = Words("内部条件（不显示）", "An internal condition (not shown)")


async def explain(core: Core, caller: Caller, app_id: str) -> dict[str, Any]:
    """Return the decision for the caller with its reason, and the serials that a device can compare with its own.

    `releases` are those that offer the app, the highest first, down to the one that is given; of their conditions only
    those on public attributes are told, the others by their outcome alone.
    """
    view, now_ms = core.replica.view(caller.workspace_id), core.now_ms()
    part: ReleasesPart = view.parts[PART]
    found = [each for each in part.deliverables if (each.kind, each.id) == (MINIAPP, app_id)]
    facts, context = await _known(core, caller, found, now_ms)
    offer = decide(facts, context, found[0]) if found else Offer(None, Reason.NO_RELEASE)
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
        "releases": [_release(each, facts, context) for each in _told(found, chosen)],
        "control_serial": control.serial if control else None,
        "killed": sorted(control.killed) if control else [],
    }


async def _known(
    core: Core, caller: Caller, found: Sequence[DeliverableSnapshot], now_ms: int
) -> tuple[Facts, Context]:
    """Return what sync would see of the caller, with what its device last said of itself."""
    await claims_kept(core).flush()
    async with core.store.workspace(caller.workspace_id).read() as tx:
        said = await last_claims(tx, caller.device_id)
        claims = said[0] if said is not None else NO_CLAIMS
        facts = facts_of(core.replica.view(caller.workspace_id), caller, now_ms=now_ms, claims=claims)
        capped = {each.release_id: each.cap for app in found for each in app.candidates if each.cap is not None}
        rooms = await rooms_of(tx, capped, subjects_of(facts), now_ms=now_ms)
    places = frozenset(name for name, room in rooms.items() if room.is_kept)
    return replace(facts, places=places), Context(claims.host_version or HOST_WHEN_UNSAID)


def _told(found: Sequence[DeliverableSnapshot], chosen: Candidate | None) -> Iterator[Candidate]:
    for number, candidate in enumerate(found[0].candidates if found else ()):
        if number == MOST_TOLD:
            return
        yield candidate
        if candidate is chosen:
            return


def _release(candidate: Candidate, facts: Facts, context: Context) -> dict[str, Any]:
    alone = decide(facts, context, DeliverableSnapshot(MINIAPP, "", [candidate]))
    tree = explain_rule(candidate.audience, facts, may_see=PUBLIC)
    return {
        "version": candidate.version,
        "sequence": candidate.sequence,
        "reason": str(alone.reason),
        "conditions": list(_conditions(tree, 0)),
    }


def _conditions(node: Explanation, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the parts of a rule as lines, each as deep as it stands."""
    attribute = ATTRIBUTES[node.attr] if node.attr is not None else None
    is_public = attribute is None or attribute.privacy in PUBLIC
    words = _words(node) if is_public else INTERNAL
    yield {
        "depth": depth,
        "outcome": node.outcome,
        "says": {"zh": words.zh, "en": words.en},
        "seen": _seen(node) if is_public else None,
        "source": node.source if is_public else None,
    }
    if is_public:
        for part in node.parts:
            yield from _conditions(part, depth + 1)


def _seen(node: Explanation) -> str | None:
    if node.seen is None:
        return None
    if node.attr == "time":
        return f"{datetime.fromtimestamp(node.seen / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    return str(node.seen)


def _words(node: Explanation) -> Words:
    if node.word != "condition":
        return GROUPS[node.word] if node.parts or node.word != "all" else EVERYONE
    return rule_words({"attr": node.attr, "op": node.op, "values": list(node.values)})
