"""Whatever a publisher uploads that is not the published body and exactly its version is refused, by name."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import Delegations, TargetFile, Targets

from sampan.offline_packages.publishing import (
    archived_app_body,
    next_app_body,
    renewed_app_body,
    signed_version,
)
from sampan.offline_packages.roles import SignedVersion, index_path, package_path
from sampan.offline_packages.signed_bytes import countersign, sign_body
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.errors import SampanError
from sampan.platform.trust.bodies import first_targets, with_app, with_app_keys
from sampan.platform.trust.body_checks import (
    check_archive,
    check_next_body,
    check_renewal,
    check_rotation,
    check_signed_as_made,
)

APP, TREE, NOW = "bank.demo.a", "demo/intl", 1_800_000_000_000
DAY_MS = 86_400_000
PUBLISHER, REVIEW, STRANGER = (PrivateKey.generate() for _ in range(3))


def version(sequence: int, floor: int = 0) -> SignedVersion:
    package = b"archive %d" % sequence
    return signed_version(
        APP,
        sequence,
        version=f"1.0.{sequence}",
        index=b"index %d" % sequence,
        package_digest=digest(package),
        package_bytes=len(package),
        floor=floor,
    )


PUBLISHED = next_app_body(None, version(1), tree=TREE, now_ms=NOW)


def proposed() -> Targets:
    return next_app_body(PUBLISHED, version(2), tree=TREE, now_ms=NOW)


def refusal(data: bytes, expected: SignedVersion | None = None, now_ms: int = NOW) -> str:
    with pytest.raises(SampanError) as refused:
        check_next_body(
            PUBLISHED, data, version=expected or version(2), tree=TREE, publisher=PUBLISHER.public, now_ms=now_ms
        )
    return refused.value.code


def test_the_next_body_signed_by_its_publisher_is_accepted() -> None:
    body = proposed()
    found = check_next_body(
        PUBLISHED, sign_body(body, PUBLISHER), version=version(2), tree=TREE, publisher=PUBLISHER.public, now_ms=NOW
    )
    assert found.to_dict() == body.to_dict()


def test_the_first_body_is_accepted() -> None:
    data = sign_body(PUBLISHED, PUBLISHER)
    check_next_body(None, data, version=version(1), tree=TREE, publisher=PUBLISHER.public, now_ms=NOW)


def _another_version(body: Targets) -> None:
    body.targets.update(version(3).targets())


def _foreign_path(body: Targets) -> None:
    body.targets["apps/bank.demo.b/1/index.json"] = TargetFile.from_data("apps/bank.demo.b/1/index.json", b"")


def _patch(body: Targets) -> None:
    body.targets[f"apps/{APP}/1/hotfix-1.json"] = TargetFile.from_data(f"apps/{APP}/1/hotfix-1.json", b"")


def _old_version_gone(body: Targets) -> None:
    del body.targets[index_path(APP, 1)]


def _old_version_changed(body: Targets) -> None:
    body.targets[package_path(APP, 1)] = TargetFile.from_data(package_path(APP, 1), b"other")


def _other_index(body: Targets) -> None:
    path = index_path(APP, 2)
    custom = {"custom": body.targets[path].custom}
    body.targets[path] = TargetFile(9, {"sha256": "0" * 64}, path, custom)


def _more_hashes(body: Targets) -> None:
    body.targets[index_path(APP, 2)].hashes["sha512"] = "0" * 128


def _other_custom(body: Targets) -> None:
    body.targets[index_path(APP, 2)].unrecognized_fields["custom"]["extra"] = 1


def _higher_floor(body: Targets) -> None:
    body.targets[index_path(APP, 2)].unrecognized_fields["custom"]["x-sampan-floor"] = 2


def _delegation(body: Targets) -> None:
    body.delegations = Delegations({}, {})


def _extra_field(body: Targets) -> None:
    body.unrecognized_fields["x-other"] = 1


@pytest.mark.parametrize(
    "change",
    [
        _another_version,
        _foreign_path,
        _patch,
        _old_version_gone,
        _old_version_changed,
        _other_index,
        _more_hashes,
        _other_custom,
        _higher_floor,
        _delegation,
        _extra_field,
    ],
)
def test_any_other_difference_is_refused(change: Callable[[Targets], None]) -> None:
    body = proposed()
    change(body)
    assert refusal(sign_body(body, PUBLISHER)) == "body_differs"


def test_a_refusal_names_the_paths_that_differ() -> None:
    body = proposed()
    _foreign_path(body)
    with pytest.raises(SampanError) as refused:
        check_next_body(
            PUBLISHED,
            sign_body(body, PUBLISHER),
            version=version(2),
            tree=TREE,
            publisher=PUBLISHER.public,
            now_ms=NOW,
        )
    assert refused.value.facts["differences"] == ["apps/bank.demo.b/1/index.json"]


def test_a_body_for_other_bytes_than_the_uploaded_is_refused() -> None:
    assert refusal(sign_body(proposed(), PUBLISHER), version(2, floor=1)) == "body_differs"


@pytest.mark.parametrize("number", [1, 3, 2**31])
def test_a_body_on_another_base_asks_for_a_new_signature(number: int) -> None:
    body = proposed()
    body.version = number
    assert refusal(sign_body(body, PUBLISHER)) == "body_base_moved"


def test_a_sequence_that_is_not_above_the_published_one_is_superseded() -> None:
    assert refusal(sign_body(proposed(), PUBLISHER), version(1)) == "sequence_superseded"


@pytest.mark.parametrize(
    ("field", "value"), [("x-sampan-role", "app.bank.demo.b"), ("x-sampan-tree", "demo/trial"), ("x-sampan-tree", None)]
)
def test_a_body_for_another_role_or_tree_is_refused(field: str, value: str | None) -> None:
    body = proposed()
    body.unrecognized_fields[field] = value
    assert refusal(sign_body(body, PUBLISHER)) == "trust_role_mismatch"


@pytest.mark.parametrize("days", [-1, 29, 367, 4000])
def test_an_expiry_out_of_range_is_refused(days: int) -> None:
    body = next_app_body(PUBLISHED, version(2), tree=TREE, now_ms=NOW + (days - 365) * DAY_MS)
    assert refusal(sign_body(body, PUBLISHER)) == "body_expiry_refused"


@pytest.mark.parametrize("days", [0, 1, 300])
def test_a_body_may_wait_for_its_review(days: int) -> None:
    data = sign_body(proposed(), PUBLISHER)
    check_next_body(
        PUBLISHED, data, version=version(2), tree=TREE, publisher=PUBLISHER.public, now_ms=NOW + days * DAY_MS
    )


def test_signatures_must_be_the_publishers_and_nobody_elses() -> None:
    body = proposed()
    assert refusal(sign_body(body)) == "trust_not_signed"
    assert refusal(sign_body(body, STRANGER)) == "trust_not_signed"
    assert refusal(sign_body(body, PUBLISHER, STRANGER)) == "signature_unexpected"
    assert refusal(countersign(sign_body(body, PUBLISHER), REVIEW)) == "signature_unexpected"


def test_a_suspended_key_publishes_nothing() -> None:
    with pytest.raises(SampanError) as refused:
        check_next_body(
            PUBLISHED,
            sign_body(proposed(), PUBLISHER),
            version=version(2),
            tree=TREE,
            publisher=PUBLISHER.public,
            now_ms=NOW,
            suspended={key_id(PUBLISHER.public)},
        )
    assert refused.value.code == "publisher_key_suspended"


GOOD = sign_body(proposed(), PUBLISHER)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused_by_name(position: int, change: int) -> None:
    data = bytearray(GOOD)
    data[position] ^= change
    assert refusal(bytes(data)) in {
        "trust_malformed",
        "trust_not_signed",
        "trust_role_mismatch",
        "signature_unexpected",
        "body_base_moved",
        "body_differs",
        "body_expiry_refused",
    }


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(data: bytes) -> None:
    assert refusal(data) == "trust_malformed"


def renewal(body: Targets) -> None:
    check_renewal(PUBLISHED, sign_body(body, PUBLISHER), app_id=APP, tree=TREE, publisher=PUBLISHER.public, now_ms=NOW)


def test_a_renewal_lists_the_same_targets() -> None:
    renewal(renewed_app_body(PUBLISHED, now_ms=NOW))
    for body in (proposed(), archived_app_body(PUBLISHED, now_ms=NOW - 3285 * DAY_MS)):
        with pytest.raises(SampanError) as refused:
            renewal(body)
        assert refused.value.code == "body_differs"


def archive(body: Targets) -> None:
    check_archive(PUBLISHED, sign_body(body, PUBLISHER), app_id=APP, tree=TREE, publisher=PUBLISHER.public, now_ms=NOW)


def test_an_archive_lists_nothing() -> None:
    archive(archived_app_body(PUBLISHED, now_ms=NOW))
    with pytest.raises(SampanError) as refused:
        archive(renewed_app_body(PUBLISHED, now_ms=NOW))
    assert refused.value.code == "body_differs"


def rotate(*keys: PrivateKey, body: Targets | None = None) -> str:
    targets = first_targets(TREE, control=STRANGER.public, now_ms=NOW)
    targets = with_app(targets, APP, publisher=PUBLISHER.public, review=REVIEW.public, now_ms=NOW)
    rotated = with_app_keys(targets, APP, publisher=NEW.public, now_ms=NOW)
    data = sign_body(body or renewed_app_body(PUBLISHED, now_ms=NOW), *keys)
    try:
        check_rotation(rotated, PUBLISHED, data, app_id=APP, tree=TREE, now_ms=NOW)
    except SampanError as refused:
        return refused.code
    return "ok"


NEW = PrivateKey.generate("es256")


def test_a_rotation_needs_the_new_pair_and_the_old_targets() -> None:
    assert rotate(NEW, REVIEW) == "ok"
    for keys in ((PUBLISHER, REVIEW), (NEW,), (REVIEW,), (NEW, PUBLISHER)):
        assert rotate(*keys) == "trust_not_signed"
    assert rotate(NEW, REVIEW, body=proposed()) == "body_differs"
    foreign = renewed_app_body(PUBLISHED, now_ms=NOW)
    foreign.unrecognized_fields["x-sampan-tree"] = "demo/trial"
    assert rotate(NEW, REVIEW, body=foreign) == "trust_role_mismatch"


def test_an_officer_returns_what_was_handed_out() -> None:
    made = sign_body(first_targets(TREE, control=STRANGER.public, now_ms=NOW))
    check_signed_as_made(made, countersign(made, NEW))
    other = sign_body(first_targets(TREE, control=NEW.public, now_ms=NOW), NEW)
    with pytest.raises(SampanError) as refused:
        check_signed_as_made(made, other)
    assert refused.value.code == "body_differs"
