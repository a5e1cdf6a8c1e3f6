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


class UpgradeInUse(Conflict):
    """A release of the upgrade runs, stands still or waits; what customers are told must not change under it."""

    code = "upgrade_in_use"
