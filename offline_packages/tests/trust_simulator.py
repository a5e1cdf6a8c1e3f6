"""A trust tree that signs on the fly and is served over HTTP on this machine; the test's hands are the thief's.

Everything is made by the product's own functions, so what the clients below verify is what the server publishes.
Each `steal_*`/`serve_*` method does what a holder of some key, or of the mirror, could do.
"""

import copy
import http.server
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuf.api.metadata import MetaFile, Snapshot, Targets, Timestamp

from sampan.offline_packages import NewApp, PackageReader, pack, package_digest, parse_index
from sampan.offline_packages.control import Control, Killed, Rollback, Stack
from sampan.offline_packages.device import Device
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.fetching import Fetch, FetchFailed
from sampan.offline_packages.hotfix import Hotfix, derive, make_hotfix
from sampan.offline_packages.publishing import next_app_body, next_hotfix_body, signed_version
from sampan.offline_packages.roles import (
    SignedHotfix,
    SignedVersion,
    app_role,
    control_path,
    hotfix_paths,
    index_path,
    package_path,
)
from sampan.offline_packages.signed_bytes import read_body, sign_body
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.trust.bodies import (
    first_targets,
    make_root,
    next_control_body,
    next_snapshot,
    next_timestamp,
    with_app,
)

DAY_MS = 86_400_000
ENDLESS = b"endless"


