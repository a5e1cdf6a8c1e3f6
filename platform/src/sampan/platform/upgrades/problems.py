"""What upgrades refuse."""

from sampan.platform.errors import Conflict, Invalid, NotFound


class BadUpgrade(Invalid):
    """The upgrade is not of the described form; `field` names the member."""

    code = "bad_upgrade"


class UnknownUpgrade(NotFound):
    """No upgrade with this build of this client app."""

    code = "unknown_upgrade"


class UpgradeTaken(Conflict):
    """This build of the client app is entered already."""

    code = "upgrade_taken"
    field = "build"


class UpgradeMoved(Conflict):
    """Somebody changed the upgrade since you read it; `changed_ms` is the present one."""

    code = "upgrade_moved"


class UpgradeInUse(Conflict):
    """A release of the upgrade, or one that may go back to it, runs, stands still or waits; it must not change then."""

    code = "upgrade_in_use"


class UpgradeWithdrawn(Conflict):
    """The upgrade was killed: never changed, deleted or entered anew, since nobody is led to that build again."""

    code = "upgrade_withdrawn"
    field = "build"
