"""Whether a file is what its name says, judged by its first bytes (WHATWG MIME Sniffing and each format's own).

Text formats may hold anything but a known binary or an HTML page that a server sent in place of a script.
Programs for an operating system are refused under every name.
"""

from sampan.offline_packages.refusals import ExecutableContent, PackageRefused, TypeContradiction

HEAD_BYTES = 4096
"""How much of a file `contradiction` wants to see."""

_RIFF = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"wOFF", "woff"),
    (b"wOF2", "woff2"),
    (b"\x00\x01\x00\x00", "ttf"),
    (b"true", "ttf"),
    (b"ttcf", "ttc"),
    (b"OTTO", "otf"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x00asm", "wasm"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"fLaC", "flac"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
_NEEDS_BINARY = frozenset({"bmp", "ttf", "ttc", "otf", "woff", "woff2", "mp3", "ogg", "flac"})
"""Magics that are also plain words: they count only when a NUL byte follows soon."""
_EXECUTABLES: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "Linux"),
    (b"\xfe\xed\xfa\xce", "macOS"),
    (b"\xfe\xed\xfa\xcf", "macOS"),
    (b"\xce\xfa\xed\xfe", "macOS"),
    (b"\xcf\xfa\xed\xfe", "macOS"),
    (b"\xca\xfe\xba\xbe", "Java or macOS"),
    (b"dex\n03", "Android"),
    (b"!<arch>\n", "a linker"),
)
_BY_FIRST_BYTE: dict[int, list[tuple[bytes, str]]] = {}
for _magic, _name in _MAGICS:
    _BY_FIRST_BYTE.setdefault(_magic[0], []).append((_magic, _name))
_EXECUTABLE_STARTS = (*(magic for magic, _ in _EXECUTABLES), b"MZ", b"#!")
_ALLOWED = {
    "png": {"png"}, "jpg": {"jpeg"}, "jpeg": {"jpeg"}, "gif": {"gif"}, "webp": {"webp"}, "bmp": {"bmp"},
    "ico": {"ico", "png"}, "avif": {"mp4"}, "heic": {"mp4"}, "woff": {"woff"}, "woff2": {"woff2"},
    "ttf": {"ttf", "otf"}, "otf": {"otf", "ttf"}, "ttc": {"ttc"}, "pdf": {"pdf"}, "zip": {"zip"},
    "docx": {"zip"}, "xlsx": {"zip"}, "pptx": {"zip"}, "lottie": {"zip"}, "gz": {"gzip"}, "svgz": {"gzip"},
    "wasm": {"wasm"}, "ogg": {"ogg"}, "oga": {"ogg"}, "ogv": {"ogg"}, "mp3": {"mp3"}, "mp4": {"mp4"},
    "m4a": {"mp4"}, "m4v": {"mp4"}, "mov": {"mp4"}, "webm": {"webm"}, "mkv": {"webm"}, "wav": {"wav"},
    "flac": {"flac"}, "zst": {"zstd"},
}  # fmt: skip
_TEXT = frozenset(
    {"js", "mjs", "cjs", "css", "html", "htm", "xhtml", "json", "map", "txt", "md", "xml", "svg", "csv", "ts",
     "tsx", "jsx", "vue", "less", "scss", "yaml", "yml", "webmanifest", "vtt"}
)  # fmt: skip
_NOT_HTML = frozenset({"js", "mjs", "cjs", "css", "json", "map", "svg", "webmanifest"})
_SHEBANG_OK = frozenset({"js", "mjs", "cjs", "ts"})
_MARKUP = ("svg", "xml", "xhtml")


def contradiction(path: str, head: bytes) -> PackageRefused | None:
    """Return why `head`, the first `HEAD_BYTES` of the file, cannot belong to `path`; None when it can."""
    extension = _extension(path)
    if system := _executable(head, extension):
        return ExecutableContent(path, system=system)
    found = sniffed(head)
    if extension in _ALLOWED:
        is_right = found in _ALLOWED[extension]
        shown = found or ("an empty file" if not head else "something else")
        return None if is_right else TypeContradiction(path, expected=extension, found=shown)
    if extension in _TEXT:
        return _text_contradiction(path, extension, head, found)
    return None


def sniffed(head: bytes) -> str | None:
    """Return the name of the binary format that `head` starts, or None for text and unknown ones."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[:1] == b"\0" and head[4:8] == b"ftyp":
        return "mp4"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # MPEG audio, layer III
        return "mp3"
    for magic, name in _BY_FIRST_BYTE.get(head[0], ()) if head else ():
        if head.startswith(magic) and (name not in _NEEDS_BINARY or b"\0" in head[:512]):
            return name
    return None


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name[1:] else ""


def _executable(head: bytes, extension: str) -> str | None:
    if not head.startswith(_EXECUTABLE_STARTS):
        return None
    for magic, system in _EXECUTABLES:
        if head.startswith(magic):
            return system
    if head.startswith(b"MZ") and b"\0" in head[:64]:
        return "Windows"
    if head.startswith(b"#!") and extension not in _SHEBANG_OK:
        return "a command shell"
    return None


def _text_contradiction(path: str, extension: str, head: bytes, found: str | None) -> PackageRefused | None:
    if found is not None:
        return TypeContradiction(path, expected=extension, found=found)
    if b"\0" in head:
        return TypeContradiction(path, expected=extension, found="binary data")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if extension in _NOT_HTML and start.startswith((b"<!doctype html", b"<html")):
        return TypeContradiction(path, expected=extension, found="an HTML page")
    if extension in _MARKUP and start and not start.startswith(b"<"):
        return TypeContradiction(path, expected=extension, found="no markup")
    return None
