"""The running server's own tree, copied to a mirror that belongs to a thief: with every key a thief could have."""

from pathlib import Path

import httpx2
from journey_bank import A, B, Bank
from journey_people import WORKSPACE
from trust_simulator import Simulator
from tuf.api.metadata import Snapshot, Targets, Timestamp

from sampan.offline_packages.signed_bytes import read_body
from sampan.platform.core import system_clock_ms
from sampan.platform.crypto.key_files import read_private_key
from sampan.platform.crypto.keys import PrivateKey


def copied(bank: Bank, folder: Path) -> Simulator:
    """Return the customers' tree as it is visible now, as a simulator that can go on from it by any key."""
    folder.mkdir(parents=True)
    with httpx2.Client(base_url=f"{bank.tree}/", trust_env=False) as http:
        files = _downloaded(http)
    mirror = Simulator.__new__(Simulator)
    mirror.folder, mirror.tree, mirror.now_ms = folder, f"{WORKSPACE}/intl", system_clock_ms()
    mirror.files, mirror.root = files, files["metadata/1.root.json"]
    mirror.officers = [each.key("officer.pem") for each in (*bank.admins, bank.officer_3)]
    mirror.publishers = dict.fromkeys((A, B), bank.developer.key("publisher.pem"))
    for name in ("snapshot", "timestamp", "control"):
        setattr(mirror, f"{name}_key", server_key(bank, name))
    mirror.review = server_key(bank, "review")
    mirror.timestamp = read_body(files["metadata/timestamp.json"], Timestamp)
    mirror.snapshot = read_body(files[f"metadata/{mirror.timestamp.snapshot_meta.version}.snapshot.json"], Snapshot)
    mirror.versions = {name.removesuffix(".json"): meta.version for name, meta in mirror.snapshot.meta.items()}
    mirror.bodies = {role: files[f"metadata/{version}.{role}.json"] for role, version in mirror.versions.items()}
    mirror.controls, mirror.hotfixes = {}, {}
    return mirror


def server_key(bank: Bank, purpose: str, profile: str = "intl") -> PrivateKey:
    """Open one of the server's own key files, as who stole its folder would."""
    keys = bank.server.data / "keys"
    secret = (keys / "passphrase").read_text().strip().encode()
    return read_private_key(keys / WORKSPACE / profile / f"{purpose}.pem", secret)


def _downloaded(http: httpx2.Client) -> dict[str, bytes]:
    """Return all that a mirror would copy, by path, found by following the metadata."""
    files: dict[str, bytes] = {}

    def take(path: str) -> bytes:
        files[path] = http.get(path).raise_for_status().content
        return files[path]

    take("metadata/1.root.json")
    timestamp = read_body(take("metadata/timestamp.json"), Timestamp)
    for version in range(1, timestamp.snapshot_meta.version + 1):
        snapshot = read_body(take(f"metadata/{version}.snapshot.json"), Snapshot)
    for name, meta in snapshot.meta.items():
        body = read_body(take(f"metadata/{meta.version}.{name}"), Targets)
        for path, target in body.targets.items():
            folder, _, file = path.rpartition("/")
            take(f"targets/{folder}/{target.hashes['sha256']}.{file}")
    return files
