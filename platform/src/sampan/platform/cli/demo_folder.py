"""The demo's folder: what the server has, what officers have, what the publisher has and who the people are, apart.

    server/      database, objects and the server's own keys: all that the server's process is given
    officers/    three officers' keys, each with its passphrase and what that officer trusts
    publisher/   the publisher's keys, packages and what it trusts
    people/      sign-ins of the demo's people and customers

A real deployment has these on different machines; the demo keeps to the same borders.
"""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from msgspec import Struct

from sampan.platform.errors import NotFound

DEFAULT_ROOT = Path(".data/demo")
WORKSPACE = "demo"
LOCAL = "http://127.0.0.1:8080"
TOTP_BYTES, PASSWORD_BYTES, PASSPHRASE_BYTES = 20, 12, 32

PEOPLE = (
    ("admin-1@demo.example", "Ada Admin", "admin"),
    ("admin-2@demo.example", "Ben Admin", "admin"),
    ("release@demo.example", "Rosa Release", "release_manager"),
    ("reviewer@demo.example", "Rex Reviewer", "reviewer"),
    ("campaign@demo.example", "Cara Campaign", "campaign_operator"),
    ("desk@demo.example", "Dan Desk", "service_desk"),
    ("auditor@demo.example", "Ann Auditor", "auditor"),
)
PUBLISHER = ("publisher@demo.example", "Pia Publisher", "publisher")
CUSTOMERS = (
    ("CIF-1001", "registered", "+8613800000001", "李雷"),
    ("CIF-1002", "e_account", "+8613800000002", "韩梅梅"),
    ("CIF-1003", "full", "+8613800000003", "王小明"),
)


class NoDemoHere(NotFound):
    """There is no demo in the folder."""

    code = "no_demo_here"


class DemoPerson(Struct, frozen=True):
    """A person of the demo with all that signing in takes; `totp` is base32, as authenticator apps want it."""

    email: str
    name: str
    role: str
    password: str
    totp: str

    @property
    def totp_secret(self) -> bytes:
        """The shared secret's bytes."""
        return base64.b32decode(self.totp + "=" * (-len(self.totp) % 8))


class DemoFolder(Struct, frozen=True):
    """The four parts of the demo below `root`."""

    root: Path

    @classmethod
    def chosen(cls, data: Path | None) -> "DemoFolder":
        """Return the folder of `--data`, of SAMPAN_DATA, or the default below the present one."""
        return cls(data or Path(os.environ.get("SAMPAN_DATA") or DEFAULT_ROOT))

    @property
    def server(self) -> Path:
        """All that the server's process is given."""
        return self.root / "server"

    @property
    def officers(self) -> Path:
        """The officers' keys."""
        return self.root / "officers"

    @property
    def publisher(self) -> Path:
        """The publisher's keys and packages."""
        return self.root / "publisher"

    @property
    def people(self) -> Path:
        """Sign-ins."""
        return self.root / "people"

    @classmethod
    def here(cls) -> str:
        """Return the address of the demo of SAMPAN_DATA or of the present folder; the usual one without any."""
        return cls.chosen(None).address

    @property
    def address(self) -> str:
        """Where the demo's server was started last; before its first start, where it would be."""
        try:
            return (self.root / "address").read_text().strip()
        except OSError:
            return LOCAL

    def remember_address(self, address: str) -> None:
        """Note where the server listens, for the commands that come without an address."""
        write_secret(self.root / "address", address + "\n")

    def cast(self) -> list[DemoPerson]:
        """Return all people, those that are missing made up now; nobody else can read the file."""
        known = {each["email"]: each for each in self._read().get("people", [])}
        for email, name, role in (*PEOPLE, PUBLISHER):
            if email not in known:
                password, totp = secrets.token_urlsafe(PASSWORD_BYTES), secrets.token_bytes(TOTP_BYTES)
                secret = base64.b32encode(totp).decode().rstrip("=")
                known[email] = {"email": email, "name": name, "role": role, "password": password, "totp": secret}
        people = list(known.values())
        if people != self._read().get("people"):
            write_secret(self.people / "people.json", json.dumps({"people": people}, indent=2) + "\n")
        return [DemoPerson(**each) for each in people]

    def person(self, email: str) -> DemoPerson:
        """Return one of the people; raise `NoDemoHere`."""
        people = self._read().get("people", [])
        for each in people:
            if email in (each["email"], each["email"].partition("@")[0]):
                return DemoPerson(**each)
        known = ", ".join(each["email"] for each in people) or "nobody; start it with `sampan up --demo`"
        raise NoDemoHere(f"There is no {email!r} in the demo below {self.root}. There is: {known}.")

    def replace(self, person: DemoPerson) -> None:
        """Store other credentials of a person."""
        values = [each if each["email"] != person.email else _values(person) for each in self._read()["people"]]
        write_secret(self.people / "people.json", json.dumps({"people": values}, indent=2) + "\n")

    def passphrase(self, folder: Path) -> bytes:
        """Return the passphrase of the keys in a folder, made up when there is none."""
        path = folder / "passphrase"
        if not path.exists():
            write_secret(path, secrets.token_hex(PASSPHRASE_BYTES) + "\n")
        return path.read_text().strip().encode()

    def is_seeded(self) -> bool:
        """Whether this very database was seeded to the end."""
        try:
            return bool(json.loads((self.root / "seeded.json").read_text()) == self._database())
        except (OSError, ValueError):
            return False

    def mark_seeded(self) -> None:
        """Note that the seeding of this database is complete."""
        write_secret(self.root / "seeded.json", json.dumps(self._database()) + "\n")

    def _database(self) -> dict[str, int]:
        return {"database": (self.server / "sampan.sqlite").stat().st_ino}

    def _read(self) -> dict[str, Any]:
        path = self.people / "people.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found


def write_secret(path: Path, text: str) -> None:
    """Replace a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _values(person: DemoPerson) -> dict[str, str]:
    return {name: getattr(person, name) for name in ("email", "name", "role", "password", "totp")}
