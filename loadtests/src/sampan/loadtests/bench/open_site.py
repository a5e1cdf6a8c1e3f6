"""The mini-apps that bench `open` opens: H5 builds of a given size, and the same files straight over HTTP.

Three fifths of a site are script, as in real builds; the rest is style and pictures. A page tells its parent when it
has loaded, in the super-app's frame and in the reference's alike.
"""

import functools
import http.server
import json
import random
import struct
import threading
import zlib
from pathlib import Path
from typing import Self

_PICTURES = 6
_TOLD = 'addEventListener("load", () => parent.postMessage({ opened: location.host }, "*"));\n'
_FUNCTION = "function step{n}(value) {{ return value * {n} + {n}; }}\n"
_RULE = ".step-{n} {{ color: #123456; margin: {n}px }}\n"
_FRAME = '<!doctype html><html lang="en"><meta charset="utf-8"><title>direct</title><body></body></html>'


def write_site(folder: Path, name: str, size_bytes: int) -> None:
    """Write a build of about this size."""
    folder.mkdir(parents=True)
    pictures = [f"picture-{number}.png" for number in range(_PICTURES)]
    shown = "".join(f'<img src="{each}" width="40" height="40" alt="">' for each in pictures)
    script = '<script type="module" src="main.js"></script><link rel="stylesheet" href="main.css">'
    page = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>{script}</head>'
    (folder / "index.html").write_text(f"{page}<body><h1>{name}</h1>{shown}</body></html>\n")
    (folder / "main.js").write_text(_TOLD + _filled(_FUNCTION, size_bytes * 3 // 5))
    (folder / "main.css").write_text(_filled(_RULE, size_bytes // 10))
    for number, each in enumerate(pictures):
        (folder / each).write_bytes(_noise(number, size_bytes * 3 // 10 // _PICTURES))
    (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0"}))


def write_samples(folder: Path, sizes: dict[str, int]) -> None:
    """Write one site for each app id, and the file that `sampan demo seed --samples` reads."""
    apps = []
    for position, (app, size_bytes) in enumerate(sizes.items()):
        write_site(folder / app, app, size_bytes)
        texts = {"name_zh": app, "name_en": app, "text_zh": "用于测量", "text_en": "For measuring"}
        place = {"tier": "visitor", "category": "tools", "position": 900 + position}
        apps.append({"id": app, "folder": app, "plain": True, **place, **texts})
    (folder / "samples.json").write_text(json.dumps({"categories": [], "apps": apps}))


class DirectSites:
    """The same files as an ordinary web server gives them: revalidated by their times, kept in the browser's cache."""

    def __init__(self, folder: Path) -> None:
        (folder / "frame.html").write_text(_FRAME)
        handler = functools.partial(_Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


def _noise(seed: int, size_bytes: int) -> bytes:
    """Return a PNG of noise, which nothing compresses (PNG, third edition, 5)."""
    side = int((size_bytes / 3) ** 0.5)
    colours = random.Random(seed)  # noqa: S311 - a picture, the same in every run
    rows = b"".join(b"\0" + colours.randbytes(3 * side) for _ in range(side))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _filled(line: str, size_bytes: int) -> str:
    lines: list[str] = []
    length = 0
    while length < size_bytes:
        lines.append(line.format(n=len(lines)))
        length += len(lines[-1])
    return "".join(lines)
