"""`sampan up --demo` from nothing: what is there, what is told, and whose keys are where."""

import base64
import json
from pathlib import Path

import httpx2

from sampan.platform.cli.demo_apps import samples
from sampan.platform.cli.demo_folder import DemoFolder
from sampan.platform.cli.demo_parties import ADMINS
from sampan.platform.cli.key_pairs import pair_at, trial_path
from sampan.platform.crypto.key_files import read_private_key
from sampan.platform.testing_cli import DemoServer, Person

TIERS = ("visitor", "registered", "e_account", "full")
SYNC = {
    "client_app": "retail",
    "revision_seen": "",
    "device": {
        "platform": "ios",
        "os_version": "17",
        "app_version": "1.0.0",
        "model": "test",
        "region": "CN",
        "network": "wifi",
        "lang": "zh",
    },
    "installed": [],
}


def test_a_start_tells_addresses_people_and_what_to_try(demo_server: DemoServer) -> None:
    told = demo_server.output.read_text()
    people = demo_server.folder.cast()
    assert demo_server.address in told
    assert {"admin", "release_manager", "reviewer", "publisher", "auditor"} <= {each.role for each in people}
    assert all(each.email in told and each.password in told and each.totp in told for each in people)


def test_each_tier_gets_its_own_mini_apps(demo_server: DemoServer, tmp_path: Path) -> None:
    anybody = Person(tmp_path, demo_server.address)
    found, _ = samples()
    for number, tier in enumerate(TIERS):
        token = anybody.ok("demo", "token", "--tier", tier, "--server", demo_server.address, "--data", tmp_path)
        assert Path(token["device_key_file"]).read_text().startswith("-----BEGIN PRIVATE KEY-----")
        answer = httpx2.post(
            f"{demo_server.address}/client/v1/sync",
            json=SYNC,
            headers={"authorization": f"Bearer {token['access_token']}"},
            trust_env=False,
        ).json()
        expected = [each for each in found if TIERS.index(each.facts["tier"]) <= number]
        apps = {each.app for each in expected if each.kind == "miniapp"}
        assert {each["id"] for each in answer["apps"]["items"] if each["may_open"]} == apps
        assert {each["id"] for each in answer["offers"]} == {each.app for each in expected}


def test_our_own_four_are_there_one_for_each_tier(demo_server: DemoServer) -> None:
    found, _ = samples()
    own = [each for each in found if each.kind == "miniapp" and not each.facts.get("plain")]
    assert sorted(each.facts["tier"] for each in own) == sorted(TIERS)
    api = demo_server.api("reviewer@demo.example")
    for each in found:
        assert api.items(f"/apps/{each.app}/versions")[-1]["state"] == "published"


def test_the_audit_names_the_second_person_of_every_release(demo_server: DemoServer) -> None:
    api = demo_server.api(ADMINS[0])
    every = api.items("/changes", kind="release.start", state="applied")
    changes = [change for change in every if change["note"] == "demo"]
    assert len(changes) == len(samples()[0])
    for change in changes:
        assert change["maker"]["person"] not in {each["person"] for each in change["approvals"]}


def foreign_secrets(folder: DemoFolder) -> dict[str, bytes]:
    """Return, by a name for messages, every form in which a private key of an officer or the publisher might leak."""
    paths = [folder.publisher / "publisher.pem", trial_path(folder.publisher / "publisher.pem")]
    paths += [folder.officers / f"officer-{number}" / "officer.pem" for number in (1, 2, 3)]
    found: dict[str, bytes] = {}
    for path in paths:
        key = read_private_key(path, folder.passphrase(path.parent))
        der = key.pkcs8()
        seed = der[-32:]  # RFC 8410: the seed is the last octet string of the structure
        found |= {f"{path} der": der, f"{path} seed": seed, f"{path} hex": seed.hex().encode()}
        found[f"{path} base64"] = base64.b64encode(der)[4:-4]
        found[f"{path} encrypted"] = path.read_bytes().splitlines()[2]
        found[f"{path} passphrase"] = folder.passphrase(path.parent)
    return found


