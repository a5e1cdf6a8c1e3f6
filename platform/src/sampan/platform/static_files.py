"""Files of a built web page in memory: every encoding of each, its headers, and the answer to a request for it.

A build leaves `x.js`, and beside it `x.js.br` and `x.js.gz`; all three are one file here. Files below `assets/`
carry the hash of their content in their name and never change; all others are asked for anew each time.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from starlette.types import Scope, Send

from sampan.platform.hot import header

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # the better one first
IMMUTABLE = b"public, max-age=31536000, immutable"
ASK_AGAIN = b"no-cache"
HARDENING = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

Headers = tuple[tuple[bytes, bytes], ...]


class Variant(Struct, frozen=True):
    """The bytes of a file in one encoding."""

    body: bytes
    etag: bytes
    headers: Headers


class StaticFile(Struct, frozen=True):
    """One file in every encoding that there is; the key of the plain one is the empty string."""

    variants: Mapping[str, Variant]
    is_page: bool

    def variant_for(self, accept_encoding: bytes) -> Variant:
        """Return the smallest encoding that the client takes."""
        accepted = accepted_encodings(accept_encoding)
        return next((found for name, found in self.variants.items() if name in accepted), self.variants[""])


def accepted_encodings(value: bytes) -> frozenset[str]:
    """Return the encodings of an Accept-Encoding header that are not refused by `q=0` (RFC 9110, 12.5.3)."""
    found = set()
    for item in value.decode("latin-1").lower().split(","):
        name, _, weight = item.partition(";")
        if weight.replace(" ", "").rstrip("0") not in ("q=", "q=0."):
            found.add(name.strip())
    return frozenset(found)


def read_folder(folder: Path) -> dict[str, StaticFile]:
    """Return every file below a folder by its path with slashes; nothing when the folder is not there."""
    if not folder.is_dir():
        return {}
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name: _read(folder, name, names) for name in sorted(names) if not _is_encoded(name, names)}


def file_from(body: bytes, suffix: str, *, cache: bytes = ASK_AGAIN) -> StaticFile:
    """Return a file of bytes that were made, not read."""
    return StaticFile({"": _variant(body, "", suffix, cache, vary=False)}, is_page=suffix == ".html")


async def send_file(file: StaticFile, scope: Scope, send: Send, more: Headers, *, status: int = 200) -> None:
    """Answer a GET or HEAD request with the file, or 304 when the client has it."""
    variant = file.variant_for(header(scope, b"accept-encoding") or b"")
    headers = [*variant.headers, *HARDENING, *more]
    if status == 200 and is_match(header(scope, b"if-none-match"), variant.etag):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers.append((b"content-length", str(len(variant.body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else variant.body})


def is_match(if_none_match: bytes | None, etag: bytes) -> bool:
    """Whether If-None-Match names the tag; weak comparison, as RFC 9110 13.1.2 wants it."""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return etag in tags or b"*" in tags


def _is_encoded(name: str, names: set[str]) -> bool:
    return any(name.endswith(ending) and name.removesuffix(ending) in names for _, ending in ENCODINGS)


def _read(folder: Path, name: str, names: set[str]) -> StaticFile:
    suffix = Path(name).suffix
    cache = IMMUTABLE if name.startswith("assets/") else ASK_AGAIN
    endings = [(encoding, ending) for encoding, ending in ENCODINGS if name + ending in names]
    variants = {
        encoding: _variant((folder / (name + ending)).read_bytes(), encoding, suffix, cache, vary=bool(endings))
        for encoding, ending in (*endings, ("", ""))
    }
    return StaticFile(variants, is_page=suffix == ".html")


def _variant(body: bytes, encoding: str, suffix: str, cache: bytes, *, vary: bool) -> Variant:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
    content_type = TYPES.get(suffix, "application/octet-stream").encode()
    headers = [(b"content-type", content_type), (b"cache-control", cache), (b"etag", etag)]
    if encoding:
        headers.append((b"content-encoding", encoding.encode()))
    if vary:
        headers.append((b"vary", b"accept-encoding"))
    return Variant(body, etag, tuple(headers))
