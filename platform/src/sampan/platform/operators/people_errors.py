"""What can be wrong with accounts, roles, grants, set-up links and machine tokens."""

from typing import ClassVar

from sampan.platform.errors import Conflict, Forbidden, Invalid, NotFound


class OperatorNotFound(NotFound):
    """No such operator in this workspace."""

    code: ClassVar[str] = "operator_not_found"


class OperatorExists(Conflict):
    """The person has an account in this workspace already."""

    code: ClassVar[str] = "operator_exists"
    field: ClassVar[str] = "email"


class PersonExists(Conflict):
    """The person has an account of another workspace, which the caller must mean knowingly."""

    code: ClassVar[str] = "person_exists"
    field: ClassVar[str] = "email"


class PersonNotFound(NotFound):
    """The caller meant an existing person, and there is none who has been set up."""

    code: ClassVar[str] = "person_not_found"
    field: ClassVar[str] = "email"


class PersonElsewhere(Conflict):
    """The person works in other workspaces too, which one bank's administrator must not take over."""

    code: ClassVar[str] = "person_elsewhere"


class UnknownRole(Invalid):
    """No such role in this workspace."""

    code: ClassVar[str] = "unknown_role"


class UnknownPermission(Invalid):
    """No component declares this permission."""

    code: ClassVar[str] = "unknown_permission"


class BuiltInRoleFixed(Forbidden):
    """Built-in roles take their permissions from the components."""

    code: ClassVar[str] = "built_in_role_fixed"


class GrantNotFound(NotFound):
    """No such grant of this operator."""

    code: ClassVar[str] = "grant_not_found"


class LastAdmin(Conflict):
    """Nobody could administer the workspace any more."""

    code: ClassVar[str] = "last_admin"


class SetupNotAllowed(Conflict):
    """A set-up link is issued only for a new account or after an approved reset."""

    code: ClassVar[str] = "setup_not_allowed"


class SetupLinkInvalid(NotFound):
    """The set-up link is unknown, was used, was replaced by a newer one, or is over its time."""

    code: ClassVar[str] = "setup_link_invalid"


class WrongCode(Invalid):
    """The code does not come from the secret that this set-up link shows."""

    code: ClassVar[str] = "wrong_code"
    field: ClassVar[str] = "totp"


class AlreadyInitialised(Conflict):
    """The workspace has administrators already."""

    code: ClassVar[str] = "already_initialised"


class TokenNotFound(NotFound):
    """No such machine token."""

    code: ClassVar[str] = "token_not_found"


class NotForMachines(Forbidden):
    """The permission is dangerous, or the owner does not have it, so no token can carry it."""

    code: ClassVar[str] = "not_for_machines"
    field: ClassVar[str] = "permissions"


class MachinesMakeNoTokens(Forbidden):
    """A machine token cannot make or prolong machine tokens."""

    code: ClassVar[str] = "machines_make_no_tokens"
