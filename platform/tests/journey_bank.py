"""A bank at work: its server, officers, a publisher, a reviewer, two release managers, each in their own folder."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from journey_people import WORKSPACE, Person, Server, new_server, secret_of, until

from sampan.loadtests.device import SimulatedDevice
from sampan.platform.cli.api import Api

A, B = "bank.demo.a", "bank.demo.b"
SHOP = "retail"
TIERS = ("e_account", "full")


@dataclass
class Bank:
    """The parties; `packages` are the package files by (app, sequence)."""

    server: Server
    admins: list[Person] = field(default_factory=list)
    developer: Person = field(init=False)
    reviewer: Person = field(init=False)
    maker: Person = field(init=False)
    checker: Person = field(init=False)
    officer_3: Person = field(init=False)
    staff: list[Person] = field(default_factory=list)
    packages: dict[tuple[str, int], Path] = field(default_factory=dict)
    digests: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def tree(self) -> str:
        """The address of the customers' tree."""
        return f"{self.server.url}/trust/{WORKSPACE}/intl"

    @property
    def root(self) -> bytes:
        """The first root, as an app would be built with it."""
        return httpx2.get(f"{self.tree}/metadata/1.root.json", trust_env=False).content

    def open(self) -> "Bank":
        """Found the bank: server, ceremony, publisher, people, and version 1 of two apps."""
        self.admins = self.server.install("admin-1@bank.example", "admin-2@bank.example")
        self.server.start()
        for admin in self.admins:
            admin.sign_in()
        self._ceremony()
        self._publisher()
        self._people()
        for app in (A, B):
            self.publish(app, 1)
        return self

    def _ceremony(self) -> None:
        """Three officers make their keys; the first two are the administrators themselves."""
        first, second = self.admins
        self.officer_3 = Person(self.server.root / "officer-3", self.server.url, "officer-3")
        for officer in (first, second, self.officer_3):
            officer.sampan("keygen", "officer", "--out", "officer.pem")
        names = [each.folder / "officer.pub" for each in (first, second, self.officer_3)]
        for tree in ("intl", "trial"):
            second.approve(first.sampan("trust", "start", tree, *names)["id"])
        self.officers_sign()
        until(self._is_tree_visible)
        for officer in self.admins:
            officer.sampan("trust", "root", "--pin")

    def officers_sign(self) -> None:
        """Let two officers examine and sign all that waits."""
        for officer in self.admins:
            officer.sampan("trust", "sign", "--all", "--yes", "--key", "officer.pem")

    def _publisher(self) -> None:
        first, _ = self.admins
        self.developer = Person(self.server.root / "publisher", self.server.url, "developer@studio.example")
        self.developer.sampan("keygen", "publisher", "--out", "publisher.pem")
        pair = [self.developer.folder / name for name in ("publisher.pub", "publisher.trial.pub")]
        made = first.sampan("publisher", "add", "Studio", "--key", pair[0], "--trial-key", pair[1])
        for app in (A, B):
            first.sampan("app", "create", app, "--publisher", made["id"])
        self.officers_sign()
        self._employ(self.developer, {"role": "publisher", "publisher": made["id"]})
        until(self._is_tree_visible)
        self.developer.sampan("trust", "root", "--pin")

    def _is_tree_visible(self) -> bool | None:
        found = httpx2.get(f"{self.tree}/metadata/timestamp.json", trust_env=False)
        trees = items(self.admins[0].api.get("/trust/trees"))
        is_shown = all(role["exposed_version"] == role["version"] for tree in trees for role in tree["roles"])
        return (found.status_code == 200 and is_shown) or None

    def _people(self) -> None:
        for name, role in (("reviewer", "reviewer"), ("maker", "release_manager"), ("checker", "release_manager")):
            person = Person(self.server.root / name, self.server.url, f"{name}@bank.example")
            self._employ(person, {"role": role})
            setattr(self, name, person)
        self.admins[0].api.post("/client-apps", {"id": SHOP, "name": "Retail"})

    def _employ(self, person: Person, grant: dict[str, str]) -> None:
        """Give somebody an account: one administrator proposes, the other approves, the person sets it up."""
        first, second = (admin.api for admin in self.admins)
        body = {"email": person.email, "name": person.email.split("@")[0], "grants": [grant]}
        self.admins[1].confirm()
        change = first.post("/operators", body)
        second.post(f"/changes/{change['id']}/approve", {"digest": change["digest"]})
        operators = items(first.get("/operators"))
        operator = next(each for each in operators if each["email"] == person.email)
        link = first.post(f"/operators/{operator['id']}/setup-link")["link"]
        anybody = Api(self.server.url, WORKSPACE)
        person.totp = secret_of(anybody.post("/setup/begin", {"link": link})["totp_secret"])
        person.password = secrets.token_urlsafe(20)
        anybody.post("/setup/finish", {"link": link, "password": person.password, "totp": person.code()})
        anybody.close()
        self.staff.append(person.sign_in())

    def pack(self, app: str, sequence: int) -> Path:
        """Pack a plain H5 build on the publisher's machine."""
        source = self.developer.folder / f"{app}-{sequence}"
        source.mkdir(parents=True)
        (source / "index.html").write_text(page(app, sequence))
        numbers = ("--version", f"1.0.{sequence}", "--sequence", str(sequence))
        made = self.developer.sampan("pack", source, "--id", app, *numbers, "--out", f"dist-{app}-{sequence}")
        self.packages[app, sequence] = self.developer.folder / made["package"]
        self.digests[app, sequence] = made["digest"]
        return self.packages[app, sequence]

    def submit(self, app: str, sequence: int, *options: str) -> Any:
        """Pack, sign and upload a version."""
        return self.developer.sampan("publish", self.pack(app, sequence), "--no-trial", *options)

    def approve(self, app: str, sequence: int) -> None:
        """Let the reviewer approve what they were shown, and wait until it is visible."""
        self.reviewer.confirm()
        digest = self.reviewer.sampan("review", "show", app, str(sequence))["review_digest"]
        self.reviewer.sampan("review", "approve", app, str(sequence), "--digest", digest)
        self.wait_for(app, sequence, "published")

    def publish(self, app: str, sequence: int, *options: str) -> None:
        """Submit and approve a version."""
        self.submit(app, sequence, *options)
        self.approve(app, sequence)

    def states(self, app: str) -> dict[int, str]:
        """Return the state of every version of an app."""
        found = items(self.developer.api.get(f"/apps/{app}/versions"))
        return {each["sequence"]: each["state"] for each in found}

    def wait_for(self, app: str, sequence: int, state: str) -> None:
        """Return when a version has come into a state."""
        until(lambda: self.states(app).get(sequence) == state or None, lambda: str(self.states(app)))

    def show(self, app: str) -> None:
        """Put an app into the catalogue, open to everybody who holds an account."""
        self.maker.api.put("/catalogue/categories/banking", {"name_zh": "银行", "name_en": "Banking"})
        entry = {"listed": True, "see_tier": "registered", "open_tier": "e_account", "category": "banking"}
        entry |= {"name_zh": "一", "name_en": "One"}
        asked = self.maker.api._call("PATCH", f"/catalogue/apps/{app}", json=entry)  # no command needs PATCH
        if not asked["applied"]:
            self.checker.approve(asked["change"])

    def release(self, app: str, sequence: int, *options: str) -> str:
        """Release a version to two tiers: one proposes, another approves; return its id."""
        tiers = [part for tier in TIERS for part in ("--tier", tier)]
        made = self.maker.sampan("release", "create", app, str(sequence), *tiers, *options)
        self.checker.approve(made["change"])
        self.wait_for_control(app, lambda control: sequence in control["offerable"])
        return str(made["release"])

    def control(self, app: str) -> dict[str, Any]:
        """Return what the visible tree's control file says of an app."""
        targets = self._visible("control")["targets"]
        target = targets.get(f"control/{app}.json")
        if target is None:
            return {"offerable": [], "killed": [], "rollback": []}
        address = f"{self.tree}/targets/control/{target['hashes']['sha256']}.{app}.json"
        found: dict[str, Any] = httpx2.get(address, trust_env=False).raise_for_status().json()
        return found

    def wait_for_control(self, app: str, holds: Any) -> None:
        """Return when the visible control file of an app says something."""
        until(lambda: holds(self.control(app)) or None, lambda: str(self.control(app)))

    def _visible(self, role: str) -> Any:
        def get(name: str) -> Any:
            found = httpx2.get(f"{self.tree}/metadata/{name}", trust_env=False).raise_for_status()
            return found.json()["signed"]

        snapshot = get(f"{get('timestamp.json')['meta']['snapshot.json']['version']}.snapshot.json")
        return get(f"{snapshot['meta'][f'{role}.json']['version']}.{role}.json")

    def device(self, name: str, *, tier: str = "") -> SimulatedDevice:
        """Return a new device; with a tier a customer of it is signed in, by a code in a text message."""
        folder = self.server.root / name
        made = SimulatedDevice(folder, server=self.server.url, workspace=WORKSPACE, client_app=SHOP, root=self.root)
        if tier:
            phone = f"+86139{secrets.randbelow(10**8):08d}"
            admin = self.admins[0].api
            customer = admin.post("/customers", {"tier": tier, "personal": {"phone": phone}})
            made.session.ask_code(phone)
            made.session.sign_in(phone, self.server.text_message(phone))
            path = f"/customers/{customer['id']}/devices/{made.session.kept.device}/assurance"
            admin.put(path, {"tier": tier})
            made.session.refresh()
        return made


def items(answer: Any) -> list[Any]:
    """Return the items of a page."""
    return list(answer["items"])


def page(app: str, sequence: int) -> str:
    """Return the one page of a version."""
    return f"<!doctype html><title>{app} {sequence}</title>"


@contextmanager
def open_bank(root: Path) -> Iterator[Bank]:
    """Open a bank and close its server at the end."""
    bank = Bank(new_server(root))
    try:
        yield bank.open()
    finally:
        for person in (*bank.admins, *bank.staff):
            person.leave()
        bank.server.stop()
