"""What a publisher makes: body n+1 is body n and one version; signatures never touch the signed bytes."""

import pytest
from tuf.api.metadata import Targets

from sampan.offline_packages.publishing import (
    archived_app_body,
    next_app_body,
    next_hotfix_body,
    renewed_app_body,
    signed_hotfix,
    signed_version,
)
from sampan.offline_packages.roles import (
    SignedHotfix,
    SignedVersion,
    hotfix_paths,
    index_path,
    package_path,
    read_app_role,
)
from sampan.offline_packages.signed_bytes import (
    attach,
    body_digest,
    check_signed_by,
    countersign,
    read_body,
    sign_body,
    sign_part,
    signed_part,
    signers,
)
from sampan.offline_packages.trust_errors import (
    BodyMalformed,
    FloorRefused,
    NotListed,
    NotSigned,
    RoleMismatch,
    SequenceSuperseded,
)
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id

APP, TREE, NOW = "bank.demo.a", "demo/intl", 1_800_000_000_000
YEAR_S = 365 * 86_400
ALGORITHMS = pytest.mark.parametrize("algorithm", ["ed25519", "es256"])


def version(sequence: int, floor: int = 0, app: str = APP) -> SignedVersion:
    package = b"archive %d" % sequence
    return signed_version(
        app,
        sequence,
        version=f"1.0.{sequence}",
        index=b"index %d" % sequence,
        package_digest=digest(package),
        package_bytes=len(package),
        floor=floor,
    )


def two() -> Targets:
    return next_app_body(
        next_app_body(None, version(1), tree=TREE, now_ms=NOW), version(2, floor=1), tree=TREE, now_ms=NOW
    )


def test_the_first_body_is_version_one_with_two_targets_and_says_what_it_is() -> None:
    body = next_app_body(None, version(7, floor=3), tree=TREE, now_ms=NOW)
    assert body.version == 1
    assert body.expires.timestamp() == NOW // 1000 + YEAR_S
    assert set(body.targets) == {index_path(APP, 7), package_path(APP, 7)}
    assert body.targets[index_path(APP, 7)].custom == {"x-sampan-floor": 3, "x-sampan-version": "1.0.7"}
    assert body.unrecognized_fields == {"x-sampan-role": f"app.{APP}", "x-sampan-tree": TREE}


def test_the_next_body_is_the_last_one_and_exactly_one_version() -> None:
    body = two()
    assert body.version == 2
    assert read_app_role(body, APP, TREE).versions == {1: version(1), 2: version(2, floor=1)}


def test_making_a_body_leaves_the_published_one_alone() -> None:
    published = next_app_body(None, version(1), tree=TREE, now_ms=NOW)
    before = published.to_dict()
    next_app_body(published, version(2), tree=TREE, now_ms=NOW)
    renewed_app_body(published, now_ms=NOW + 1000)
    archived_app_body(published, now_ms=NOW)
    assert published.to_dict() == before


@pytest.mark.parametrize("sequence", [1, 2])
def test_a_sequence_at_or_below_the_highest_is_superseded(sequence: int) -> None:
    with pytest.raises(SequenceSuperseded):
        next_app_body(two(), version(sequence), tree=TREE, now_ms=NOW)


def test_a_floor_above_its_own_version_is_refused() -> None:
    with pytest.raises(FloorRefused):
        next_app_body(two(), version(3, floor=4), tree=TREE, now_ms=NOW)


def test_the_floor_only_rises() -> None:
    body = next_app_body(two(), version(3, floor=0), tree=TREE, now_ms=NOW)
    assert read_app_role(body, APP, TREE).floor == 1
    body = next_app_body(body, version(4, floor=4), tree=TREE, now_ms=NOW)
    assert read_app_role(body, APP, TREE).floor == 4


def test_a_body_of_another_app_or_tree_is_no_base() -> None:
    with pytest.raises(RoleMismatch):
        next_app_body(two(), version(3, app="bank.demo.b"), tree=TREE, now_ms=NOW)
    with pytest.raises(RoleMismatch):
        next_app_body(two(), version(3), tree="demo/trial", now_ms=NOW)


def hotfix(n: int, sequence: int = 2) -> SignedHotfix:
    return SignedHotfix(APP, sequence, n, digest(b"document %d" % n), 11, digest(b"content %d" % n), 10)


