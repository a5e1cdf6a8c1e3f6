"""The trust trees of a workspace: one per profile, over the same package files."""

from msgspec import Struct

from sampan.platform.errors import NotFound

SNAPSHOT, TIMESTAMP, CONTROL = "snapshot", "timestamp", "control"
ONLINE_PURPOSES = (SNAPSHOT, TIMESTAMP, CONTROL)


class UnknownProfile(NotFound):
    """No trust tree of this name."""

    code = "unknown_profile"
    title = "No such trust tree"


class Profile(Struct, frozen=True):
    """One tree: its name, and the purpose of the server's key that signs app bodies beside the publisher's."""

    name: str
    countersigner: str

    @property
    def server_purposes(self) -> tuple[str, ...]:
        """The purposes of all keys that the server holds for this tree."""
        return (self.countersigner, *ONLINE_PURPOSES)


INTL = Profile("intl", "review")
TRIAL = Profile("trial", "intake")
PROFILES = {each.name: each for each in (INTL, TRIAL)}


def profile_named(name: str) -> Profile:
    """Return the profile; raise `UnknownProfile`."""
    try:
        return PROFILES[name]
    except KeyError:
        raise UnknownProfile(f"There is no tree {name[:40]!r}; the trees are {', '.join(PROFILES)}.") from None
