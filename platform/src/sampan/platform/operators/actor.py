"""Who acts. Every use case gets an `Actor` and asks it; nothing else decides what somebody may do."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from sampan.platform.errors import Forbidden


class ActorKind(StrEnum):
    """What stands behind an actor."""

    OPERATOR = "operator"
    MACHINE = "machine"
    SYSTEM = "system"


class MissingPermission(Forbidden):
    """The actor's roles do not carry the permission, or carry it for something else only."""

    code: ClassVar[str] = "missing_permission"


class Grant(Struct, frozen=True):
    """The permissions of one role; a limit that is set must be named, with that value, by whoever asks."""

    role: str
    permissions: frozenset[str]
    client_app: str | None = None
    publisher: str | None = None
    app: str | None = None

    def covers(self, *, client_app: str | None = None, publisher: str | None = None, app: str | None = None) -> bool:
        """Whether the grant holds for this thing. A limited grant never covers an unnamed thing."""
        return self.client_app in (None, client_app) and self.publisher in (None, publisher) and self.app in (None, app)


class Actor(Struct, frozen=True):
    """An operator, a machine token (it counts as its owner and never approves), or the system itself.

    `label` is for display; `via` is the machine token's id or the name of the system's part, else empty.
    """

    kind: str
    person_id: str
    operator_id: str
    label: str
    grants: tuple[Grant, ...] = ()
    via: str = ""

    def may(
        self, permission: str, *, client_app: str | None = None, publisher: str | None = None, app: str | None = None
    ) -> bool:
        """Whether the actor has the permission for the named thing, or, nothing being named, for everything."""
        return self.kind == ActorKind.SYSTEM or any(
            permission in grant.permissions and grant.covers(client_app=client_app, publisher=publisher, app=app)
            for grant in self.grants
        )

    def require(
        self, permission: str, *, client_app: str | None = None, publisher: str | None = None, app: str | None = None
    ) -> None:
        """Raise `MissingPermission` unless the actor may."""
        if not self.may(permission, client_app=client_app, publisher=publisher, app=app):
            raise MissingPermission(
                f"You need the permission {permission!r} here. Ask an administrator for a role that has it.",
                permission=permission,
            )

    def holds(self, permission: str) -> bool:
        """Whether the actor has the permission for anything at all; the use case must then ask for the thing."""
        return self.kind == ActorKind.SYSTEM or bool(self.reach(permission))

    def reach(self, permission: str) -> tuple[Grant, ...]:
        """Return the grants that carry the permission, for lists that show only what the actor may see."""
        return tuple(grant for grant in self.grants if permission in grant.permissions)


def system_actor(label: str) -> Actor:
    """Return the actor of jobs, set-up and gates; it may do anything except approve."""
    return Actor(ActorKind.SYSTEM, "system", "", label, via=label)
