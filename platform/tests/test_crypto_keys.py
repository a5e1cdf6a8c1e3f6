"""Keys by algorithm id: one algorithm per key, raw signatures, encrypted files that only their owner can read."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey

from sampan.platform.crypto.key_files import (
    decrypt_private_key,
    encrypt_private_key,
    read_private_key,
    write_private_key,
)
from sampan.platform.crypto.keys import (
    Ed25519,
    PrivateKey,
    PublicKey,
    algorithm_ids,
    register,
    same_key,
)
from sampan.platform.crypto.problems import (
    AlgorithmNotAllowed,
    AlgorithmUnknown,
    KeyFileUnsafe,
    KeyUnreadable,
    SignatureWrong,
)
from sampan.platform.crypto.tuf_keys import from_tuf_key, key_id, to_tuf_key, tuf_signer

ALGORITHMS = pytest.mark.parametrize("algorithm", ["ed25519", "es256"])
PASSPHRASE = b"correct horse battery"


def other_than(algorithm: str) -> str:
    return next(each for each in algorithm_ids() if each != algorithm)


@ALGORITHMS
def test_a_signature_verifies_and_has_64_raw_bytes(algorithm: str) -> None:
    key = PrivateKey.generate(algorithm)
    signature = key.sign(b"data")
    assert len(signature) == 64
    key.public.verify(b"data", signature, algorithm=algorithm)


@ALGORITHMS
@given(position=st.integers(0, 63), bit=st.integers(0, 7))
def test_one_flipped_bit_is_refused(algorithm: str, position: int, bit: int) -> None:
    key = PrivateKey.generate(algorithm)
    signature = bytearray(key.sign(b"data"))
    signature[position] ^= 1 << bit
    with pytest.raises(SignatureWrong):
        key.public.verify(b"data", bytes(signature), algorithm=algorithm)


@ALGORITHMS
@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\xff" * 64, b"\x00" * 63, b"\x30" * 70])
def test_bytes_that_are_no_signature_are_refused(algorithm: str, signature: bytes) -> None:
    with pytest.raises(SignatureWrong):
        PrivateKey.generate(algorithm).public.verify(b"data", signature, algorithm=algorithm)


@ALGORITHMS
def test_the_message_does_not_choose_the_algorithm(algorithm: str) -> None:
    key = PrivateKey.generate(algorithm)
    for claimed in (other_than(algorithm), "none", "hs256", ""):
        with pytest.raises(AlgorithmNotAllowed):
            key.public.verify(b"data", key.sign(b"data"), algorithm=claimed)


def test_an_unknown_algorithm_is_refused_by_name() -> None:
    with pytest.raises(AlgorithmUnknown, match="sm2-sm3"):
        PrivateKey.generate("sm2-sm3")


def test_an_algorithm_plugs_in_under_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Another(Ed25519):
        id = "another"

    monkeypatch.setattr("sampan.platform.crypto.keys._ALGORITHMS", {"ed25519": Ed25519()})
    register(Another())
    key = PrivateKey.generate("another")
    key.public.verify(b"data", key.sign(b"data"), algorithm="another")
    with pytest.raises(ValueError, match="taken"):
        register(Another())


@ALGORITHMS
def test_public_keys_travel_as_pem_and_are_compared_by_raw_bytes(algorithm: str) -> None:
    key = PrivateKey.generate(algorithm).public
    again = PublicKey.from_pem(key.pem())
    assert again == key
    assert same_key(again, key)
    assert not same_key(key, PrivateKey.generate(algorithm).public)


@pytest.mark.parametrize("pem", ["", "nothing", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_refused(pem: str) -> None:
    with pytest.raises(KeyUnreadable):
        PublicKey.from_pem(pem)


def test_keys_of_other_kinds_are_refused() -> None:
    for handle in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        pem = handle.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with pytest.raises(AlgorithmUnknown):
            PublicKey.from_pem(pem)


@pytest.mark.parametrize(("algorithm", "size"), [("ed25519", 31), ("es256", 65), ("es256", 33), ("es256", 0)])
def test_raw_bytes_that_are_no_point_are_refused(algorithm: str, size: int) -> None:
    with pytest.raises(KeyUnreadable):
        PublicKey(algorithm, b"\x04" * size)


@ALGORITHMS
def test_a_private_key_never_shows_itself(algorithm: str) -> None:
    key = PrivateKey.generate(algorithm)
    assert repr(key) == f"PrivateKey(algorithm='{algorithm}')"


@ALGORITHMS
def test_a_key_file_opens_with_its_passphrase_alone(algorithm: str, tmp_path: Path) -> None:
    key, path = PrivateKey.generate(algorithm), tmp_path / "publisher.key"
    write_private_key(path, key, PASSPHRASE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert same_key(read_private_key(path, PASSPHRASE).public, key.public)
    for wrong in (b"correct horse batterz", b""):
        with pytest.raises(KeyUnreadable):
            read_private_key(path, wrong)


@ALGORITHMS
def test_openssl_reads_our_files_and_sees_600000_rounds(algorithm: str, tmp_path: Path) -> None:
    key, path = PrivateKey.generate(algorithm), tmp_path / "publisher.key"
    write_private_key(path, key, PASSPHRASE)
    command = ["openssl", "pkey", "-in", str(path), "-passin", f"pass:{PASSPHRASE.decode()}", "-pubout"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == key.public.pem()
    shown = subprocess.run(["openssl", "asn1parse", "-in", str(path)], capture_output=True, check=True, text=True)
    rounds = re.findall(r"INTEGER +:([0-9A-F]+)", shown.stdout)
    assert [int(each, 16) for each in rounds] == [600_000]


def test_we_read_the_files_openssl_makes(tmp_path: Path) -> None:
    path = tmp_path / "openssl.key"
    make = ["openssl", "genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:correct horse battery"]
    path.write_bytes(subprocess.run(make, capture_output=True, check=True).stdout)
    path.chmod(0o600)
    assert read_private_key(path, PASSPHRASE).algorithm == "ed25519"


@ALGORITHMS
def test_a_plain_key_is_refused_even_though_it_could_be_read(algorithm: str, tmp_path: Path) -> None:
    key = PrivateKey.generate(algorithm)
    path = tmp_path / "plain.key"
    path.write_bytes(
        key.handle().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
    with pytest.raises(KeyFileUnsafe, match="not an encrypted"):
        read_private_key(path, PASSPHRASE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "publisher.key"
    write_private_key(path, PrivateKey.generate(), PASSPHRASE)
    path.chmod(mode)
    with pytest.raises(KeyFileUnsafe, match="chmod 600"):
        read_private_key(path, PASSPHRASE)


def test_an_existing_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "publisher.key"
    write_private_key(path, PrivateKey.generate(), PASSPHRASE)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_private_key(path, PrivateKey.generate(), PASSPHRASE)
    assert path.read_bytes() == before


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o777)
    try:
        write_private_key(tmp_path / "publisher.key", PrivateKey.generate(), PASSPHRASE)
    finally:
        os.umask(old)
    assert (tmp_path / "publisher.key").stat().st_mode & 0o777 == 0o600


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(KeyFileUnsafe):
        encrypt_private_key(PrivateKey.generate(), b"short")


@given(st.binary(max_size=300))
def test_random_bytes_are_no_key(data: bytes) -> None:
    with pytest.raises(KeyUnreadable):
        decrypt_private_key(data, PASSPHRASE)


@ALGORITHMS
def test_tuf_keys_convert_both_ways_and_share_the_key_id(algorithm: str) -> None:
    key = PrivateKey.generate(algorithm)
    listed = to_tuf_key(key.public)
    assert from_tuf_key(listed) == key.public
    assert listed.keyid == key_id(key.public)
    assert re.fullmatch(r"[0-9a-f]{64}", listed.keyid)
    signature = tuf_signer(key).sign(b"data")
    listed.verify_signature(signature, b"data")
    with pytest.raises(UnverifiedSignatureError):
        listed.verify_signature(Signature(listed.keyid, "00" * 64), b"data")


def test_tuf_keys_of_other_schemes_are_refused() -> None:
    other = SSlibKey.from_crypto(rsa.generate_private_key(65537, 2048).public_key())
    with pytest.raises(AlgorithmUnknown):
        from_tuf_key(other)


@pytest.mark.parametrize("public", ["zz", "00", "", "é"])
def test_a_tuf_key_without_key_bytes_is_refused(public: str) -> None:
    with pytest.raises(KeyUnreadable):
        from_tuf_key(SSlibKey("a" * 64, "ed25519", "ed25519", {"public": public}))


def test_a_key_under_anothers_label_is_refused() -> None:
    pem = PrivateKey.generate("ed25519").public.pem()
    with pytest.raises(KeyUnreadable):
        from_tuf_key(SSlibKey("a" * 64, "ecdsa", "ecdsa-sha2-nistp256", {"public": pem}))
