"""`sampan promote` from one server to another, until a device has the promoted version from the second one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan.platform.cli.demo_parties import ADMINS
from sampan.platform.testing_cli import DemoServer, Person

APP = "bank.demo.notice"
PUBLISHER, RELEASER, REVIEWER = "publisher@demo.example", "release@demo.example", "reviewer@demo.example"
KEY = "notice.banner"


@pytest.fixture
def target(tmp_path: Path) -> Iterator[DemoServer]:
    """A second server of its own; nothing is shared with the first one but what people carry over."""
    server = DemoServer(tmp_path / "target" / "demo")
    try:
        server.root.parent.mkdir()
        server.start()
        server.wait_until_told()
        yield server
    finally:
        server.stop()


def register(server: DemoServer, folder: Path) -> Person:
    """Have the app registered and its role signed by two officers; return the publisher's terminal."""
    publisher = server.person(PUBLISHER, folder / "publisher")
    publisher_id = publisher.ok("publisher", "list")["items"][0]["id"]
    publisher.ok("app", "create", APP, "--publisher", publisher_id)
    for number, email in enumerate(ADMINS, 1):
        officer = server.person(email, folder / f"officer-{number}")
        officer.ok("trust", "root", "--pin")
        keys = server.folder.officers / f"officer-{number}"
        key = ("--key", keys / "officer.pem", "--passphrase-file", keys / "passphrase")
        officer.ok("trust", "sign", *key, "--all", "--yes")
    publisher.ok("trust", "root", "--pin")
    return publisher


def keys_of(server: DemoServer) -> tuple[str | Path, ...]:
    own = server.folder.publisher
    return ("--key", own / "publisher.pem", "--passphrase-file", own / "passphrase")


def approve_version(server: DemoServer, sequence: int) -> None:
    api, path = server.api(REVIEWER), f"/apps/{APP}/versions/{sequence}"
    server.wait_for(lambda: bool(api.get(path)["state"] == "in_review"))
    api.post(f"{path}/approve", {"digest": api.get(path)["review_digest"]})
    server.wait_for(lambda: bool(api.get(path)["state"] == "published"))


def approve_changes(server: DemoServer) -> None:
    for each in server.api(ADMINS[0]).items("/changes", state="proposed"):
        server.sessions.approve(ADMINS[0], each["id"])


def test_a_version_and_a_switch_go_to_another_server_and_onto_a_device(
    demo_server: DemoServer, target: DemoServer, tmp_path: Path
) -> None:
    developer = register(demo_server, tmp_path / "there")
    register(target, tmp_path / "here")
    developer.ok("new", "notice", "--id", APP)
    packed = developer.ok("pack", "notice")
    developer.ok("publish", developer.folder / packed["package"], *keys_of(demo_server))
    approve_version(demo_server, packed["sequence"])

    def going(email: str) -> Person:
        """Return a terminal with tokens for both servers."""
        secrets = {
            "SAMPAN_FROM_TOKEN": demo_server.sessions.sign_in(email).secret,
            "SAMPAN_TO_TOKEN": target.sessions.sign_in(email).secret,
        }
        return Person(tmp_path / "going", target.address, secrets)

    sides = ("--from", f"{demo_server.address}/w/demo", "--to", f"{target.address}/w/demo", "--yes")
    publisher = going(PUBLISHER)
    version = f"{APP}@{packed['version']}"
    blind = publisher.run("promote", version, *sides, *keys_of(target))
    assert (blind.status, blind.value["code"]) == (1, "root_not_pinned")
    for server in (demo_server, target):
        server.person(PUBLISHER, tmp_path / "going").ok("trust", "root", "--pin")
    killed = publisher.begin("promote", version, *sides, *keys_of(target))
    killed.kill()
    killed.communicate()
    made = publisher.ok("promote", version, *sides, *keys_of(target))["versions"][0]
    assert (made["digest"], made["state"]) == (packed["digest"], "in_review")
    origin = target.api(REVIEWER).get(f"/apps/{APP}/versions/{packed['sequence']}")["origin"]
    assert (origin["server"], origin["approved_by"]) == (demo_server.address, "Rex Reviewer")
    approve_version(target, packed["sequence"])
    assert publisher.ok("promote", version, *sides, *keys_of(target))["already"] is True

    maker = demo_server.person(RELEASER, tmp_path / "maker")
    maker.ok("switch", "set", KEY, "--give", "on", "--tier", "full", "--activate")
    approve_changes(demo_server)
    assert going(RELEASER).ok("promote", f"switch:{KEY}", *sides)["rules"]["done"] == {f"switch:{KEY}": "waits"}
    approve_changes(target)
    assert target.api(RELEASER).get(f"/switches/{KEY}")["state"] == "active"

    releaser = target.person(RELEASER, tmp_path / "releaser")
    names = ("--name-zh", "公告", "--name-en", "Notice", "--category", "daily")
    releaser.ok("catalogue", "set", APP, "--see", "visitor", "--open", "full", "--listed", *names)
    releaser.ok("release", "create", APP, str(packed["sequence"]), "--tier", "full")
    approve_changes(target)
    device = target.person(RELEASER, tmp_path / "device")
    ran = device.ok("device", "run", "--folder", tmp_path / "full", "--tier", "full", "--server", target.address)
    assert APP in str(ran)
