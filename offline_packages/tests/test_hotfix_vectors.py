"""The vectors that clients in other languages are held to are what this library says, and hold what they should."""

import json
from pathlib import Path

from hotfix_vectors import VECTORS, vectors


def test_the_file_is_what_the_library_gives(tmp_path: Path) -> None:
    written = json.loads(VECTORS.read_text())
    assert written == vectors(tmp_path), "run offline_packages/tests/hotfix_vectors.py"


def test_it_has_every_refusal_that_needs_no_trust() -> None:
    written = json.loads(VECTORS.read_text())
    codes = [case.get("code") for case in written["cases"]]
    assert codes.count(None) >= 5
    assert {*codes, *(each["code"] for each in written["documents"])} == {
        None,
        "hotfix_malformed",
        "hotfix_manifest",
        "hotfix_base_differs",
    }
