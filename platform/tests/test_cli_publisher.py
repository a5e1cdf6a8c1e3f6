"""A publisher's commands: alone on the own machine, then the whole journey against a real server."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sampan.platform.cli.demo_parties import ADMINS
from sampan.platform.cli.key_pairs import KeyFileMissing, pair_at
from sampan.platform.cli.version_names import free_name
from sampan.platform.testing_cli import DemoServer, Person

APP = "bank.demo.hello"
REVIEWER = "reviewer@demo.example"


@pytest.fixture
def alone(tmp_path: Path) -> Person:
    """A person whose machine knows no server."""
    (tmp_path / "secret").write_text("a long passphrase of mine\n")
    return Person(tmp_path, "")


def test_a_new_app_is_checked_and_packed_without_a_server(alone: Person) -> None:
    made = alone.ok("new", "hello", "--id", APP, "--name", 'Hello "you" & <me>')
    assert "pages/index/index.html" in made["files"]
    assert "&lt;me&gt;" in (alone.folder / "hello/pages/index/index.html").read_text()
    checked = alone.ok("check", "hello")
    assert (checked["ok"], checked["findings"]) == (True, [])
    packed = alone.ok("pack", "hello", "--sequence", "7", "--out", "dist")
    assert packed["sequence"] == 7
    assert alone.ok("check", packed["package"])["digest"] == packed["digest"]


def test_a_plain_build_is_packed_unchanged(alone: Person) -> None:
    (alone.folder / "build").mkdir()
    (alone.folder / "build/index.html").write_text("<!doctype html><title>x</title><p>made by others</p>")
    packed = alone.ok("pack", "build", "--id", "org.example.plain", "--version", "2.1.0")
    assert packed["added"] == ["manifest.json", "app.js", "app.css"]
    assert alone.run("pack", "build").status == 1


def test_packing_says_what_it_wrote_anew_and_spares_the_package_of_another_sequence(alone: Person) -> None:
    alone.ok("new", "hello", "--id", APP)
    first = alone.ok("pack", "hello")
    assert (first["added"], first["replaced"], first["rebuilt"]) == ([], [], False)
    other = alone.run("pack", "hello", "--sequence", "2")
    assert (other.status, other.value["code"]) == (1, "folder_holds_another")
    named = alone.ok("pack", "hello", "--sequence", "2", "--version", "1.1.0")
    assert (named["version"], named["replaced"]) == ("1.1.0", ["manifest.json"])
    forced = alone.run("pack", "hello", "--sequence", "2", "--force", as_json=False)
    assert "written anew, with this version: manifest.json" in forced.out
    assert "takes the place of another package" in forced.out


def test_the_next_command_is_told_with_the_key_that_it_needs(alone: Person) -> None:
    alone.ok("new", "hello", "--id", APP)
    told = alone.run("pack", "hello", as_json=False).out.splitlines()[-1]
    assert told == f"Next: sampan publish dist/{APP}-1.0.0.ma --wait --key YOUR-KEY.pem"
    alone.ok("keygen", "publisher", "--passphrase-file", "secret")
    assert alone.run("pack", "hello", as_json=False).out.splitlines()[-1].endswith(".ma --wait")


def test_a_key_that_is_not_here_is_named_before_a_new_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing, match="Name yours with --key: the file of the key that an administrator"):
        pair_at(tmp_path / "publisher.pem")


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ((), "1.0.0"),
        (("1.0.0",), "1.0.1"),
        (("1.0.0", "1.0.1", "1.0.2"), "1.0.3"),
        (("2.0.0",), "1.0.0"),
    ],
)
def test_a_version_name_in_use_is_raised(taken: tuple[str, ...], free: str) -> None:
    assert free_name("1.0.0", taken) == free


@pytest.mark.parametrize(
    ("name", "free"), [("1.0.9", "1.0.10"), ("2.0-rc.1", "2.0-rc.2"), ("v3b", "v4b"), ("x", "x.1")]
)
def test_the_last_number_of_a_name_counts(name: str, free: str) -> None:
    assert free_name(name, {name}) == free


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("new", "there", "--id", "NotAnId"), 1, "bad_app_id"),
        (("check", "nothing-here"), 1, "package_file_missing_here"),
        (("pack", "nothing-here"), 1, "package_file_missing_here"),
        (("catalogue", "set", APP), 2, None),
        (("status",), 3, "not_signed_in"),
        (("publish", "x.ma"), 3, "not_signed_in"),
        (("keygen", "nobody", "--out", "x.pem"), 2, None),
        (("keygen", "publisher", "--out", "x.pem"), 1, "passphrase_needed"),
        (("keygen", "publisher", "--passphrase-file", "missing"), 1, "file_unreadable"),
        (("publisher", "add", "Studio", "--key", "missing.pub", "--trial-key", "missing.pub"), 1, "file_unreadable"),
        (("publisher", "add-key", "pub_x", "."), 1, "file_unreadable"),
    ],
)
def test_refusals_have_a_code_and_an_exit_status(
    alone: Person, arguments: tuple[str, ...], status: int, code: str | None
) -> None:
    ran = alone.run(*arguments)
    assert ran.status == status, ran
    assert code is None or ran.value["code"] == code


def test_a_finding_that_stops_a_version_is_exit_status_6(alone: Person) -> None:
    alone.ok("new", "hello", "--id", APP)
    page = alone.folder / "hello/app.js"
    page.write_text("const leak = new RTCPeerConnection();\n")
    ran = alone.run("check", "hello")
    assert ran.status == 6
    (found,) = [each for each in ran.value["findings"] if each["severity"] == "error"]
    assert (found["file"], found["line"]) == ("app.js", 1)


def test_keys_are_made_encrypted_and_never_overwritten(alone: Person) -> None:
    made = alone.ok("keygen", "publisher", "--out", "keys/publisher.pem", "--passphrase-file", "secret")
    assert [each["profile"] for each in made["keys"]] == ["intl", "trial"]
    for each in made["keys"]:
        path = alone.folder / each["file"]
        assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        assert path.stat().st_mode & 0o077 == 0
        assert path.with_suffix(".pub").read_text() == each["public"]
    again = alone.run("keygen", "publisher", "--out", "keys/publisher.pem", "--passphrase-file", "secret")
    assert (again.status, again.value["code"]) == (1, "key_file_exists")


def test_a_key_without_an_ending_gets_all_its_files(alone: Person) -> None:
    made = alone.ok("keygen", "publisher", "--out", "keys/bank.v1", "--passphrase-file", "secret")
    assert [each["file"] for each in made["keys"]] == ["keys/bank.v1", "keys/bank.v1.trial"]
    assert (alone.folder / "keys/bank.v1.pub").read_text() == made["keys"][0]["public"]
    assert (alone.folder / "keys/bank.v1.trial.pub").read_text() == made["keys"][1]["public"]


def test_no_key_is_made_when_one_of_the_files_is_there(alone: Person) -> None:
    (alone.folder / "publisher.trial.pub").write_text("of another key")
    ran = alone.run("keygen", "publisher", "--passphrase-file", "secret")
    assert (ran.status, ran.value["code"]) == (1, "key_file_exists")
    assert sorted(path.name for path in alone.folder.glob("publisher*")) == ["publisher.trial.pub"]


def test_an_unreachable_server_is_exit_status_4(alone: Person) -> None:
    alone.environment = {"SAMPAN_TOKEN": "x", "SAMPAN_SERVER": "http://127.0.0.1:9"}
    assert alone.run("status").status == 4
    assert alone.run("publish", "x.ma").status == 4


@dataclass
class Town:
    """The people of a publication, each on a machine of their own."""

    server: DemoServer
    publisher: Person
    key: Path
    passphrase: Path

    def publish(self, package: str | Path, *more: str) -> Any:
        return self.publisher.run(*self.command(package), *more)

    def command(self, package: str | Path) -> tuple[str | Path, ...]:
        return ("publish", package, "--key", self.key, "--passphrase-file", self.passphrase)

    def pack(self, sequence: int) -> Path:
        packed = self.publisher.ok("pack", "hello", "--sequence", str(sequence), "--out", f"dist-{sequence}")
        return self.publisher.folder / str(packed["package"])

    def approve(self, sequence: int) -> Any:
        api = self.server.api(REVIEWER)
        path = f"/apps/{APP}/versions/{sequence}"
        self.server.wait_for(lambda: bool(api.get(path)["state"] == "in_review"))
        return api.post(f"{path}/approve", {"digest": api.get(path)["review_digest"]})

    def state(self, sequence: int) -> str:
        return str(self.publisher.ok("status", APP, str(sequence))["state"])


@pytest.fixture(scope="session")
def town(demo_server: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The demo's publisher with a new app whose role two officers have signed by their commands."""
    folder = tmp_path_factory.mktemp("town")
    publisher = demo_server.person("publisher@demo.example", folder / "publisher")
    own = demo_server.folder
    town = Town(demo_server, publisher, own.publisher / "publisher.pem", own.publisher / "passphrase")
    publisher.ok("new", "hello", "--id", APP)
    refused = town.publish(town.pack(1))
    assert (refused.status, refused.value["code"]) == (1, "root_not_pinned")
    publisher_id = publisher.ok("publisher", "list")["items"][0]["id"]
    publisher.ok("app", "create", APP, "--publisher", publisher_id)
    for number, email in enumerate(ADMINS, 1):
        officer = demo_server.person(email, folder / f"officer-{number}")
        officer.ok("trust", "root", "--pin")
        keys = own.officers / f"officer-{number}"
        arguments = ("--key", keys / "officer.pem", "--passphrase-file", keys / "passphrase", "--all", "--yes")
        signed = officer.ok("trust", "sign", *arguments)
        assert len(signed["signed"]) == 2
    assert {name for each in signed["signed"] for name in each["in_force"]} == {"targets"}
    publisher.ok("trust", "root", "--pin")
    return town