class Simulator:
    """One tree. `files` is all that the mirror serves, by path below `/trust/demo/intl/`."""

    def __init__(self, folder: Path, *, tree: str = "demo/intl") -> None:
        self.folder = folder
        self.tree = tree
        self.now_ms = int(time.time() * 1000)
        self.officers = [PrivateKey.generate("es256") for _ in range(3)]
        self.snapshot_key, self.timestamp_key, self.control_key, self.review = (PrivateKey.generate() for _ in range(4))
        self.publishers: dict[str, PrivateKey] = {}
        self.files: dict[str, bytes] = {}
        self.versions: dict[str, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.controls: dict[str, bytes] = {}
        self.hotfixes: dict[tuple[str, int, int], tuple[Hotfix, bytes]] = {}
        self.snapshot: Snapshot | None = None
        self.timestamp: Timestamp | None = None
        root = make_root(
            tree,
            [officer.public for officer in self.officers],
            snapshot=self.snapshot_key.public,
            timestamp=self.timestamp_key.public,
            now_ms=self.now_ms,
        )
        self.root = sign_body(root, *self.officers[:2])
        self.files["metadata/1.root.json"] = self.root
        self.put_targets(first_targets(tree, control=self.control_key.public, now_ms=self.now_ms))
        self.put_control_role()

    def fork(self) -> "Simulator":
        """Return the same tree with the same keys, to go another way."""
        other = copy.copy(self)
        for name in ("publishers", "files", "versions", "bodies", "controls", "hotfixes"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    @property
    def targets(self) -> Targets:
        return read_body(self.bodies["targets"], Targets)

    def put(self, role: str, data: bytes, *, version: int | None = None) -> None:
        """Publish a role file under the version it carries (or another one)."""
        self.bodies[role] = data
        self.versions[role] = version or read_body(data, Targets).version
        self.files[f"metadata/{self.versions[role]}.{role}.json"] = data

    def put_targets(self, body: Targets) -> None:
        self.put("targets", sign_body(body, self.officers[0], self.officers[2]))

    def put_control_role(self, *, now_ms: int | None = None) -> None:
        current = read_body(self.bodies["control"], Targets) if "control" in self.bodies else None
        body = next_control_body(current, self.controls, tree=self.tree, now_ms=now_ms or self.now_ms)
        self.put("control", sign_body(body, self.control_key))

    def add_app(self, app_id: str, publisher: PrivateKey | None = None) -> PrivateKey:
        """Have two officers delegate a new app."""
        key = self.publishers[app_id] = publisher or PrivateKey.generate()
        self.put_targets(
            with_app(self.targets, app_id, publisher=key.public, review=self.review.public, now_ms=self.now_ms)
        )
        return key

    def build(self, app_id: str, sequence: int, *, floor: int = 0) -> SignedVersion:
        """Pack the folder `<app>-<sequence>` (a small H5 app unless it is there) and put its targets on the mirror."""
        source = self.folder / f"{app_id}-{sequence}"
        source.mkdir(parents=True, exist_ok=True)
        if not (source / "index.html").exists():
            (source / "index.html").write_text(f"<!doctype html><title>{app_id} {sequence}</title>")
        new = NewApp(app_id=app_id, version_name=f"1.0.{sequence}", sequence=sequence)
        packed = pack(source, self.folder / f"{app_id}-{sequence}-out", new_app=new)
        archive = packed.archive_path.read_bytes()
        version = signed_version(
            app_id,
            sequence,
            version=f"1.0.{sequence}",
            index=packed.index_bytes,
            package_digest=digest(archive),
            package_bytes=len(archive),
            floor=floor,
        )
        self.serve_target(index_path(app_id, sequence), packed.index_bytes)
        self.serve_target(package_path(app_id, sequence), archive)
        return version

    def next_body(self, version: SignedVersion) -> Targets:
        role = app_role(version.app)
        current = read_body(self.bodies[role], Targets) if role in self.bodies else None
        return next_app_body(current, version, tree=self.tree, now_ms=self.now_ms)

    def publish(
        self, app_id: str, sequence: int, *, floor: int = 0, signers: Sequence[PrivateKey] | None = None
    ) -> SignedVersion:
        """Publish a version with publisher's and review signature (or with others), without a new snapshot."""
        version = self.build(app_id, sequence, floor=floor)
        keys = signers if signers is not None else (self.publishers[app_id], self.review)
        self.put(app_role(app_id), sign_body(self.next_body(version), *keys))
        return version

    def publish_hotfix(
        self, app_id: str, sequence: int, n: int, changes: Mapping[str, bytes | None], *, on: Sequence[int] = ()
    ) -> Stack:
        """Publish a hotfix, both parties signing; return the stack that it gives together with `on`."""
        index_bytes, archive = self.package(app_id, sequence, *on)
        archive_path = self.folder / f"{app_id}-{sequence}-now.ma"
        archive_path.write_bytes(archive)
        with PackageReader(parse_index(index_bytes), archive_path) as reader:
            now = {entry.path: reader.read(entry.path) for entry in reader.index.files}
        base, _ = self.package(app_id, sequence)
        made = make_hotfix(parse_index(base), package_digest(base), now, changes, n=n, on=on)
        self.put_hotfix(app_id, sequence, n, made[0].to_bytes(), made[1])
        self.hotfixes[app_id, sequence, n] = made
        return self.stack(app_id, sequence, *on, n)

    def put_hotfix(self, app_id: str, sequence: int, n: int, document: bytes, content: bytes) -> None:
        """Sign any bytes as a hotfix and put them on the mirror, without a new snapshot."""
        signed = SignedHotfix(app_id, sequence, n, digest(document), len(document), digest(content), len(content))
        current = read_body(self.bodies[app_role(app_id)], Targets)
        body = next_hotfix_body(current, signed, tree=self.tree, now_ms=self.now_ms)
        self.put(app_role(app_id), sign_body(body, self.publishers[app_id], self.review))
        for path, data in zip(hotfix_paths(app_id, sequence, n), (document, content), strict=True):
            self.serve_target(path, data)

    def package(self, app_id: str, sequence: int, *numbers: int) -> tuple[bytes, bytes]:
        """Return index and archive of a version with these hotfixes."""
        out = self.folder / f"{app_id}-{sequence}-out"
        index = parse_index(next(out.glob("*.index.json")).read_bytes())
        with PackageReader(index, next(out.glob("*.ma"))) as reader:
            return derive(index, reader, [self.hotfixes[app_id, sequence, n] for n in numbers])

    def stack(self, app_id: str, sequence: int, *numbers: int) -> Stack:
        """Return what control says of these hotfixes."""
        index, _ = self.package(app_id, sequence, *numbers)
        return Stack(sequence, tuple(str(n) for n in numbers), package_digest(index))

    def set_control(
        self,
        app_id: str,
        serial: str,
        *,
        offerable: Sequence[int] = (),
        killed: Sequence[Killed] = (),
        rollback: Sequence[Rollback] = (),
        stacks: Sequence[Stack] = (),
        max_offline_days: int | None = None,
    ) -> Control:
        """Sign another control file for an app."""
        control = Control(
            app_id,
            serial,
            tuple(offerable),
            tuple(killed),
            tuple(stacks),
            tuple(rollback),
            max_offline_days=max_offline_days,
        )
        self.set_control_bytes(app_id, control.to_bytes())
        return control

    def set_control_bytes(self, app_id: str, data: bytes) -> None:
        self.controls[app_id] = data
        self.serve_target(control_path(app_id), data)
        self.put_control_role()

    def commit(self, *, now_ms: int | None = None) -> None:
        """Make all of it visible: one snapshot, one timestamp."""
        moment = now_ms or self.now_ms
        self.snapshot = next_snapshot(self.snapshot, self.versions, tree=self.tree, now_ms=moment)
        self.serve_snapshot(self.snapshot, now_ms=moment)

    def serve_snapshot(self, snapshot: Snapshot, *, now_ms: int | None = None) -> None:
        """Sign and serve any snapshot with a fresh timestamp: the power of whoever holds both online keys."""
        self.snapshot = snapshot
        data = sign_body(snapshot, self.snapshot_key)
        self.files[f"metadata/{snapshot.version}.snapshot.json"] = data
        self.serve_timestamp(data, snapshot.version, now_ms=now_ms)

    def serve_timestamp(self, snapshot: bytes, version: int, *, now_ms: int | None = None) -> None:
        self.timestamp = next_timestamp(
            self.timestamp,
            snapshot,
            snapshot_version=version,
            tree=self.tree,
            audit={"seq": 1},
            now_ms=now_ms or self.now_ms,
        )
        self.files["metadata/timestamp.json"] = sign_body(self.timestamp, self.timestamp_key)

    def serve_target(self, path: str, data: bytes, *, under: str | None = None) -> None:
        """Serve bytes as a target, under their own digest or a false one."""
        folder, _, name = path.rpartition("/")
        self.files[f"targets/{folder}/{(under or digest(data)).partition(':')[2]}.{name}"] = data

    def steal_snapshot(self, changes: dict[str, int | None]) -> None:
        """With the stolen online keys, list other versions of roles (None: leave the role out)."""
        assert self.snapshot is not None
        forged = Snapshot(self.snapshot.version + 1, None, self.snapshot.expires, dict(self.snapshot.meta))
        forged.unrecognized_fields = dict(self.snapshot.unrecognized_fields)
        for role, version in changes.items():
            forged.meta.pop(f"{role}.json")
            if version is not None:
                forged.meta[f"{role}.json"] = MetaFile(version)
        self.serve_snapshot(forged)


class MemoryFetch:
    """Hands out a dictionary without a network; `log` holds (url, offset); `breaks_after` cuts each answer."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.is_online = True
        self.breaks_after: int | None = None
        self.log: list[tuple[str, int]] = []

    def __call__(self, url: str, max_length: int, offset: int = 0) -> Iterator[bytes]:
        self.log.append((url, offset))
        if not self.is_online:
            raise FetchFailed("no network")
        data = self.files.get(url.removeprefix("http://mirror/"))
        if data is None:
            raise FetchFailed("not there", 404)
        for start in range(offset, len(data), 4096):
            if self.breaks_after is not None and start - offset >= self.breaks_after:
                raise FetchFailed("the line broke")
            yield data[start : start + 4096]


def device(folder: Path, simulator: Simulator, fetch: Fetch, base_url: str = "http://mirror") -> Device:
    """A device that trusts this simulator's root."""
    tree = TrustedTree(folder / "trust", base_url=base_url, tree=simulator.tree, root=simulator.root, fetch=fetch)
    return Device(tree, DeviceStore(folder / "store"), fetch)


@contextmanager
def served(files: dict[str, bytes], log: list[str] | None = None) -> Iterator[str]:
    """Serve a dictionary on 127.0.0.1; yields the tree's base URL. The value `ENDLESS` never stops coming."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: files, log))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(files: Callable[[], dict[str, bytes]], log: list[str] | None) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if log is not None:
                log.append(self.path)
            data = files().get(self.path.lstrip("/"))
            if data is None:
                self.send_error(404)
            elif data is ENDLESS:
                self._endless()
            else:
                self._answer(data)

        def _answer(self, data: bytes) -> None:
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(match[1]) if match else 0
            self.send_response(206 if match else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start:])

        def _endless(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing."""

    return Handler