def leaks(folder: Path, secrets: dict[str, bytes]) -> list[str]:
    """Return which of the secrets stand in any file below a folder."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return sorted(name for name, secret in secrets.items() if any(secret in data for data in files))


def test_no_private_key_of_officers_or_publisher_is_with_the_server(demo_server: DemoServer, tmp_path: Path) -> None:
    folder = demo_server.folder
    secrets = foreign_secrets(folder)
    assert (folder.server / "sampan.sqlite").exists()
    assert leaks(folder.server, secrets) == []
    for name, secret in secrets.items():  # the search itself must be able to find each of them
        (tmp_path / "planted").write_bytes(b"before" + secret + b"after")
        assert leaks(tmp_path, secrets) != [], name


def test_the_servers_process_was_given_nothing_of_the_others(demo_server: DemoServer) -> None:
    assert demo_server.process is not None
    process, folder = Path("/proc") / str(demo_server.process.pid), demo_server.folder
    secrets = foreign_secrets(folder)
    for part in ("cmdline", "environ"):
        given = (process / part).read_bytes()
        assert not [name for name, secret in secrets.items() if secret in given]
        assert str(folder.officers).encode() not in given
    opened = [str(each.resolve()) for each in (process / "fd").iterdir()]
    assert any(each.startswith(str(folder.server.resolve())) for each in opened)
    assert not [each for each in opened if each.startswith((str(folder.officers), str(folder.publisher)))]


def test_the_public_keys_of_the_others_are_with_the_server(demo_server: DemoServer) -> None:
    api = demo_server.api(ADMINS[0])
    registered = {each["id"] for each in api.items("/trust/keys")}
    assert pair_at(demo_server.folder.publisher / "publisher.pem").id in registered
    assert pair_at(demo_server.folder.officers / "officer-3" / "officer.pem").id in registered


def test_files_with_secrets_are_readable_by_their_owner_alone(demo_server: DemoServer) -> None:
    folder = demo_server.folder
    secret = [folder.people / "people.json", *folder.officers.rglob("*.pem"), *folder.root.rglob("passphrase")]
    assert len(secret) > 5
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def test_a_persons_code_is_printed(demo_server: DemoServer, tmp_path: Path) -> None:
    anybody = Person(tmp_path, demo_server.address)
    found = anybody.ok("demo", "code", "desk@demo.example", "--data", demo_server.root)
    person = demo_server.folder.person("desk")
    arguments = ("--email", person.email, "--password", person.password, "--totp", found["code"])
    signed = anybody.ok("login", "--server", demo_server.address, *arguments)
    assert signed["email"] == person.email
    assert anybody.run("demo", "code", "nobody@demo.example", "--data", demo_server.root).status == 1


def test_seeding_again_changes_nothing(demo_server: DemoServer, tmp_path: Path) -> None:
    api = demo_server.api(ADMINS[0])
    last = api.get("/audit", limit=1)["head"]["n"]
    Person(tmp_path, demo_server.address).ok(
        "demo", "seed", "--data", demo_server.root, "--server", demo_server.address
    )
    found = api.get("/audit", limit=20)
    assert found["head"]["n"] >= last
    assert {each["action"] for each in found["items"] if each["n"] > last} <= {"session.begin"}


def test_a_second_start_finds_everything_and_seeds_nothing(demo_server: DemoServer) -> None:
    before = demo_server.folder.cast()
    demo_server.stop()
    demo_server.start()
    told = demo_server.wait_until_told()
    assert "demo:" not in demo_server.output.with_suffix(".err").read_text()
    assert all(each.password in told for each in before)
    api = demo_server.api("reviewer@demo.example")
    assert len(api.items("/apps")) >= len(samples()[0])


def test_an_interrupted_seeding_is_resumed(tmp_path: Path) -> None:
    server = DemoServer(tmp_path / "demo")
    errors = server.output.with_suffix(".err")
    try:
        server.start()
        server.wait_for(lambda: "two officers" in errors.read_text())
        server.stop()
        assert not server.folder.is_seeded()
        server.start()
        server.wait_until_told()
        assert server.folder.is_seeded()
    finally:
        server.stop()


def test_the_samples_description_is_complete() -> None:
    found, headings = samples()
    ids = {each["id"] for each in headings}
    for each in found:
        assert each.kind == "shared" or each.facts["category"] in ids
        assert each.facts.get("plain") or json.loads((each.folder / "manifest.json").read_text())["app_id"] == each.app
