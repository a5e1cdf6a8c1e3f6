"""What only `sampan dev` contributes: whose app is being written, and what stands in for other servers and sign-ins."""

from collections.abc import Awaitable, Callable

import msgspec

from sampan.platform.guarded_calls import Answer


class DevFacts(msgspec.Struct, frozen=True):
    """The app that is being written, and the tier and phone of who is to be signed in."""

    app: str
    tier: str
    phone: str


class NetworkStandIn(msgspec.Struct, frozen=True):
    """Answers calls of the network bridge, once permissions were asked; None lets the call go out.

    `answer` takes method and address, and raises what a failing server makes the bridge raise.
    """

    answer: Callable[[str, str], Awaitable[Answer | None]]


class LoginStandIn(msgspec.Struct, frozen=True):
    """Asked before `login()` makes its code; raises what shall come instead."""

    check: Callable[[], None]
