"""Bundles: what a ZIP of files hashes to, whether its token signs that, and the difference between two. Pure files.

The package hash is CodePush's (code-push, "hash-utils"): SHA-256 over the JSON list of `path:sha256`, sorted as
JavaScript sorts. `.codepushrelease` is a JSON Web Token (RS256) whose claim `contentHash` is that hash; it does not
count towards the hash itself. A difference is a ZIP of changed files and `hotcodepush.json` with `deletedFiles`.
"""

import hashlib
import json
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Struct

from sampan.codepush.problems import BadBundle, BadPublicKey, BundleUnsigned

MAX_BUNDLE_BYTES = 100 * 1024 * 1024
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_FILES = 10_000
MAX_PATH_BYTES = 400
MAX_DIRECTORY_BYTES = 8 * 1024 * 1024
MAX_TOKEN_BYTES = 16 * 1024
MIN_KEY_BITS = 2048
TOKEN = ".codepushrelease"  # noqa: S105 - the name of a file
DELETED = "hotcodepush.json"
_CHUNK = 256 * 1024
_END_BYTES = 22 + 65_535 + 20  # the end record, its longest comment, and the mark of ZIP64 before it
_PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class Bundle(Struct, frozen=True):
    """A read bundle: its package hash, the SHA-256 by path of each file that it covers and of the token, the token."""

    package_hash: str
    files: Mapping[str, str]
    token: str


def read_bundle(path: Path) -> Bundle:
    """Read a whole ZIP; raise `BadBundle` for anything that a device would unpack in a surprising way."""
    try:
        _refuse_long_directory(path)
        with zipfile.ZipFile(path) as archive:
            entries = _checked(archive)
            files: dict[str, str] = {}
            left = MAX_UNPACKED_BYTES
            for name, entry in entries.items():
                files[name], size = _digest(archive, entry, left)
                left -= size
            tokens = [name for name in files if name.rpartition("/")[2] == TOKEN]
            if len(tokens) > 1:
                raise BadBundle(f"The ZIP has {len(tokens)} files {TOKEN}; it needs exactly one.")
            token = archive.read(tokens[0]).decode("ascii").strip() if tokens else ""
    except BadBundle:
        raise
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as problem:
        raise BadBundle(f"The upload is no ZIP that can be read: {problem}.") from problem
    except Exception as problem:  # zlib.error has no family of its own
        raise BadBundle(f"The ZIP is damaged: {problem}.") from problem
    vouched = {name: sha256 for name, sha256 in files.items() if name in tokens or not _is_ignored(name)}
    return Bundle(package_hash(vouched), vouched, token)