def test_a_version_is_published_while_its_publisher_waits(town: Town) -> None:
    waiting = town.publisher.begin(*town.command(town.pack(1)), "--wait")
    api = town.server.api(REVIEWER)
    town.server.wait_for(lambda: any(each["app"] == APP for each in api.items("/reviews")))
    town.approve(1)
    out, err = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, err
    assert json.loads(out)["state"] == "published"
    again = town.publish(town.pack(1))
    assert (again.status, again.value["state"], again.value["already"]) == (0, "published", True)
    told = town.publisher.run(*town.command(town.pack(1)), as_json=False)
    assert told.out.startswith("Exactly these bytes are on the server already; nothing was uploaded.\n")
    assert "sequence 1: published" in told.out


def test_what_was_signed_is_written_for_the_console_and_nothing_is_sent(town: Town) -> None:
    package, out = town.pack(2), town.publisher.folder / "signed.json"
    told = town.publish(package, "--out", str(out))
    assert (told.status, told.value["signed"]) == (0, str(out))
    signed = json.loads(out.read_text())
    assert (signed["app"], signed["sequence"], signed["digest"]) == (APP, 2, told.value["digest"])
    assert set(signed["bodies"]) == {"intl", "trial"}
    assert town.publisher.run("status", APP, "2").status != 0
    developer = town.server.api("publisher@demo.example")
    upload = developer.upload("/uploads", package, lambda _size: None)["upload"]
    seen = developer.post(f"/apps/{APP}/uploads/{upload}/inspect")
    assert (seen["ok"], seen["digest"]) == (True, signed["digest"])
    body = {"upload": upload, "index": seen["index"], "bodies": signed["bodies"]}
    assert developer.post(f"/apps/{APP}/versions", body)["state"] == "in_review"
    assert developer.post(f"/apps/{APP}/versions/2/withdraw", {"note": ""})["state"] == "withdrawn"


