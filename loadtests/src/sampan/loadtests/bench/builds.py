"""H5 builds to measure with: made anew from a seed, shaped like what bundlers leave.

Two thirds are scripts, styles and data that deflate to about a quarter, one third is images that do not
deflate; files have 10 to 300 kB. Sizes count the files before deflating.
"""

import hashlib
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sampan.offline_packages import NewApp, pack

_SYLLABLES = (
    "ac", "co", "unt", "pay", "ment", "bal", "ance", "ro", "ute", "state", "ren", "der", "cou",
    "pon", "list", "item", "que", "ry", "tok", "en", "us", "er", "flow",
)  # fmt: skip
_LINES = (
    'const {0}=await this.$http.get("/{1}/{2}/"+{3}.id);if(!{0}||{0}.code!=={n}){{throw new Error("{4}")}}',
    "function {0}({1},{2}){{return {1}.map(({3})=>({{...{3},{4}:{2}[{3}.{5}]??{n},{6}:!{n}}}))}}",
    ".{0}-{1}__{2}{{display:flex;padding:{n}px 12px;color:#{n:06x};transition:all .{n}s}}",
    'e.createElement("div",{{className:"{0}-{1}",onClick:()=>{2}.{3}({n})}},t("{4}.{5}.{6}"))',
    '"{0}.{1}": {{"zh": "{2} {3}", "en": "{4} {5}", "order": {n}}},',
)
_PAGE = b"<!doctype html><html><head><title>Bench</title></head><body><div id=app></div></body></html>\n"
_PNG = b"\x89PNG\r\n\x1a\n"


def deflated_package(folder: Path, size_mb: int) -> Path:
    """Write a package of `size_mb` million bytes as a deflated ZIP, the form that publishers upload."""
    build = folder / f"build-{size_mb}"
    for path, content in _files(random.Random(size_mb), size_mb * 1_000_000):  # noqa: S311 - same every time
        target = build / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    app = NewApp(app_id=f"com.example.bench{size_mb}", version_name="1.0.0", sequence=1)
    packed = pack(build, folder / f"packed-{size_mb}", new_app=app)
    upload = folder / f"upload-{size_mb}.zip"
    with (
        zipfile.ZipFile(packed.archive_path) as stored,
        zipfile.ZipFile(upload, "w", zipfile.ZIP_DEFLATED) as deflated,
    ):
        for name in stored.namelist():
            deflated.writestr(name, stored.read(name))
    return upload


def small_app(state: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a mini-app of 0.8 MB as a bundler leaves them, at one of three moments.

    `first`; `text_fix`, one word in one chunk, which gets another name by its new hash; `new_view`, that and one more
    view with its style and picture.
    """
    chance = random.Random(5)  # noqa: S311 - same every time
    lines = _lines(chance)
    chunks = {name: chance.choices(lines, k=size) for name, size in (("vendor", 4500), ("index", 1500), ("pay", 600))}
    if state != "first":
        chunks["pay"][300] = chunks["pay"][300].replace("e", "i", 1)
    pictures = {f"picture-{number}": chance.randbytes(42_000) for number in range(6)}
    if state == "new_view":
        chunks["coupons"] = chance.choices(lines, k=500)
        chunks["index"][700:700] = chance.choices(lines, k=9)
        pictures["coupon"] = chance.randbytes(9_000)
    names = []
    for name, chosen in chunks.items():
        content = "\n".join(chosen).encode()
        names.append(f"assets/{name}-{hashlib.sha256(content).hexdigest()[:8]}.js")
        yield names[-1], content
    for name, content in pictures.items():
        yield f"assets/{name}.png", _PNG + content
    tags = "".join(f'<script type="module" src="/{name}"></script>' for name in names)
    yield "index.html", _PAGE.replace(b"</body>", tags.encode() + b"</body>")


def _files(chance: random.Random, size: int) -> Iterator[tuple[str, bytes]]:
    yield "index.html", _PAGE
    lines = _lines(chance)
    left, number = size - len(_PAGE), 0
    while left > 0:
        length, number = min(left, chance.randint(10_000, 300_000)), number + 1
        if number % 3 == 0:
            yield f"assets/picture-{number}.png", _PNG + chance.randbytes(max(0, length - len(_PNG)))
        else:
            text = "\n".join(chance.choices(lines, k=length // 60 + 1)).encode()[:length]
            yield f"assets/chunk-{number}.{chance.choice(('js', 'js', 'css', 'json'))}", text
        left -= length


def _lines(chance: random.Random) -> list[str]:
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(4000)]
    shapes = chance.choices(_LINES, k=20_000)
    return [shape.format(*chance.choices(words, k=7), n=chance.randrange(999)) for shape in shapes]
