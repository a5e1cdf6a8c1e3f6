"""Key files of publishers and officers: an encrypted private key, and its public part beside it under `.pub`.

Private keys are opened in the process of the person who signs, and nowhere else.
"""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from sampan.platform.cli.given_files import text_of
from sampan.platform.crypto.key_files import PBKDF2_ROUNDS, read_private_key, write_private_key
from sampan.platform.crypto.keys import PrivateKey, PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.errors import Conflict, Invalid, NotFound

PRIVATE_SUFFIX, PUBLIC_SUFFIX = ".pem", ".pub"
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File that holds the passphrase of the key [SAMPAN_PASSPHRASE, or asked]."),
]


class PassphraseNeeded(Invalid):
    """A key is to be opened or made, and nobody can be asked for its passphrase."""

    code = "passphrase_needed"
    title = "A passphrase is needed"


class KeyFileMissing(NotFound):
    """There is no key file under the given name."""

    code = "key_file_missing"


class KeyFileExists(Conflict):
    """The file is there; a private key is never overwritten."""

    code = "key_file_exists"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key file and the public key in it; `unlock` opens the private one."""

    path: Path
    public: PublicKey

    @property
    def id(self) -> str:
        """The public key's id, as the trust trees name it."""
        return key_id(self.public)

    def unlock(self, passphrase: bytes) -> PrivateKey:
        """Open the private key; raise `KeyUnreadable` for a wrong passphrase, `KeyFileUnsafe` for a bad mode."""
        key = read_private_key(self.path, passphrase)
        if key.public != self.public:
            raise Invalid(f"{self.path} and {public_path(self.path)} are not of one key. Remove the .pub file.")
        return key


def public_path(path: Path) -> Path:
    """Return where the public part of a key file lies: `.pub` takes the place of `.pem`, else it is added."""
    return path.with_name(_stem(path) + PUBLIC_SUFFIX)


def trial_path(path: Path) -> Path:
    """Return where the trial tree's key lies beside a publisher's key."""
    return path.with_name(f"{_stem(path)}.trial{path.name.removeprefix(_stem(path))}")


def _stem(path: Path) -> str:
    # No other ending is cut off: of `bank.v1` and `bank.v2` the public parts would be one file.
    return path.name.removesuffix(PRIVATE_SUFFIX)


def refuse_taken(paths: Iterable[Path]) -> None:
    """Raise `KeyFileExists` when a file of any of these pairs is there, before one of them is made."""
    for each in (file for path in paths for file in (path, public_path(path))):
        if each.exists():
            raise KeyFileExists(f"{each} exists, and keys are never overwritten. Choose another name.")


def make_pair(path: Path, passphrase: bytes, *, algorithm: str = "ed25519", rounds: int = PBKDF2_ROUNDS) -> KeyPair:
    """Make a key and write both files; raise `KeyFileExists`."""
    refuse_taken([path])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = PrivateKey.generate(algorithm)
    write_private_key(path, key, passphrase, rounds=rounds)
    public_path(path).write_text(key.public.pem())
    return KeyPair(path, key.public)


def pair_at(path: Path, passphrase: bytes | None = None) -> KeyPair:
    """Return the key pair of a file, by its public part alone where that is there; raise `KeyFileMissing`."""
    if not path.exists():
        raise KeyFileMissing(
            f"There is no key file {path}. Name yours with --key: the file of the key that an administrator "
            "registered. A new one of `sampan keygen` signs nothing before it is registered too."
        )
    if public_path(path).exists():
        return KeyPair(path, PublicKey.from_pem(text_of(public_path(path))))
    if passphrase is None:
        raise KeyFileMissing(f"{public_path(path)} is missing; without it the key cannot be told without opening it.")
    return KeyPair(path, read_private_key(path, passphrase).public)


def passphrase_for(what: str, file: Path | None = None, *, is_new: bool = False) -> bytes:
    """Return the passphrase: from the file, else from SAMPAN_PASSPHRASE, else asked of the person at the terminal."""
    if file is not None:
        return text_of(file).strip().encode()
    if given := os.environ.get("SAMPAN_PASSPHRASE"):
        return given.encode()
    if not sys.stdin.isatty():
        raise PassphraseNeeded(f"Give the passphrase of {what} with --passphrase-file or in SAMPAN_PASSPHRASE.")
    asked: str = typer.prompt(f"Passphrase of {what}", hide_input=True, confirmation_prompt=is_new, err=True)
    return asked.encode()