def test_other_bytes_under_a_sequence_in_use_are_refused(town: Town) -> None:
    (town.publisher.folder / "hello/app.css").write_text("body { margin: 1px }")
    refused = town.publish(town.pack(1))
    assert (refused.status, refused.value["code"]) == (1, "sequence_superseded")


def test_a_waiting_version_is_signed_anew_when_its_base_moves(town: Town) -> None:
    api = town.server.api(REVIEWER)
    assert town.publish(town.pack(10)).status == 0
    waiting = town.publisher.begin(*town.command(town.pack(30)), "--wait", as_json=False)
    town.server.wait_for(lambda: any(each["sequence"] == 30 for each in api.items(f"/apps/{APP}/versions")))
    assert town.state(30) == "uploaded"
    town.approve(10)
    town.approve(30)
    out, err = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, err
    assert "sequence 30: published" in out


def test_a_version_is_withdrawn_and_comes_again_under_another_sequence(town: Town) -> None:
    package = town.pack(40)
    assert town.publish(package).value["state"] in ("in_review", "uploaded")
    assert town.publisher.ok("withdraw", APP, "40", "--note", "not yet")["state"] == "withdrawn"
    again = town.publish(package, "--resequence", "45")
    assert (again.status, again.value["resequenced_from"]) == (0, 40), again
    assert town.publisher.ok("withdraw", APP, "45")["state"] == "withdrawn"


def test_the_list_is_renewed_for_a_year(town: Town) -> None:
    ran = town.publish(APP, "--renew")
    assert (ran.status, ran.value["kind"]) == (0, "renewal"), ran


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("status", "bank.demo.unknown"), 1, "app_unknown"),
        (("withdraw", APP, "999"), 1, None),
        (("trust", "pending"), 3, "missing_permission"),
        (("trust", "suspend", "abc"), 2, None),
    ],
)
def test_the_servers_refusals_have_exit_statuses(
    town: Town, arguments: tuple[str, ...], status: int, code: str | None
) -> None:
    ran = town.publisher.run(*arguments)
    assert ran.status == status, ran
    assert code is None or ran.value["code"] == code


def test_a_wrong_passphrase_signs_nothing(town: Town) -> None:
    wrong = town.publisher.folder / "wrong"
    wrong.write_text("not the passphrase")
    ran = town.publisher.run("publish", town.pack(50), "--key", town.key, "--passphrase-file", wrong)
    assert (ran.status, ran.value["code"]) == (1, "key_unreadable")
    assert town.publisher.run("status", APP, "50").status == 1


def test_another_root_than_the_pinned_one_is_refused(town: Town) -> None:
    digest = "sha256:" + "0" * 64
    ran = town.publisher.run("trust", "root", "intl", "--pin", "--digest", digest)
    assert (ran.status, ran.value["code"]) == (1, "root_differs")


def test_the_servers_rules_decide_what_a_check_says(town: Town) -> None:
    assert town.publisher.ok("check", "hello")["ok"]
    following = town.server.api(REVIEWER).get(f"/apps/{APP}/next-sequence")["sequence"]
    packed = town.publisher.ok("pack", "hello", "--next", "--out", "dist-next")
    assert packed["sequence"] == following
    assert packed["version"] == "1.0.1", "the name of the manifest, 1.0.0, was published before"
    named = town.publisher.ok("pack", "hello", "--next", "--version", "7.0.0", "--out", "dist-next")
    assert (named["sequence"], named["version"]) == (following, "7.0.0")
