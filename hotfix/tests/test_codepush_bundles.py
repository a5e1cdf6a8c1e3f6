"""Bundles: CodePush's hash, what a ZIP may hold, what a token must sign, and differences that rebuild the target."""

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from codepush_scene import KEY, bundle, files_of, hash_of, new_key
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.codepush import bundles
from sampan.codepush.bundles import (
    checked_public_key,
    make_difference,
    package_hash,
    read_bundle,
    require_signature,
)
from sampan.codepush.problems import BadBundle, BadPublicKey, BundleUnsigned

OTHER = new_key()


def written(folder: Path, data: bytes, name: str = "a.zip") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return content.getvalue()


def test_the_hash_is_codepushs() -> None:
    # The form of code-push's hash-utils, by hand: sorted, no blanks, slashes and non-ASCII letters as they are.
    listed = '["CodePush/a.txt:{0}","CodePush/图.png:{0}"]'.format("0" * 64)
    files = {"CodePush/图.png": "0" * 64, "CodePush/a.txt": "0" * 64}
    ignored = dict.fromkeys(("CodePush/.codepushrelease", "__MACOSX/a", ".DS_Store", "CodePush/.DS_Store"), "1" * 64)
    assert package_hash(files | ignored) == hashlib.sha256(listed.encode()).hexdigest()


def test_the_hash_is_what_the_stock_tools_sign() -> None:
    # The claim that code-push-cli 3.0.0 wrote for a folder with this one file.
    signed = "154517e620cc5bf11046683aced054f588987c6f37f00d8dd4f95ab4daa1246f"
    assert hash_of({"CodePush/main.jsbundle": b'console.log("one")\n'}) == signed


def test_paths_are_sorted_as_javascript_does() -> None:
    high, astral = "\uff5e", "\U0001f600"  # UTF-16 puts what lies beyond the basic plane before U+FF5E
    listed = json.dumps([f"{astral}:1", f"{high}:1"], ensure_ascii=False, separators=(",", ":"))
    assert package_hash({high: "1", astral: "1"}) == hashlib.sha256(listed.encode()).hexdigest()


def test_a_signed_bundle_is_read_and_its_token_holds(tmp_path: Path) -> None:
    found = read_bundle(written(tmp_path, bundle(files_of("one"))))
    assert found.package_hash == hash_of(files_of("one"))
    assert set(found.files) == {*files_of("one"), "CodePush/.codepushrelease"}
    require_signature(found.package_hash, found.token, KEY.public)


def hmac_token(content_hash: str) -> str:
    """Return a token in the form of the old trick: the public key taken for a shared secret."""
    header = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
    claims = jwt.utils.base64url_encode(json.dumps({"contentHash": content_hash}).encode())
    signed = header + b"." + claims
    seal = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    mac = seal.sign(signed, KEY.public.encode()[:64])
    return (signed + b"." + jwt.utils.base64url_encode(mac)).decode()


TOKENS: dict[str, tuple[Callable[[str], str], str]] = {
    "none": (lambda _hash: "", "has no .codepushrelease"),
    "no token": (lambda _hash: "no.token.atall", "not signed by"),
    "another key": (lambda content: jwt.encode({"contentHash": content}, OTHER.private, "RS256"), "not signed by"),
    "another algorithm": (lambda content: jwt.encode({"contentHash": content}, KEY.private, "RS512"), "not signed by"),
    "unsigned": (lambda content: jwt.encode({"contentHash": content}, "", "none"), "not signed by"),
    "the key as a secret": (hmac_token, "not signed by"),
    "other content": (lambda _hash: jwt.encode({"contentHash": "0" * 64}, KEY.private, "RS256"), "signs other content"),
    "without the claim": (lambda _hash: jwt.encode({"hash": "0" * 64}, KEY.private, "RS256"), "not signed by"),
}


@pytest.mark.parametrize(("make", "says"), TOKENS.values(), ids=TOKENS)
def test_other_tokens_are_refused_with_a_sentence(make: Callable[[str], str], says: str) -> None:
    content = hash_of(files_of("one"))
    with pytest.raises(BundleUnsigned, match=says):
        require_signature(content, make(content), KEY.public)


def test_without_a_public_key_no_bundle_is_good() -> None:
    content = hash_of(files_of("one"))
    token = jwt.encode({"contentHash": content}, KEY.private, "RS256")
    with pytest.raises(BundleUnsigned, match="no approved public key"):
        require_signature(content, token, "")


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


