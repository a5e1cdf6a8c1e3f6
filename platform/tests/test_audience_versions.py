"""Versions and their ranges, as npm reads them where it matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from sampan.platform.audience.versions import BadVersion, lies_in, parse_range, parse_version, version_key


@pytest.mark.parametrize(
    ("version", "text", "inside"),
    [
        ("1.4.2", "^1.2", True),
        ("2.0.0-beta", "^1.2", False),
        ("2.0.0-beta", "<2", False),
        ("2.0.0-beta", "<2.0.0", True),
        ("2.0.0-beta", "<=1", False),
        ("1.2.9", "1.2", True),
        ("1.3.0", "1.2", False),
        ("17.4", "17.x", True),
        ("17.4", ">=17.4", True),
        ("5.0.0.71", "=5.0.0", True),
        ("5.0.0.72", "5.0.0.71", False),
        ("1.9.9", "1.2 - 1.9", True),
        ("1.10.0", "1.2 - 1.9", False),
        ("0.2.5", "^0.2.3", True),
        ("0.3.0", "^0.2.3", False),
        ("0.0.4", "^0.0.3", False),
        ("3", "*", True),
        ("1.9", ">1", False),
        ("2.0", ">1", True),
        ("1.2.4", ">1.2.3", True),
        ("1.4.9", "~1.4.1", True),
        ("1.5", "~1.4.1", False),
        ("1.9", "~1", True),
        ("2.0", "~1", False),
        ("0.1", "<1 || >=3", True),
        ("2", "<1 || >=3", False),
        ("1.0.0-rc.1+build.7", "=1.0.0-rc.1", True),
    ],
)
def test_a_version_lies_in_a_range(version: str, text: str, inside: bool) -> None:
    assert lies_in(parse_version(version), parse_range(text)) is inside


@pytest.mark.parametrize(
    "text", ["", " ", ">", "1.x.2", "a", "<*", ">*", "||", "1 2 -", ">=2 <1", "1.2.3.4.5", "01.2", "1" * 300, 3, None]
)
def test_what_is_no_range_is_refused(text: object) -> None:
    with pytest.raises(BadVersion):
        parse_range(text)


@pytest.mark.parametrize("text", ["", "v1", "1.", "1.2-", "1.0.0-01", "1.0.0-a..b", "١.٢", "9" * 20, "1" * 65])
def test_what_is_no_version_has_no_place(text: str) -> None:
    assert version_key(text) is None


numbers = st.integers(0, 12)
pre_releases = st.sampled_from(["", "-alpha", "-alpha.1", "-alpha.beta", "-beta.2", "-beta.11", "-rc.1", "-1", "-x-y"])
versions = st.builds(lambda a, b, c, pre: f"{a}.{b}.{c}{pre}", numbers, numbers, numbers, pre_releases)


@given(versions, versions)
def test_versions_stand_in_the_order_of_semver(one: str, other: str) -> None:
    a, b = parse_version(one), parse_version(other)
    wanted = Version.parse(one).compare(other)
    assert (a > b) - (a < b) == wanted
