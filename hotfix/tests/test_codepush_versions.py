"""Binary versions and ranges: as npm's own library reads them."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from sampan.codepush.versions import BadRange, padded, parse_range, parse_version

ROOT = Path(__file__).parents[2]
ORACLE = """
const { satisfies, gtr, validRange } = require("semver");
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = ([version, range]) =>
  validRange(range) === null ? null : [satisfies(version, range), gtr(version, range)];
console.log(JSON.stringify(cases.map(found)));
"""


@pytest.mark.parametrize(
    ("given", "whole"),
    [("2", "2.0.0"), ("2.1", "2.1.0"), ("2.1-beta", "2.1.0-beta"), ("2.1+7", "2.1.0+7"), ("1.2.3", "1.2.3")],
)
def test_short_versions_are_padded_as_codepush_does(given: str, whole: str) -> None:
    assert padded(given) == whole


@pytest.mark.parametrize("text", ["", "one", "1.2.3.4", "01.2.3", "2-beta", "1.2.x", "9" * 200])
def test_other_texts_are_no_versions(text: str) -> None:
    with pytest.raises(BadRange):
        parse_version(padded(text))


@pytest.mark.parametrize("text", ["latest", ">=", "1.2.3.4", "1.2 <<3", "x.2.3", "1" * 200])
def test_other_texts_are_no_ranges(text: str) -> None:
    with pytest.raises(BadRange):
        parse_range(text)


def random_range(random: Random) -> str:
    def number() -> str:
        return random.choice("0011223")

    def partial() -> str:
        parts = [number() for _ in range(random.randint(1, 3))]
        if random.random() < 0.25:
            at = random.randrange(len(parts))
            parts[at:] = [random.choice("xX*") for _ in parts[at:]]
        tag = random.choice(["", "", "", "-0", "-beta", "-beta.1"]) if len(parts) == 3 and parts[2].isdigit() else ""
        return ".".join(parts) + tag

    def alternative() -> str:
        if random.random() < 0.15:
            return f"{partial()} - {partial()}"
        return " ".join(
            random.choice(["", "", "=", ">", "<", ">=", "<=", "^", "~", "~>", ">= ", "v"]) + partial()
            for _ in range(random.randint(1, 2))
        )

    return " || ".join(alternative() for _ in range(random.choice([1, 1, 2])))


def random_version(random: Random) -> str:
    tag = random.choice(["", "", "-0", "-1", "-beta", "-beta.1", "-alpha"])
    return ".".join(random.choice("00112234") for _ in range(3)) + tag


@pytest.mark.node
def test_ranges_agree_with_npms_semver() -> None:
    node, random = shutil.which("node"), Random(20_000)  # noqa: S311 - the same cases each time
    assert node is not None, "install node 20.19 or later"
    cases = [(random_version(random), random_range(random)) for _ in range(20_000)]
    command = [node, "-e", ORACLE]
    ran = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, cwd=ROOT, check=True)
    expected = json.loads(ran.stdout)
    differing: list[object] = []
    agreed = 0
    for (version, text), wanted in zip(cases, expected, strict=True):
        try:
            found = parse_range(text)
        except BadRange:
            if wanted is not None and " - " not in text:
                differing.append((version, text, None, wanted))
            continue
        whole = parse_version(version)
        agreed += 1
        if [found.has(whole), found.is_below(whole)] != wanted:
            differing.append((version, text, [found.has(whole), found.is_below(whole)], wanted))
    assert differing == []
    assert agreed > 15_000