SURPRISES: list[list[tuple[str | zipfile.ZipInfo, bytes]]] = [
    [],
    [("../up.js", b"x")],
    [("/root.js", b"x")],
    [("a/../../b.js", b"x")],
    [("..\\up.js", b"x")],
    [("C:\\a.js", b"x")],
    [("a//b.js", b"x")],
    [("a/./b.js", b"x")],
    [("a\n.js", b"x")],
    [("a.js", b"x"), ("A.JS", b"y")],
    [("a/b.js", b"x"), ("a\\b.js", b"y")],
    [("../folder/", b""), ("a.js", b"x")],
    [(link("a.js"), b"/etc/passwd")],
    [("hotcodepush.json", b"{}"), ("a.js", b"x")],
    [("a/.codepushrelease", b"x"), ("b/.codepushrelease", b"y")],
    [("a/.codepushrelease", b"x" * 20_000)],
    [("a/.codepushrelease", "签".encode())],
    [("x" * 500, b"x")],
]


@pytest.mark.parametrize("entries", SURPRISES, ids=range(len(SURPRISES)))
def test_zips_that_would_unpack_in_a_surprising_way_are_refused(
    entries: list[tuple[str | zipfile.ZipInfo, bytes]], tmp_path: Path
) -> None:
    with pytest.raises(BadBundle):
        read_bundle(written(tmp_path, zipped(*entries)))


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(BadBundle, match="at most"):
        read_bundle(written(tmp_path, zipped(("a", b"0" * 60_000), ("b", b"0" * 60_000))))
    honest = zipped(("a", b"0" * 200_000))
    lying = honest.replace((200_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(BadBundle):
        read_bundle(written(tmp_path, lying))


def test_a_zip_of_very_many_entries_is_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = zipped(*((f"file-{n}", b"") for n in range(300)))
    monkeypatch.setattr(bundles, "MAX_DIRECTORY_BYTES", 10_000)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(BadBundle, match="1 to 10000 files"):
        read_bundle(written(tmp_path, many))


def test_damaged_zips_are_refused(tmp_path: Path) -> None:
    whole = bundle(files_of("one"))
    for data in (b"", b"plain text", whole[:-30], whole[:40] + b"\x00" * 8 + whole[48:]):
        with pytest.raises(BadBundle):
            read_bundle(written(tmp_path, data))


@pytest.mark.parametrize(
    "pem", ["", "text", new_key(1024).public, KEY.private], ids=["empty", "text", "too short", "private"]
)
def test_only_rsa_public_keys_of_enough_bits_are_registered(pem: str) -> None:
    with pytest.raises(BadPublicKey):
        checked_public_key(pem)
    assert checked_public_key(f"\n {KEY.public}\n") == KEY.public


def applied(base: dict[str, bytes], difference: Path) -> dict[str, bytes]:
    """Do what a device does with a difference: its files over the old ones, without those that it names."""
    with zipfile.ZipFile(difference) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    deleted = json.loads(files.pop("hotcodepush.json"))["deletedFiles"]
    return {name: data for name, data in (base | files).items() if name not in deleted}


FILES = st.dictionaries(st.sampled_from(["a.js", "b/c.js", "b/d.png", "图.txt"]), st.binary(max_size=30), min_size=1)


@settings(max_examples=60, deadline=None)
@given(base=FILES, target=FILES)
def test_a_difference_rebuilds_the_target(
    base: dict[str, bytes], target: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("difference")
    old, new = (read_bundle(written(folder, bundle(each), name)) for each, name in ((base, "a"), (target, "b")))
    make_difference(old.files, new.files, folder / "b", folder / "c")
    rebuilt = applied(base, folder / "c")
    token = rebuilt.pop("CodePush/.codepushrelease").decode()
    assert rebuilt == target
    require_signature(hash_of(rebuilt), token, KEY.public)


def test_a_difference_holds_what_changed_alone(tmp_path: Path) -> None:
    old, new = (read_bundle(written(tmp_path, bundle(files_of(text)), text)) for text in ("one", "two"))
    make_difference(old.files, new.files, tmp_path / "two", tmp_path / "c")
    with zipfile.ZipFile(tmp_path / "c") as archive:
        assert sorted(archive.namelist()) == ["CodePush/.codepushrelease", "CodePush/main.jsbundle", "hotcodepush.json"]