def test_the_next_body_may_be_the_last_one_and_exactly_one_hotfix() -> None:
    published = two()
    before = published.to_dict()
    body = next_hotfix_body(published, hotfix(1), tree=TREE, now_ms=NOW + 1_000)
    assert published.to_dict() == before
    assert (body.version, body.expires.timestamp()) == (3, NOW // 1000 + 1 + YEAR_S)
    assert set(body.targets) - set(published.targets) == set(hotfix_paths(APP, 2, 1))
    assert hotfix_paths(APP, 2, 1) == (f"apps/{APP}/2/hotfix-1.json", f"apps/{APP}/2/hotfix-1.bin")
    role = read_app_role(body, APP, TREE)
    assert role.versions == read_app_role(published, APP, TREE).versions
    assert role.hotfixes == {(2, 1): hotfix(1)}


def test_hotfixes_stay_in_the_bodies_that_follow() -> None:
    body = next_hotfix_body(two(), hotfix(1), tree=TREE, now_ms=NOW)
    body = next_app_body(renewed_app_body(body, now_ms=NOW), version(3), tree=TREE, now_ms=NOW)
    body = next_hotfix_body(body, hotfix(1, sequence=3), tree=TREE, now_ms=NOW)
    body = next_hotfix_body(body, hotfix(4), tree=TREE, now_ms=NOW)
    assert set(read_app_role(body, APP, TREE).hotfixes) == {(2, 1), (2, 4), (3, 1)}
    assert read_app_role(archived_app_body(body, now_ms=NOW), APP, TREE).hotfixes == {}


def test_the_number_of_a_hotfix_is_never_used_again_and_its_version_is_published() -> None:
    body = next_hotfix_body(two(), hotfix(3), tree=TREE, now_ms=NOW)
    for n in (1, 2, 3):
        with pytest.raises(SequenceSuperseded):
            next_hotfix_body(body, hotfix(n), tree=TREE, now_ms=NOW)
    with pytest.raises(NotListed):
        next_hotfix_body(body, hotfix(4, sequence=3), tree=TREE, now_ms=NOW)


def test_a_hotfix_with_one_of_its_targets_or_no_version_is_none() -> None:
    body = next_hotfix_body(two(), hotfix(1), tree=TREE, now_ms=NOW)
    document, content = (body.targets[path] for path in hotfix_paths(APP, 2, 1))
    del body.targets[content.path]
    with pytest.raises(BodyMalformed):
        read_app_role(body, APP, TREE)
    body.targets[content.path] = content
    for path in [f"apps/{APP}/2/hotfix-01.json", f"apps/{APP}/2/hotfix-0.json", f"apps/{APP}/2/hotfix-10000.bin"]:
        body.targets[path] = document
    body.targets |= dict.fromkeys(hotfix_paths(APP, 9, 1), document)
    assert set(read_app_role(body, APP, TREE).hotfixes) == {(2, 1)}


def test_what_a_role_lists_of_a_hotfix_comes_from_its_document() -> None:
    document = (
        b'{"app":"bank.demo.a","base":"sha256:%b","changes":[{"after":null,"before":{"sha256":"%b","size":3},"path":"a"}],'
        b'"format":"sampan-hotfix/1","n":7,"on":[],"sequence":2}'
    ) % (b"1" * 64, b"2" * 64)
    assert signed_hotfix(document, b"") == SignedHotfix(APP, 2, 7, digest(document), len(document), digest(b""), 0)


def test_renewal_changes_version_and_expiry_alone() -> None:
    body, later = two(), NOW + 300 * 86_400_000
    renewed = renewed_app_body(body, now_ms=later)
    assert (renewed.version, renewed.expires.timestamp()) == (3, later // 1000 + YEAR_S)
    renewed.version, renewed.expires = body.version, body.expires
    assert renewed.to_dict() == body.to_dict()


def test_an_archived_app_keeps_an_empty_role() -> None:
    body = archived_app_body(two(), now_ms=NOW)
    assert (body.version, body.targets) == (3, {})
    assert read_app_role(body, APP, TREE).highest == 0


@pytest.mark.parametrize("app", ["../x", "a", "bank.*", "bank/demo.a", "Bank.demo", ""])
def test_an_id_that_would_widen_a_path_is_no_id(app: str) -> None:
    with pytest.raises(BodyMalformed):
        next_app_body(None, version(1, app=app), tree=TREE, now_ms=NOW)


@ALGORITHMS
def test_a_countersignature_keeps_the_signed_bytes_and_what_an_approval_binds(algorithm: str) -> None:
    publisher, review = PrivateKey.generate(algorithm), PrivateKey.generate(algorithm)
    signed = sign_body(two(), publisher)
    both = countersign(signed, review)
    raw = signed[signed.index(b'"signed":') :]
    assert both.endswith(raw)
    assert body_digest(both) == body_digest(signed)
    assert signers(both) == [key_id(publisher.public), key_id(review.public)]
    check_signed_by(both, publisher.public)
    check_signed_by(both, review.public)


def test_a_signature_travels_alone_and_replaces_an_earlier_one_of_its_key() -> None:
    officer, other = PrivateKey.generate("es256"), PrivateKey.generate("es256")
    waiting = sign_body(two(), other)
    signed = attach(attach(waiting, sign_part(waiting, officer)), sign_part(waiting, officer))
    assert signers(signed) == [key_id(other.public), key_id(officer.public)]
    assert signed_part(signed) == signed_part(waiting)


@ALGORITHMS
def test_a_missing_or_foreign_signature_is_not_taken(algorithm: str) -> None:
    key, other = PrivateKey.generate(algorithm), PrivateKey.generate(algorithm)
    with pytest.raises(NotSigned):
        check_signed_by(sign_body(two(), other), key.public)
    forged = sign_part(sign_body(two(), other), other)
    forged.keyid = key_id(key.public)
    with pytest.raises(NotSigned):
        check_signed_by(attach(sign_body(two()), forged), key.public)


SIGNED = sign_body(two(), PrivateKey.generate())
SPOILT = {
    "newline": SIGNED + b"\n",
    "space": SIGNED.replace(b'"signed":', b' "signed":'),
    "two lists of signatures": SIGNED.replace(b'{"signatures":[', b'{"signatures":[],"signatures":['),
    "a field twice": SIGNED.replace(b'"version":2', b'"version":2,"version":2'),
    "one field more": SIGNED.replace(b'{"signatures"', b'{"extra":1,"signatures"'),
    "another type": SIGNED.replace(b'"_type":"targets"', b'"_type":"root"'),
    "cut": SIGNED[:-1],
    "empty": b"",
    "null": b"null",
    "deep": b"[" * 100_000,
    "odd signature": b'{"signatures":[1],"signed":{}}',
}


@pytest.mark.parametrize("name", SPOILT)
def test_any_other_spelling_of_a_body_is_refused(name: str) -> None:
    with pytest.raises(BodyMalformed):
        read_body(SPOILT[name], Targets)
