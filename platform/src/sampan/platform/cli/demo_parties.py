"""The demo's officers and publisher: they make their own keys, in their own folders, and act through the API."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sampan.platform.cli.demo_folder import PUBLISHER, DemoFolder
from sampan.platform.cli.demo_sessions import Sessions
from sampan.platform.cli.home import SignIn
from sampan.platform.cli.key_pairs import KeyPair, make_pair, pair_at, trial_path
from sampan.platform.cli.officer_session import OfficerSession
from sampan.platform.cli.pinned_roots import PROFILES, Place, fetch_first_root, pin
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.errors import Unavailable

Json = dict[str, Any]
ADMINS = ("admin-1@demo.example", "admin-2@demo.example")
PUBLISHER_NAME = "Demo Mini-app Studio"
OFFICERS = 3
ROUNDS = 10_000
"""PBKDF2 rounds: few, because the demo's passphrases are long and machine-made."""
LOOKS, LOOK_SECONDS = 300, 0.1


class TreesNotVisible(Unavailable):
    """The publisher job of the server did not make the trees visible in time."""

    code = "trees_not_visible"


class Officers:
    """Three officers; the first two sign, handing their signatures in as the two administrators."""

    def __init__(self, folder: DemoFolder, sessions: Sessions) -> None:
        self._folder, self._sessions = folder, sessions
        self._keys: dict[int, PrivateKey] = {}

    def start_trees(self) -> None:
        """Have the officers' keys registered and the trees proposed and approved, where that is still to be done."""
        admin = self._sessions.api(ADMINS[0])
        known = {each["id"] for each in admin.items("/trust/keys", purpose="officer")}
        pairs = [self._pair(number) for number in range(1, OFFICERS + 1)]
        for number, pair in enumerate(pairs, 1):
            if pair.id not in known:
                body = {"pem": pair.public.pem(), "purpose": "officer", "owner": f"officer {number}"}
                admin.post("/trust/keys", body)
        started = {each["profile"]: each["is_started"] for each in admin.items("/trust/trees")}
        asked = {each["profile"] for each in admin.items("/trust/pending")}
        for profile in PROFILES:
            if not started[profile] and profile not in asked:
                self._propose(profile, [pair.id for pair in pairs])

    def sign_all(self) -> None:
        """Let two officers examine and sign everything that waits."""
        for number, email in enumerate(ADMINS, 1):
            session = OfficerSession(self._sessions.api(email), self._sign_in(email), self._home(number))
            key = self._key(number)
            for waiting, _ in session.waiting_for(self._pair(number).id, None):
                session.sign(waiting, key)

    def pin_roots(self) -> None:
        """Pin the roots that were signed, in every officer's own folder."""
        sign_in = self._sign_in(ADMINS[0])
        for number in range(1, OFFICERS + 1):
            pin_all(sign_in, self._home(number))

    def wait_until_visible(self) -> None:
        """Return when every tree shows what was signed; raise `TreesNotVisible`."""
        admin = self._sessions.api(ADMINS[0])
        for _ in range(LOOKS):
            trees = admin.items("/trust/trees")
            if all(each["is_started"] and each["is_up_to_date"] and each["timestamp_version"] for each in trees):
                return
            time.sleep(LOOK_SECONDS)
        raise TreesNotVisible("The server does not make the trust trees visible; see its log.")

    def _propose(self, profile: str, officers: Sequence[str]) -> None:
        admin = self._sessions.api(ADMINS[0])
        waiting = admin.items("/changes", kind="trust.tree.start", target=profile, state="proposed")
        change = waiting[0] if waiting else admin.post(f"/trust/trees/{profile}/start", {"officers": list(officers)})
        self._sessions.approve(ADMINS[1], change["id"])

    def _sign_in(self, email: str) -> SignIn:
        return self._sessions.sign_in(email)

    def _home(self, number: int) -> Path:
        return self._folder.officers / f"officer-{number}"

    def _pair(self, number: int) -> KeyPair:
        return pair_in(self._folder, self._home(number) / "officer.pem")

    def _key(self, number: int) -> PrivateKey:
        if number not in self._keys:
            self._keys[number] = self._pair(number).unlock(self._folder.passphrase(self._home(number)))
        return self._keys[number]


class Publisher:
    """The demo's publisher: keys and packages in a folder of its own, one person who signs in."""

    def __init__(self, folder: DemoFolder, sessions: Sessions) -> None:
        self.folder, self._sessions = folder, sessions
        self.lock = threading.Lock()
        self.email = PUBLISHER[0]

    def register(self) -> str:
        """Have the publisher and its public keys registered; return its id."""
        admin = self._sessions.api(ADMINS[0])
        pems = {profile: pair.public.pem() for profile, pair in self.pairs().items()}
        for each in admin.items("/publishers"):
            if each["name"] == PUBLISHER_NAME:
                return str(each["id"])
        return str(admin.post("/publishers", {"name": PUBLISHER_NAME, "keys": pems})["id"])

    def join(self, publisher_id: str) -> None:
        """Have the publisher's person made, limited to this publisher, with credentials that only they know."""
        first, second = ADMINS
        admin = self._sessions.api(first)
        person = self.folder.person(self.email)
        found = self._operator()
        if found is None:
            grants = [{"role": person.role, "publisher": publisher_id}]
            waiting = admin.items("/changes", kind="operator.create", state="proposed")
            body = {"email": person.email, "name": person.name, "grants": grants}
            change = waiting[0] if waiting else admin.post("/operators", body)
            self._sessions.approve(second, change["id"])
            found = self._operator()
        if found is None or found["is_set_up"]:
            return
        link = admin.post(f"/operators/{found['id']}/setup-link")["link"]
        shown = admin.post("/setup/begin", {"link": link})
        person = replace(person, totp=shown["totp_secret"])
        self.folder.replace(person)
        body = {"link": link, "password": person.password}
        self._sessions.with_code(self.email, lambda code: admin.post("/setup/finish", {**body, "totp": code}))

    def pairs(self) -> dict[str, KeyPair]:
        """Return the publisher's key files by tree."""
        path = self.folder.publisher / "publisher.pem"
        return {"intl": pair_in(self.folder, path), "trial": pair_in(self.folder, trial_path(path))}

    def keys(self) -> dict[str, PrivateKey]:
        """Open the publisher's keys."""
        secret = self.folder.passphrase(self.folder.publisher)
        return {profile: pair.unlock(secret) for profile, pair in self.pairs().items()}

    def places(self) -> dict[str, Place]:
        """Return the trees as the publisher knows them, their roots pinned."""
        sign_in = self._sessions.sign_in(self.email)
        pin_all(sign_in, self.folder.publisher)
        return {profile: Place.of(sign_in, profile, self.folder.publisher) for profile in PROFILES}

    def _operator(self) -> Json | None:
        operators = self._sessions.api(ADMINS[0]).items("/operators")
        return next((each for each in operators if each["email"] == self.email), None)


def pin_all(sign_in: SignIn, own_home: Path) -> None:
    """Pin the roots of all trees; a demo that starts anew replaces those of the one before."""
    for profile in PROFILES:
        place = Place.of(sign_in, profile, own_home)
        pin(place, fetch_first_root(place), replace=True)


def pair_in(folder: DemoFolder, path: Path) -> KeyPair:
    """Return a key pair of the demo, made when there is none."""
    if path.exists():
        return pair_at(path, folder.passphrase(path.parent))
    return make_pair(path, folder.passphrase(path.parent), rounds=ROUNDS)
