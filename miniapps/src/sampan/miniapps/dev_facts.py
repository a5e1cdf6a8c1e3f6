"""What the shell is told when a developer's own bank runs around one app; only `sampan dev` contributes it."""

import msgspec


class DevFacts(msgspec.Struct, frozen=True):
    """The app that is being written, and the tier and phone of who is to be signed in."""

    app: str
    tier: str
    phone: str
