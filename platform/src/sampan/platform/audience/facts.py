"""What is known of one subject on one device when a rule is evaluated, and by whom it was said.

The server's own facts come from the token and from state that follows the logs; claims come from the client and can
only ever fill the claimed fields. What is not known stays empty, and then no condition on it holds, nor its opposite.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.identity.tiers import Tier


class Members(Protocol):
    """The subjects who have a tag, by number."""

    def __contains__(self, subject: int, /) -> bool: ...


class Audience(Protocol):
    """A saved audience, compiled."""

    def matches(self, facts: "Facts", /) -> bool:
        """Whether the subject is surely in it."""

    def excludes(self, facts: "Facts", /) -> bool:
        """Whether the subject is surely not in it."""


_NO_TAGS: Mapping[str, Members] = {}
_NO_AUDIENCES: Mapping[str, Audience] = {}


class Claims(Struct, frozen=True, gc=False):
    """What a client says of itself; may be anything. `host_version` is 0 where it says none; no rule looks at it."""

    platform: str = ""
    os_version: str = ""
    app_version: str = ""
    model: str = ""
    network: str = ""
    region: str = ""
    language: str = ""
    host_version: int = 0


class Facts(Struct, frozen=True):
    """Everything that rules may look at. Claimed texts are in lower case (`with_claims` makes them so).

    `tags` and `audiences` hold every tag and saved audience of the workspace; a missing one is unknown, never empty.
    `places` are the capped releases that keep a place for the caller; no rule looks at them.
    """

    tier: Tier
    subject: int = -1
    device: str = ""
    customer: str | None = None
    client_app: str = ""
    channel: str = ""
    now_ms: int = 0
    platform: str = ""
    os_version: str = ""
    app_version: str = ""
    model: str = ""
    network: str = ""
    region: str = ""
    language: str = ""
    tags: Mapping[str, Members] = _NO_TAGS
    audiences: Mapping[str, Audience] = _NO_AUDIENCES
    places: frozenset[str] = frozenset()

    def with_claims(self, claims: Claims) -> "Facts":
        """Return these facts with what the client says of itself; nothing else can change by it."""
        return replace(
            self,
            platform=claims.platform.lower(),
            os_version=claims.os_version,
            app_version=claims.app_version,
            model=claims.model.lower(),
            network=claims.network.lower(),
            region=claims.region.lower(),
            language=claims.language.lower(),
        )


def first_seen_ms(facts: Facts) -> int | None:
    """Return when the server made the device's id, which holds the time (UUIDv7); None without one."""
    text = facts.device[-32:-20]
    try:
        return int(text, 16) if len(text) == 12 and facts.device[-33:-32] == "_" else None
    except ValueError:
        return None
