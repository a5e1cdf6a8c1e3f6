"""Secrets that a build carried along are found with file and line, and never shown whole."""

import base64
import random
import time
from pathlib import Path

import pytest
from zip_forge import Entry, forge, good_entries

from sampan.offline_packages import PackageReader, intake, scan_secrets
from sampan.offline_packages.secret_scan import masked, scan_text

RANDOM = random.Random(20)  # noqa: S311 - the same fake keys in every run
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def some(count: int, letters: str = LETTERS) -> str:
    return "".join(RANDOM.choices(letters, k=count))


def token(count: int) -> str:
    return base64.urlsafe_b64encode(RANDOM.randbytes(count)).decode().rstrip("=")


JWT = f"eyJ{token(20)}.eyJ{token(40)}.{token(32)}"
KEYS = [
    "AKIA" + some(16),
    "LTAI" + some(20),
    "AKID" + some(32),
    "ALTAK" + some(21),
    "AKLT" + some(40),
    "JDC_" + some(28),
    "AIza" + some(35),
    "ghp_" + some(36),
    "glpat-" + some(20),
    "sk_live_" + some(24),
]
ASSIGNED = token(24) + "7"
FOUND = [
    *((f"const k='{key}'", "secret_cloud_key", key) for key in KEYS),
    (f'h={{"authorization":"Bearer {JWT}"}}', "secret_jwt", JWT),
    (f'appSecret: "{ASSIGNED}"', "secret_assigned", ASSIGNED),
    (f"password = '{ASSIGNED}'", "secret_assigned", ASSIGNED),
    (f'"access_key":"{ASSIGNED}"', "secret_assigned", ASSIGNED),
    ("-----BEGIN " + "EC PRIVATE KEY-----", "secret_private_key", ""),
    ("-----BEGIN " + "PRIVATE KEY-----", "secret_private_key", ""),
    ("db='postgres://app:hunter22@db/x'", "secret_in_url", "hunter22"),
]
CLEAN = [
    "password: 'Please enter your password'",
    "token = 'aaaaaaaaaaaaaaaaaaaa1'",
    "const AKIA = 'AKIAxxxxx'",
    "-----BEGIN PUBLIC KEY-----",
    "https://example.com:8080/a@b",
    "a.b.c.d.e.f.g.h.i.j.k",
    "data:image/png;base64," + "AKIA" + "a" * 200,
]


@pytest.mark.parametrize(("text", "code", "secret"), FOUND, ids=[f"{n}-{row[1]}" for n, row in enumerate(FOUND)])
def test_a_secret_is_found_and_not_shown(text: str, code: str, secret: str) -> None:
    (finding,) = scan_text("a.js", f"one\ntwo\n{text}\n")
    assert (finding.code, finding.file, finding.line) == (code, "a.js", 3)
    assert not secret or secret not in finding.message


@pytest.mark.parametrize("text", CLEAN)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert scan_text("a.js", text) == []


def test_a_mask_shows_four_characters() -> None:
    assert masked("AKIA1234567890") == "AKIA… (14 characters)"


def test_a_file_full_of_secrets_is_cut_and_says_so() -> None:
    text = "\n".join("AKIA" + some(16) for _ in range(500))
    found = scan_text("a.js", text)
    assert (len(found), found[-1].code) == (201, "findings_cut")


def test_a_package_is_searched_but_its_pictures_are_not(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    key = ("x = '" + KEYS[0] + "'").encode()
    upload.write_bytes(forge(good_entries(Entry(b"deep/x.js", key), Entry(b"x.bin", b"\0" + key))))
    accepted = intake(upload, tmp_path / "out.ma")
    with PackageReader(accepted.index, accepted.archive_path) as reader:
        assert [(one.file, one.line) for one in scan_secrets(reader)] == [("deep/x.js", 1)]


@pytest.mark.parametrize(
    "piece", ["eyJ", "eyJaaaaaaaaaaaaaaaa.", "AKIA", "secret='", 'token:"a', "://a:", "a", "-----BEGIN ", "LTAI."]
)
def test_the_scan_of_a_hostile_megabyte_is_linear(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.process_time()
        scan_text("a.js", text)
        return time.process_time() - start

    seconds(10_000)
    small, large = max(seconds(50_000), 0.003), seconds(800_000)
    assert large < 100 * small  # quadratic would be 256 times
