"""What customers allowed apps: rows by subject, app and permission.

A permission here is a method of the bridge that asks the customer (`camera`, `user.profile`), or `login.<scope>`.
Whether the app's manifest asks for it is for the container to check, on the signed manifest.
"""

import re

from msgspec import Struct
from sqlalchemy import BigInteger, Column, String, delete, func, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict, Forbidden, Invalid

PERMISSION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}")
MAX_PERMISSION = 64
MAX_CONSENTS = 2000  # of one subject: far more than there are apps and permissions

consents = scoped_table(
    "consents",
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("app_id", String(128), primary_key=True),
    Column("permission", String(MAX_PERMISSION), primary_key=True),
    Column("granted_ms", BigInteger, nullable=False),
)
_C = consents.c


class BadPermissionName(Invalid):
    """The text is not the name of a permission that an app can ask a customer for."""

    code = "bad_permission_name"


class ConsentRefused(Forbidden):
    """The customer did not allow the app what this call needs; the shell asks and stores the answer."""

    code = "consent_refused"


class TooManyConsents(Conflict):
    """This subject has more consents than anybody gives."""

    code = "too_many_consents"


class Consent(Struct, frozen=True):
    """What one subject allowed one app."""

    app_id: str
    permission: str
    granted_ms: int


async def list_consents(tx: Transaction, subject: int) -> list[Consent]:
    """Return a subject's consents, by app and permission."""
    statement = select(_C.app_id, _C.permission, _C.granted_ms).where(
        _C.workspace_id == tx.workspace_id, _C.subject == subject
    )
    rows = await tx.execute(statement.order_by(_C.app_id, _C.permission))
    return [Consent(row.app_id, row.permission, row.granted_ms) for row in rows]


async def give(tx: Transaction, subject: int, app_id: str, permission: str, *, now_ms: int) -> None:
    """Note a consent; an earlier one keeps its time."""
    if PERMISSION.fullmatch(permission) is None or len(permission) > MAX_PERMISSION:
        raise BadPermissionName("Name a permission of the bridge, such as camera or login.profile.", field="permission")
    this = (_C.workspace_id == tx.workspace_id, _C.subject == subject, _C.app_id == app_id, _C.permission == permission)
    if (await tx.execute(select(_C.granted_ms).where(*this))).one_or_none() is not None:
        return  # before the count: who has as many as there may be can still say again what stands
    held = select(func.count()).select_from(consents).where(_C.workspace_id == tx.workspace_id, _C.subject == subject)
    if (await tx.execute(held)).scalar_one() >= MAX_CONSENTS:
        raise TooManyConsents("Withdraw consents that are no longer needed, then try again.")
    values = {"subject": subject, "app_id": app_id, "permission": permission, "granted_ms": now_ms}
    await tx.execute(insert_or_ignore(tx, consents).values(workspace_id=tx.workspace_id, **values))


async def withdraw(tx: Transaction, subject: int, app_id: str, permission: str) -> None:
    """Forget a consent; none is as good."""
    await tx.execute(
        delete(consents).where(
            _C.workspace_id == tx.workspace_id,
            _C.subject == subject,
            _C.app_id == app_id,
            _C.permission == permission,
        )
    )


async def withdraw_all(tx: Transaction, subject: int) -> None:
    """Forget every consent of a subject."""
    await tx.execute(delete(consents).where(_C.workspace_id == tx.workspace_id, _C.subject == subject))


async def require(tx: Transaction, subject: int, app_id: str, *permissions: str) -> None:
    """Raise `ConsentRefused` unless the subject allowed the app all of these."""
    given = {each.permission for each in await list_consents(tx, subject) if each.app_id == app_id}
    missing = sorted(set(permissions) - given)
    if missing:
        raise ConsentRefused(f"The customer has not allowed this app: {', '.join(missing)}.", permissions=missing)
