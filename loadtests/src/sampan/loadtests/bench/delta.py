"""Deltas between real releases of npm packages and between builds of a mini-app, beside what else could be sent.

Reference sizes: the deflate-9 ZIP that simple platforms send, and the Zstandard copy that a new device of ours fetches.
The npm packages are fetched by `npm pack` and kept in `~/.cache/sampan/npm`; source maps are left out.
"""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import zstandard
from msgspec import Struct

from sampan.loadtests.bench.builds import small_app
from sampan.loadtests.bench.harness import CannotRun, Session
from sampan.offline_packages import NewApp, pack
from sampan.offline_packages.delta import LEVEL, apply_delta, make_delta
from sampan.offline_packages.index import ArchiveEntry

CACHE = Path.home() / ".cache" / "sampan" / "npm"
PAIRS = (
    ("vue", "3.5.12", "3.5.13", "dist"),
    ("swagger-ui-dist", "5.17.13", "5.17.14", ""),
    ("three", "0.169.0", "0.170.0", "build"),
    ("antd", "5.21.0", "5.21.1", "dist"),
)
FLEET = ("vue", "dist", ("3.5.8", "3.5.9", "3.5.10", "3.5.11", "3.5.12"), "3.5.13")
DEVICES = 10_000


class Built(Struct, frozen=True):
    """One version, packed: its canonical archive and files by digest."""

    archive: bytes
    files: dict[str, bytes]

    @property
    def zip_bytes(self) -> int:
        """Return the size of the deflate-9 ZIP of the files."""
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
                for name, content in self.files.items():
                    packed.writestr(name, content)
            return file.tell()

    @property
    def zstd_bytes(self) -> int:
        """Return the size of the archive's compressed copy."""
        return len(zstandard.ZstdCompressor(level=LEVEL).compress(self.archive))

    def reuse_bytes(self, old: "Built") -> int:
        """Return what a device fetches that keeps the files it has, each changed file compressed on its own."""
        known = {hashlib.sha256(content).digest() for content in old.files.values()}
        changed = [content for content in self.files.values() if hashlib.sha256(content).digest() not in known]
        return sum(len(zstandard.ZstdCompressor(level=LEVEL).compress(content)) for content in changed)


def run(session: Session) -> None:
    """Make and apply every delta; each result is compared with the signed archive by `apply_delta` itself."""
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as name:
        folder = Path(name)
        worst_zip = worst_zstd = 0.0
        for label, old, new in _pairs(folder):
            of_zip, of_zstd = _pair(session, label, old, new)
            if label != "app_text_fix":
                worst_zip, worst_zstd = max(worst_zip, of_zip), max(worst_zstd, of_zstd)
            else:
                session.state("text_fix_percent_of_zip", of_zip, at_most=0.3)
        session.state("worst_patch_percent_of_zip", worst_zip, at_most=5)
        session.state("worst_patch_percent_of_zstd", worst_zstd, at_most=12)
        if session.quick:
            session.skip("fleet", "--quick leaves out the 10,000 devices on five versions")
        else:
            _fleet(session, folder)


def _pair(session: Session, label: str, old: Built, new: Built) -> tuple[float, float]:
    began = time.process_time()
    delta = make_delta(old.archive, new.archive)
    made = time.process_time() - began
    began = time.process_time()
    apply_delta(old.archive, delta, entry_of(new.archive))
    applied = time.process_time() - began
    zip_bytes, zstd_bytes = new.zip_bytes, new.zstd_bytes
    session.state(f"{label}_delta_bytes", len(delta))
    session.state(f"{label}_reuse_bytes", new.reuse_bytes(old))
    session.state(f"{label}_zstd_bytes", zstd_bytes)
    session.state(f"{label}_zip_bytes", zip_bytes)
    session.state(f"{label}_make_cpu_s", made)
    session.state(f"{label}_apply_cpu_ms", 1000 * applied)
    of_zip, of_zstd = 100 * len(delta) / zip_bytes, 100 * len(delta) / zstd_bytes
    session.say(f"{label}: {len(delta):,} bytes, {of_zip:.2f} % of the ZIP, {of_zstd:.2f} % of what a new device gets")
    return of_zip, of_zstd


def _fleet(session: Session, folder: Path) -> None:
    """10,000 devices spread evenly over five old versions: bytes in all, by delta, by reuse and whole."""
    name, part, old_versions, target = FLEET
    new = _npm(folder, name, target, part)
    by_delta = by_reuse = 0
    for version in old_versions:
        old = _npm(folder, name, version, part)
        by_delta += len(make_delta(old.archive, new.archive)) * DEVICES // len(old_versions)
        by_reuse += new.reuse_bytes(old) * DEVICES // len(old_versions)
    session.state("fleet_delta_bytes", by_delta)
    session.state("fleet_reuse_bytes", by_reuse)
    session.state("fleet_whole_bytes", new.zstd_bytes * DEVICES)
    session.state("fleet_zip_bytes", new.zip_bytes * DEVICES)


def entry_of(archive: bytes) -> ArchiveEntry:
    """Return what a signed index says of an archive."""
    return ArchiveEntry(len(archive), hashlib.sha256(archive).hexdigest())


def _pairs(folder: Path) -> Iterator[tuple[str, Built, Built]]:
    for name, old, new, part in PAIRS:
        yield name.partition("-")[0], _npm(folder, name, old, part), _npm(folder, name, new, part)
    yield "app_text_fix", _app(folder, "first"), _app(folder, "text_fix")
    yield "app_new_view", _app(folder, "text_fix"), _app(folder, "new_view")


def _npm(folder: Path, name: str, version: str, part: str) -> Built:
    source = _fetched(name, version) / "package" / part
    build = folder / f"{name}-{version}"
    if not build.exists():
        shutil.copytree(source, build, ignore=shutil.ignore_patterns("*.map"))
        (build / "index.html").write_text("<!doctype html><title>Bench</title>\n")
    return _packed(build)


def _fetched(name: str, version: str) -> Path:
    folder = CACHE / f"{name}-{version}"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as aside:
        command = ["npm", "pack", f"{name}@{version}", "--silent", "--pack-destination", aside]
        done = subprocess.run(command, cwd=aside, stdout=subprocess.DEVNULL, timeout=120)  # noqa: S603 - our own package
        archives = list(Path(aside).glob("*.tgz"))
        if done.returncode or not archives:
            raise CannotRun(f"npm could not fetch {name}@{version}: this bench needs an npm registry once.")
        with tarfile.open(archives[0]) as packed:
            packed.extractall(Path(aside) / "out", filter="data")
        (Path(aside) / "out").replace(folder)
    return folder


def _app(folder: Path, state: str) -> Built:
    build = folder / f"app-{state}"
    if not build.exists():
        for path, content in small_app(state):
            (build / path).parent.mkdir(parents=True, exist_ok=True)
            (build / path).write_bytes(content)
    return _packed(build)


def _packed(build: Path) -> Built:
    app = NewApp(app_id="com.example.bench", version_name="1.0.0", sequence=1)
    packed = pack(build, build.parent / f"packed-{build.name}", new_app=app)
    files = {path.relative_to(build).as_posix(): path.read_bytes() for path in build.rglob("*") if path.is_file()}
    return Built(packed.archive_path.read_bytes(), files)
