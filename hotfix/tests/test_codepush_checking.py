"""Which release an update check gives: tables, and properties over random histories."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sampan.codepush.checking import Ask, CompiledDeployment, Given, is_drawn, update_info
from sampan.codepush.versions import BadRange, padded, parse_range, parse_version


def release(n: int, app_version: str = "1.0.0", **values: Any) -> Given:
    usual = Given(
        label=f"v{n}",
        package_hash=f"hash{n}",
        range_text=app_version,
        range=parse_range(app_version),
        description=f"No. {n}",
        is_disabled=False,
        is_mandatory=False,
        sha256=f"zip{n}",
        size_bytes=100 + n,
        rollout=100,
        salt=f"salt{n}:".encode(),
        differences={},
    )
    return replace(usual, **values)


def ask(app_version: str = "1.0.0", package_hash: str = "", label: str = "", *, is_companion: bool = False) -> Ask:
    return Ask(app_version, package_hash, label, is_companion)


def history(*releases: Given) -> list[Given]:
    """Return releases that are given oldest first as the server keeps them."""
    return list(reversed(releases))


def test_without_releases_the_binary_runs() -> None:
    info = update_info([], ask())
    assert (info["isAvailable"], info["shouldRunBinaryVersion"], info["updateAppVersion"]) == (False, True, False)


def test_a_first_install_gets_the_newest_release() -> None:
    info = update_info(history(release(1), release(2)), ask())
    assert (info["label"], info["packageHash"], info["packageSize"]) == ("v2", "hash2", 102)
    assert info["downloadURL"].endswith("/zip2")
    assert not info["isMandatory"]


def test_without_label_and_hash_nothing_counts_as_skipped() -> None:
    info = update_info(history(release(1, is_mandatory=True), release(2)), ask())
    assert (info["label"], info["isMandatory"]) == ("v2", False)


MANDATORY = history(release(1), release(2, is_mandatory=True), release(3))


@pytest.mark.parametrize(
    ("label", "package_hash", "must"),
    [("v1", "hash1", True), ("", "hash1", True), ("v2", "hash2", False), ("", "hash2", False), ("?", "?", True)],
)
def test_a_skipped_mandatory_release_makes_the_newest_mandatory(label: str, package_hash: str, must: bool) -> None:
    info = update_info(MANDATORY, ask(package_hash=package_hash, label=label))
    assert (info["label"], info["isMandatory"]) == ("v3", must)


def test_disabled_releases_are_not_given_and_do_not_pass_on_that_they_were_mandatory() -> None:
    releases = history(
        release(1), release(2, is_mandatory=True, is_disabled=True), release(3), release(4, is_disabled=True)
    )
    info = update_info(releases, ask(package_hash="hash1", label="v1"))
    assert (info["label"], info["isMandatory"]) == ("v3", False)


def test_a_mandatory_release_for_other_binaries_presses_nobody() -> None:
    releases = history(release(1), release(2, "2.0.0", is_mandatory=True), release(3))
    info = update_info(releases, ask(package_hash="hash1", label="v1"))
    assert (info["label"], info["isMandatory"]) == ("v3", False)


def test_the_same_content_is_no_update_even_under_another_label() -> None:
    releases = history(release(1), release(2), release(3, package_hash="hash1"))
    assert not update_info(releases, ask(package_hash="hash1", label="v1"))["isAvailable"]
    assert update_info(releases, ask(package_hash="hash2", label="v2"))["label"] == "v3"


@pytest.mark.parametrize(
    ("app_version", "store", "told", "is_binary"),
    [
        ("1.0.0", True, "^2.0.0", True),  # too old: the store has it
        ("3.0.0", False, "^2.0.0", True),  # newer than all: nothing to do
        ("2.5.0", False, "2.5.0", False),
    ],
)
def test_a_binary_that_no_release_is_for_hears_of_the_store(
    app_version: str, store: bool, told: str, is_binary: bool
) -> None:
    info = update_info(history(release(1, "^2.0.0")), ask(app_version))
    found = info["updateAppVersion"], info["appVersion"], info["shouldRunBinaryVersion"]
    assert found == (store, told, is_binary)


def test_a_companion_gets_the_newest_whatever_its_binary() -> None:
    releases = history(release(1), release(2, "2.0.0"))
    assert update_info(releases, ask("1.0.0"))["label"] == "v1"
    assert update_info(releases, ask("1.0.0", is_companion=True))["label"] == "v2"


@pytest.mark.parametrize("app_version", ["2", "2.0", "2.0.0"])
def test_short_versions_come_back_as_they_were_sent(app_version: str) -> None:
    info = update_info(history(release(1, "2.0.0")), ask(app_version))
    assert (info["isAvailable"], info["appVersion"]) == (True, app_version)


def test_a_binary_version_that_is_none_is_refused() -> None:
    with pytest.raises(BadRange):
        update_info([], ask("one"))


def test_a_device_gets_the_difference_to_what_it_has() -> None:
    newest = release(2, differences={"hash1": ("smaller", 7)})
    info = update_info(history(release(1), newest), ask(package_hash="hash1", label="v1"))
    assert (info["downloadURL"].rpartition("/")[2], info["packageSize"]) == ("smaller", 7)
    fresh = update_info(history(release(1), newest), ask())
    assert (fresh["downloadURL"].rpartition("/")[2], fresh["packageSize"]) == ("zip2", 102)


def test_a_rollout_that_a_device_is_not_drawn_for_does_not_exist() -> None:
    line = CompiledDeployment("cpd", history(release(1), release(2, rollout=40, is_mandatory=True)))
    labels = {}
    for n in range(400):
        before, after = line.answer("1.0.0", "hash1", "v1", False, f"device{n}").snake
        labels[f"device{n}"] = b'"label":"v2"' in before + after
    assert {name for name, drawn in labels.items() if drawn} == {name for name in labels if is_drawn("salt2", name, 40)}
    assert 100 < sum(labels.values()) < 220
    nameless = b"".join(line.answer("1.0.0", "hash1", "v1", False, "").snake)
    assert b'"is_available":false' in nameless


@given(low=st.integers(1, 99), high=st.integers(1, 100), client=st.text(max_size=40), salt=st.text(max_size=20))
def test_a_rollout_that_rises_only_adds_devices(low: int, high: int, client: str, salt: str) -> None:
    low, high = sorted((low, high))
    assert is_drawn(salt, client, high) or not is_drawn(salt, client, low)
    assert is_drawn(salt, client, 100)


def test_every_release_draws_anew() -> None:
    clients = [f"device{n}" for n in range(2_000)]
    both = sum(is_drawn("a", each, 10) and is_drawn("b", each, 10) for each in clients)
    assert 2 < both < 50


releases_of = st.lists(
    st.tuples(
        st.sampled_from(["1.0.0", "^1.0.0", "2.0.0", ">=1.0.0 <3.0.0", "*"]),
        st.booleans(),
        st.booleans(),
        st.integers(1, 4),
    ),
    max_size=8,
)


@settings(max_examples=300)
@given(
    rows=releases_of,
    app_version=st.sampled_from(["1.0.0", "1.5.0", "2", "9.0.0"]),
    has=st.integers(0, 8),
    by_label=st.booleans(),
)
def test_what_is_given_is_always_allowed(
    rows: list[tuple[str, bool, bool, int]], app_version: str, has: int, by_label: bool
) -> None:
    """No disabled release, none for other binaries, none older than a later one that fits, none that is there."""
    made = [
        release(n, wanted, is_disabled=off, is_mandatory=must, package_hash=f"hash{content}")
        for n, (wanted, off, must, content) in enumerate(rows, 1)
    ]
    running = made[has - 1] if 0 < has <= len(made) else None
    asked = ask(app_version, running.package_hash if running else "", running.label if running and by_label else "")
    info = update_info(history(*made), asked)
    version = parse_version(padded(app_version))
    fitting = [each for each in made if not each.is_disabled and each.range.has(version)]
    assert info["shouldRunBinaryVersion"] == (not fitting)
    if not fitting or fitting[-1].package_hash == asked.package_hash:
        assert not info["isAvailable"]
        return
    newest = fitting[-1]
    assert (info["isAvailable"], info["label"]) == (True, newest.label)
    skipped = fitting if running is None else [each for each in fitting if made.index(each) > made.index(running)]
    if running is not None and by_label:
        assert info["isMandatory"] == (newest.is_mandatory or any(each.is_mandatory for each in skipped))


def test_strangers_cannot_make_the_server_remember_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampan.codepush.checking.KEPT_ANSWERS", 10)
    line = CompiledDeployment("cpd", history(release(1)))
    for n in range(500):
        line.answer(f"1.{n}.0", f"h{n}", f"v{n}", False, f"c{n}")
    assert len(line._answers) <= 10
    same = {bytes(line.answer("1.0.0", f"h{n}", f"w{n}", False, f"c{n}").snake[0]) for n in range(50)}
    assert len(same) == 1
    assert len(line._answers) <= 10


def test_both_spellings_say_the_same() -> None:
    line = CompiledDeployment("cpd", history(release(1, description='quotes " and \\u0000')))
    answer = line.answer("1.0", "", "", False, "c")
    snake = json.loads(b"https://bank".join(answer.snake))["update_info"]
    camel = json.loads(b"https://bank".join(answer.camel))["updateInfo"]
    assert snake["download_url"] == camel["downloadURL"] == "https://bank/v0.1/public/codepush/bundles/zip1"
    assert snake["description"] == camel["description"] == 'quotes " and \\u0000'
    assert snake["target_binary_range"] == camel["appVersion"] == "1.0"
    assert sorted(snake.values(), key=str) == sorted(camel.values(), key=str)
