"""Persons: humans, above all workspaces, with what they sign in by. Reached only through `people_door`.

An e-mail address and a name stand here and nowhere else. Passwords are argon2id hashes, TOTP secrets are
sealed; a person without a hash has not been set up and cannot sign in.
"""

from msgspec import Struct
from sqlalchemy import BigInteger, Column, LargeBinary, String, UniqueConstraint, insert, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.tables import global_table

persons = global_table(
    "persons",
    Column("id", String(64), primary_key=True),
    Column("email", String(254), nullable=False),
    Column("name", String(100), nullable=False),
    Column("password_hash", String(200)),
    Column("totp_sealed", LargeBinary),
    Column("totp_last_step", BigInteger, nullable=False, default=0),
    Column("home_workspace", String(32), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("email"),
)


class Person(Struct, frozen=True):
    """A human; `home_workspace` is where the account was first made."""

    id: str
    email: str
    name: str
    password_hash: str | None
    totp_sealed: bytes | None
    totp_last_step: int
    home_workspace: str

    @property
    def is_set_up(self) -> bool:
        """Whether the person has chosen a password and enrolled a second factor."""
        return self.password_hash is not None and self.totp_sealed is not None


_COLUMNS = [persons.c[name] for name in Person.__struct_fields__]


def totp_context(person_id: str) -> str:
    """Return the place that a sealed TOTP secret is bound to."""
    return f"totp/{person_id}"


async def person_by_email(tx: Transaction, email: str) -> Person | None:
    """Return the person with this (already lower-case) address."""
    row = (await tx.execute(select(*_COLUMNS).where(persons.c.email == email))).one_or_none()
    return Person(**row._mapping) if row else None


async def person_by_id(tx: Transaction, person_id: str) -> Person | None:
    """Return the person."""
    row = (await tx.execute(select(*_COLUMNS).where(persons.c.id == person_id))).one_or_none()
    return Person(**row._mapping) if row else None


async def persons_by_ids(tx: Transaction, person_ids: list[str]) -> dict[str, Person]:
    """Return the persons by id, in one query."""
    rows = await tx.execute(select(*_COLUMNS).where(persons.c.id.in_(person_ids)))
    return {row.id: Person(**row._mapping) for row in rows}


async def add_person(
    tx: Transaction, *, person_id: str, email: str, name: str, home_workspace: str, now_ms: int
) -> None:
    """Insert a person who cannot sign in yet."""
    await tx.execute(
        insert(persons).values(
            id=person_id, email=email, name=name, totp_last_step=0, home_workspace=home_workspace, created_ms=now_ms
        )
    )


async def use_totp_step(tx: Transaction, person_id: str, step: int) -> bool:
    """Spend a TOTP step; False when it, or a later one, was spent before."""
    statement = (
        update(persons).where(persons.c.id == person_id, persons.c.totp_last_step < step).values(totp_last_step=step)
    )
    return (await tx.execute(statement)).rowcount == 1


async def set_credentials(
    tx: Transaction, person_id: str, *, password_hash: str, totp_sealed: bytes, totp_last_step: int
) -> None:
    """Replace what the person signs in by."""
    await tx.execute(
        update(persons)
        .where(persons.c.id == person_id)
        .values(password_hash=password_hash, totp_sealed=totp_sealed, totp_last_step=totp_last_step)
    )


async def set_password_hash(tx: Transaction, person_id: str, *, old: str, new: str) -> bool:
    """Replace the password hash unless somebody else did so meanwhile."""
    statement = (
        update(persons).where(persons.c.id == person_id, persons.c.password_hash == old).values(password_hash=new)
    )
    return (await tx.execute(statement)).rowcount == 1
