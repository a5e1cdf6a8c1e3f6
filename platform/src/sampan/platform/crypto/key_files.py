"""Private keys at rest: encrypted PKCS#8 PEM (RFC 5958, PBES2 of RFC 8018), readable by its owner alone.

`cryptography` writes PBES2 with 2048 PBKDF2 rounds and offers no choice, so the container is built here with
600,000 rounds of HMAC-SHA256 and AES-256-CBC; it is read back by `cryptography` and by OpenSSL.
"""

import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from sampan.platform.crypto import pem as der
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.problems import KeyFileUnsafe, KeyUnreadable

PBKDF2_ROUNDS = 600_000
MIN_PASSPHRASE_BYTES = 8

_PBES2 = "1.2.840.113549.1.5.13"
_PBKDF2 = "1.2.840.113549.1.5.12"
_HMAC_SHA256 = "1.2.840.113549.2.9"
_AES256_CBC = "2.16.840.1.101.3.4.1.42"
_LABEL = "ENCRYPTED PRIVATE KEY"


def encrypt_private_key(key: PrivateKey, passphrase: bytes, *, rounds: int = PBKDF2_ROUNDS) -> str:
    """Return the encrypted PKCS#8 PEM of a key; raise `KeyFileUnsafe` for a passphrase under 8 bytes.

    Fewer `rounds` are for long machine-made passphrases only: nobody can try all of those anyway.
    """
    if len(passphrase) < MIN_PASSPHRASE_BYTES:
        raise KeyFileUnsafe(f"The passphrase is shorter than {MIN_PASSPHRASE_BYTES} bytes; choose a longer one.")
    salt, iv = secrets.token_bytes(16), secrets.token_bytes(16)
    kdf = PBKDF2HMAC(hashes.SHA256(), 32, salt, rounds)
    encryptor = Cipher(algorithms.AES256(kdf.derive(passphrase)), modes.CBC(iv)).encryptor()
    padder = padding.PKCS7(128).padder()
    padded = padder.update(key.pkcs8()) + padder.finalize()
    scheme = der.sequence(
        der.oid(_PBES2),
        der.sequence(
            der.sequence(
                der.oid(_PBKDF2),
                der.sequence(
                    der.octets(salt),
                    der.integer(rounds),
                    der.sequence(der.oid(_HMAC_SHA256), der.null()),
                ),
            ),
            der.sequence(der.oid(_AES256_CBC), der.octets(iv)),
        ),
    )
    sealed = encryptor.update(padded) + encryptor.finalize()
    return der.to_pem(der.sequence(scheme, der.octets(sealed)), _LABEL)


def decrypt_private_key(pem: bytes, passphrase: bytes) -> PrivateKey:
    """Read an encrypted PKCS#8 PEM.

    Raises `KeyFileUnsafe` for a key in plain PEM, `KeyUnreadable` for anything else that does not open.
    """
    try:
        label, _ = der.from_pem(pem)
    except ValueError as problem:
        raise KeyUnreadable("The file holds no key in PEM form.") from problem
    if label != _LABEL:
        raise KeyFileUnsafe(
            f"The file holds a {label!r}, not an encrypted private key. Encrypt it with "
            "`openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000`, destroy the plain copy, and treat the key "
            "as stolen if others could read it."
        )
    try:
        loaded = serialization.load_pem_private_key(pem, passphrase)
        bare = loaded.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise KeyUnreadable("The key does not open: wrong passphrase, or a damaged file.") from problem
    return PrivateKey.from_pkcs8(bare)


def write_private_key(path: Path, key: PrivateKey, passphrase: bytes, *, rounds: int = PBKDF2_ROUNDS) -> None:
    """Write a new key file with mode 0600; an existing file is never overwritten (FileExistsError)."""
    text = encrypt_private_key(key, passphrase, rounds=rounds)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def read_private_key(path: Path, passphrase: bytes) -> PrivateKey:
    """Read a key file; refuse one that group or others may read, and every plain PEM (`KeyFileUnsafe`)."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise KeyFileUnsafe(
                f"{path.name} may be read by others (mode {mode:04o}). Run `chmod 600` on it.", mode=mode
            )
        return decrypt_private_key(file.read(), passphrase)
