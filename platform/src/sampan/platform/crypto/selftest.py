"""Known answers at every start: a machine whose cryptography is wrong must not sign or verify anything.

Vectors: RFC 8032 7.1 (Ed25519), RFC 6979 A.2.5 (ECDSA P-256), FIPS 180-4 and GB/T 32905 ("abc"),
the GCM specification's test case 16 (AES-256-GCM), RFC 5869 A.1 (HKDF-SHA256).
"""

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey, PublicKey, algorithm, algorithm_ids
from sampan.platform.crypto.problems import SelfTestFailed, SignatureWrong

_ED25519_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
_ED25519_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
_P256_PUBLIC = bytes.fromhex(
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
_P256_SIGNATURE = bytes.fromhex(
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)
_SHA256_ABC = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
_SM3_ABC = "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
_GCM_KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
_GCM_NONCE = bytes.fromhex("cafebabefacedbaddecaf888")
_GCM_CONTEXT = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_GCM_PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
_GCM_SEALED = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b"
)
_HKDF_OUT = bytes.fromhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")


def run_self_test() -> None:
    """Check every algorithm against its published answer; raise `SelfTestFailed` at the first difference."""
    for name, test in _TESTS.items():
        try:
            good = test()
        except Exception as problem:  # a library that breaks fails the test like a wrong answer
            raise _failed(name) from problem
        if not good:
            raise _failed(name)


def _failed(name: str) -> SelfTestFailed:
    return SelfTestFailed(
        f"The known-answer test for {name} fails on this machine. Do not run sampan here; reinstall the "
        "`cryptography` package and check its OpenSSL.",
        algorithm=name,
    )


def _refuses(key: PublicKey, data: bytes, signature: bytes) -> bool:
    try:
        key.verify(data, signature, algorithm=key.algorithm)
    except SignatureWrong:
        return True
    return False


def _signature(key: PublicKey, data: bytes, signature: bytes) -> bool:
    key.verify(data, signature, algorithm=key.algorithm)
    return _refuses(key, data + b"\x00", signature) and _refuses(
        key, data, signature[:-1] + bytes((signature[-1] ^ 1,))
    )


def _ed25519() -> bool:
    return _signature(PublicKey("ed25519", _ED25519_PUBLIC), b"\x72", _ED25519_SIGNATURE)


def _es256() -> bool:
    return _signature(PublicKey("es256", _P256_PUBLIC), b"sample", _P256_SIGNATURE)


def _round_trips() -> bool:
    for algorithm_id in algorithm_ids():
        key = PrivateKey.generate(algorithm_id)
        if not algorithm(algorithm_id).id or not _signature(key.public, b"round trip", key.sign(b"round trip")):
            return False
    return True


def _digests() -> bool:
    return digest(b"abc") == _SHA256_ABC and digest(b"abc", "sm3") == _SM3_ABC


def _aes_gcm() -> bool:
    cipher = AESGCM(_GCM_KEY)
    if cipher.encrypt(_GCM_NONCE, _GCM_PLAIN, _GCM_CONTEXT) != _GCM_SEALED:
        return False
    try:
        cipher.decrypt(_GCM_NONCE, _GCM_SEALED, _GCM_CONTEXT + b"\x00")
    except InvalidTag:
        return cipher.decrypt(_GCM_NONCE, _GCM_SEALED, _GCM_CONTEXT) == _GCM_PLAIN
    return False


def _hkdf() -> bool:
    kdf = HKDF(hashes.SHA256(), 42, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    return kdf.derive(b"\x0b" * 22) == _HKDF_OUT


_TESTS: dict[str, Callable[[], bool]] = {
    "ed25519": _ed25519,
    "es256": _es256,
    "sign and verify": _round_trips,
    "sha256 and sm3": _digests,
    "aes-256-gcm": _aes_gcm,
    "hkdf-sha256": _hkdf,
}