def package_hash(files: Mapping[str, str]) -> str:
    """Return CodePush's hash of a set of files, given their SHA-256 by path."""
    entries = [f"{name}:{sha256}" for name, sha256 in files.items() if not _is_ignored(name)]
    entries.sort(key=lambda entry: entry.encode("utf-16-be"))  # JavaScript compares UTF-16 code units
    return hashlib.sha256(json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def checked_public_key(pem: str) -> str:
    """Return the PEM of an RSA public key in its usual form; raise `BadPublicKey`."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError) as problem:
        raise BadPublicKey("Paste the public key as PEM, as `openssl rsa -pubout` writes it.") from problem
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise BadPublicKey(f"CodePush signs with RS256: register an RSA key of at least {MIN_KEY_BITS} bits.")
    return pem.strip() + "\n"


def require_signature(bundle_hash: str, token: str, public_key: str) -> None:
    """Raise `BundleUnsigned` unless the token signs this hash with the key's private half."""
    if not public_key:
        raise BundleUnsigned(
            "This deployment has no approved public key yet. Register the key that the app was built with, "
            "let a second person approve it, then release."
        )
    if not token:
        raise BundleUnsigned(
            f"The bundle has no {TOKEN}. Sign it: `code-push release-react ... --privateKeyPath private.pem`."
        )
    try:
        claims = jwt.decode(token, public_key, algorithms=["RS256"], options={"require": ["contentHash"]})
    except jwt.InvalidTokenError as problem:
        raise BundleUnsigned(
            f"The token in {TOKEN} is not signed by this deployment's key. Sign the bundle with the private key "
            "that belongs to the registered public key."
        ) from problem
    if claims["contentHash"] != bundle_hash:
        raise BundleUnsigned(
            f"The token in {TOKEN} signs other content than this. Sign again after the last change of the files."
        )


def make_difference(base: Mapping[str, str], target: Mapping[str, str], archive: Path, into: Path) -> None:
    """Write what a device with the base's files needs to have the target's; `archive` is the target's ZIP."""
    deleted = sorted(name for name in base if name not in target)
    changed = [name for name in sorted(target) if base.get(name) != target[name] or name.rpartition("/")[2] == TOKEN]
    _pack(archive, changed, into)
    with zipfile.ZipFile(into, "a", zipfile.ZIP_DEFLATED) as out:
        out.writestr(_entry(DELETED), json.dumps({"deletedFiles": deleted}, ensure_ascii=False))


def repack(archive: Path, files: Mapping[str, str], into: Path) -> None:
    """Write a ZIP of exactly these files of another one: nothing before, between or behind them."""
    _pack(archive, sorted(files), into)


def _pack(archive: Path, names: Sequence[str], into: Path) -> None:
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as out:
        entries = {_path(entry.filename): entry for entry in source.infolist() if not entry.is_dir()}
        for name in names:
            with source.open(entries[name]) as content, out.open(_entry(name), "w") as written:
                while chunk := content.read(_CHUNK):
                    written.write(chunk)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _refuse_long_directory(path: Path) -> None:
    """Raise `BadBundle` before `zipfile` reads a list of millions of entries into memory (APPNOTE.TXT, 4.3.16)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 16 or b"PK\x06\x07" in end:
        raise BadBundle("The upload is no ZIP, or one in the ZIP64 form, which no bundle needs.")
    if int.from_bytes(end[at + 12 : at + 16], "little") > MAX_DIRECTORY_BYTES:
        raise BadBundle(f"A bundle has 1 to {MAX_FILES} files.")


def _checked(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    for folder in (entry for entry in archive.infolist() if entry.is_dir()):
        _path(folder.filename.rstrip("/\\"))
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if not 0 < len(entries) <= MAX_FILES:
        raise BadBundle(f"A bundle has 1 to {MAX_FILES} files; this one has {len(entries)}.")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise BadBundle(f"Unpacked, a bundle has at most {MAX_UNPACKED_BYTES} bytes.")
    found: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for entry in entries:
        name = _path(entry.filename)
        if entry.flag_bits & 0x1 or entry.compress_type not in _PLAIN:
            raise BadBundle(f"{name!r} is encrypted or packed in an unusual way. Use a plain ZIP.")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise BadBundle(f"{name!r} is a link or no plain file.")
        if name.casefold() in folded:
            raise BadBundle(f"{name!r} stands in the ZIP twice, or differs from another path by case alone.")
        folded.add(name.casefold())
        found[name] = entry
    if DELETED in found:
        raise BadBundle(f"{DELETED} is the name that differences use; a bundle cannot have it.")
    return found


def _path(name: str) -> str:
    """Return the path with forward slashes, as stock tools read those of Windows; raise `BadBundle`."""
    path = name.replace("\\", "/")
    parts = path.split("/")
    is_bad = path.startswith("/") or any(part in ("", ".", "..") for part in parts) or ":" in parts[0]
    if is_bad or any(ord(letter) < 0x20 for letter in path) or len(path.encode(errors="replace")) > MAX_PATH_BYTES:
        raise BadBundle(f"{name[:100]!r} is no plain relative path.")
    return path


def _digest(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    limit = MAX_TOKEN_BYTES if entry.filename.rpartition("/")[2] == TOKEN else left
    with archive.open(entry) as content:
        for chunk in _chunks(content):
            size += len(chunk)
            if size > limit:
                raise BadBundle(f"{entry.filename!r} unpacks to more than is allowed.")
            hasher.update(chunk)
    return hasher.hexdigest(), size


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk


def _is_ignored(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in (".DS_Store", TOKEN)
