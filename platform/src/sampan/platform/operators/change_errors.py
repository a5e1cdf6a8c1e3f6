"""What can be wrong with a change request or an approval of it."""

from typing import ClassVar

from sampan.platform.errors import Conflict, Forbidden, Invalid, NotFound


class UnknownChangeKind(Invalid):
    """No component registered this kind of change, or it is not proposed by hand."""

    code: ClassVar[str] = "unknown_change_kind"
    field: ClassVar[str] = "kind"


class BadChange(Invalid):
    """The payload has no canonical form, is too large, or is not one that its maker may edit."""

    code: ClassVar[str] = "bad_change"
    field: ClassVar[str] = "payload"


class ChangeNotFound(NotFound):
    """No such change request in this workspace."""

    code: ClassVar[str] = "change_not_found"


class ChangeClosed(Conflict):
    """The change request was decided already; `state` tells how."""

    code: ClassVar[str] = "change_closed"


class ChangeExpired(Conflict):
    """The change request waited too long."""

    code: ClassVar[str] = "change_expired"


class ChangeStale(Conflict):
    """What the change would change has moved since it was proposed."""

    code: ClassVar[str] = "change_stale"


class ChangeEdited(Conflict):
    """The change request is not the one that the caller saw."""

    code: ClassVar[str] = "change_edited"


class SamePerson(Forbidden):
    """Maker and checker must be two persons, whatever accounts or tokens they use."""

    code: ClassVar[str] = "same_person"


class AlreadyApproved(Conflict):
    """This person approved this edition before."""

    code: ClassVar[str] = "already_approved"


class BondedPair(Forbidden):
    """One of the two created, elevated or reset the other's account less than seven days ago."""

    code: ClassVar[str] = "bonded_pair"


class MachinesNeverApprove(Forbidden):
    """Approving takes a person who is signed in."""

    code: ClassVar[str] = "machines_never_approve"


class PersonInactive(Conflict):
    """The maker or the checker has no active account any more."""

    code: ClassVar[str] = "person_inactive"


class NotTheMaker(Forbidden):
    """Only the maker may edit or withdraw a change request."""

    code: ClassVar[str] = "not_the_maker"
