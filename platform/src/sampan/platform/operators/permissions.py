"""Permissions: declared by the floor or component that asks for them, bundled into roles.

The built-in roles take their permissions from the declarations, so a new component's permissions reach the
right people without a migration. Custom roles are rows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

NAME = re.compile(r"[a-z][a-z_]*:[a-z][a-z_]*")


class BuiltInRole(StrEnum):
    """The roles that every workspace has."""

    ADMIN = "admin"
    RELEASE_MANAGER = "release_manager"
    CAMPAIGN_OPERATOR = "campaign_operator"
    REVIEWER = "reviewer"
    SERVICE_DESK = "service_desk"
    AUDITOR = "auditor"
    PUBLISHER = "publisher"


EVERYONE = frozenset(str(role) for role in BuiltInRole)


@dataclass(frozen=True, slots=True)
class Permission:
    """One right, `resource:action`; `roles` are the built-in roles that have it.

    A `dangerous` one asks for the second factor again, and no machine token can carry it.
    """

    name: str
    zh: str
    en: str
    roles: frozenset[str] = field(default_factory=frozenset)
    dangerous: bool = False

    def __post_init__(self) -> None:
        if NAME.fullmatch(self.name) is None:
            raise ValueError(f"{self.name!r} is not a permission name: resource:action")
        if unknown := self.roles - EVERYONE:
            raise ValueError(f"{self.name}: not built-in roles: {sorted(unknown)}")


def by_name(permissions: Iterable[Permission]) -> dict[str, Permission]:
    """Return the permissions by name; raise ValueError when two components declare the same one."""
    found: dict[str, Permission] = {}
    for permission in permissions:
        if permission.name in found:
            raise ValueError(f"the permission {permission.name!r} is declared twice")
        found[permission.name] = permission
    return found


def of_built_in_role(permissions: Iterable[Permission], role: str) -> frozenset[str]:
    """Return the names of the permissions that a built-in role has."""
    return frozenset(permission.name for permission in permissions if role in permission.roles)
