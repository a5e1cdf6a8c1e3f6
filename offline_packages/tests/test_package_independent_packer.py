"""The format page is enough: a packer written from it alone, in another language, gives the same bytes.

And the bytes do not depend on time zone, umask, locale or the order in which a folder lists its files.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from package_cases import Case, cases

from sampan.offline_packages import pack

NODE_PACKER = Path(__file__).with_name("independent_packer.mjs")
BATCH = 300
ELSEWHERE = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "tr_TR.ISO8859-9", "PYTHONHASHSEED": "4711"}
PACK_ELSEWHERE = """
import json, os, sys
from pathlib import Path
from sampan.offline_packages import NewApp, pack
os.umask(0o077)
for line in sys.stdin:
    job = json.loads(line)
    new = job["python_app"]
    pack(Path(job["folder"]), Path(job["out"]), new_app=NewApp(**new) if new else None)
"""


@pytest.fixture(scope="module")
def found() -> list[Case]:
    """Random valid apps, drawn once for all tests here."""
    cases_found: list[Case] = []

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(cases())
    def collect(case: Case) -> None:
        cases_found.append(case)

    collect()
    assert len(cases_found) >= 0.9 * settings().max_examples
    return cases_found


def job(case: Case, folder: Path, out: Path) -> str:
    new = case.new_app
    node = {"app_id": new.app_id, "version": new.version_name, "sequence": new.sequence} if new else None
    python = {"app_id": new.app_id, "version_name": new.version_name, "sequence": new.sequence} if new else None
    return json.dumps({"folder": str(folder), "out": str(out), "newApp": node, "python_app": python})


def run(command: list[str], jobs: list[str]) -> None:
    environment = {**os.environ, **ELSEWHERE}
    done = subprocess.run(command, input="\n".join(jobs).encode(), env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def places(root: Path, number: int) -> tuple[Path, Path, Path, Path]:
    """Return two folders for the app (listed differently) and two for what the packers write."""
    found = tuple(root / f"{name}{number}" for name in ("app", "appr", "ours", "theirs"))
    for place in found:
        place.mkdir(parents=True)
    return found[0], found[1], found[2], found[3]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def compare(batch: list[Case], root: Path, command: list[str]) -> None:
    jobs: list[str] = []
    for number, case in enumerate(batch):
        app, reversed_app, ours, theirs = places(root, number)
        case.write(app)
        case.write(reversed_app, is_reversed=True)
        pack(app, ours, new_app=case.new_app)
        jobs.append(job(case, reversed_app, theirs))
    run(command, jobs)
    for number, case in enumerate(batch):
        ours, theirs = root / f"ours{number}", root / f"theirs{number}"
        assert len(contents(ours)) == 2
        assert contents(ours) == contents(theirs), case.files
    shutil.rmtree(root)


@pytest.mark.node
def test_the_independent_packer_gives_the_same_bytes(found: list[Case], tmp_path: Path) -> None:
    for start in range(0, len(found), BATCH):
        compare(found[start : start + BATCH], tmp_path / str(start), ["node", str(NODE_PACKER)])


def test_the_bytes_are_the_same_under_another_zone_umask_locale_and_order(found: list[Case], tmp_path: Path) -> None:
    for start in range(0, len(found), BATCH):
        compare(found[start : start + BATCH], tmp_path / str(start), [sys.executable, "-c", PACK_ELSEWHERE])


def test_the_independent_packer_stays_short() -> None:
    assert len(NODE_PACKER.read_text().splitlines()) <= 65
