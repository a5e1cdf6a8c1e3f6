"""What a hotfix is made on: a published version with the hotfixes that are live, by the pinned root.

Nothing of it is the console's word: index, archive and hotfixes are fetched from the trust tree and compared with
the digests that the publisher and the reviewer signed.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from sampan.offline_packages import PackageIndex, PackageReader, parse_index
from sampan.offline_packages.fetching import FetchFailed, HttpFetch
from sampan.offline_packages.hotfix import Hotfix, parse_hotfix, write_stack
from sampan.offline_packages.roles import AppRole, hotfix_paths, index_path, package_path, read_app_role
from sampan.offline_packages.trust_errors import BytesDiffer, NotListed, Unreachable
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.cli.pinned_roots import Place, trusted
from sampan.platform.crypto.digest import digest


class Base(Struct, frozen=True):
    """A version as signed: its index, the package digest, and where its archive lies for now."""

    index: PackageIndex
    digest: str
    archive: Path
    stack: Sequence[tuple[Hotfix, bytes]]

    @contextlib.contextmanager
    def files(self) -> Iterator[Mapping[str, bytes]]:
        """Give the files with the stack applied, each read when it is asked for."""
        patched = self.archive.with_suffix(".patched")
        with PackageReader(self.index, self.archive) as reader, patched.open("xb") as sink:
            index = write_stack(self.index, reader, self.stack, sink)
        with PackageReader(index, patched) as reader:
            yield _Files(reader)


class _Files(Mapping[str, bytes]):
    def __init__(self, reader: PackageReader) -> None:
        self._reader = reader

    def __getitem__(self, path: str) -> bytes:
        return self._reader.read(path)

    def __iter__(self) -> Iterator[str]:
        return (entry.path for entry in self._reader.index.files)

    def __len__(self) -> int:
        return len(self._reader.index.files)


@contextlib.contextmanager
def fetched_base(place: Place, app_id: str, sequence: int, on: Sequence[int]) -> Iterator[Base]:
    """Give a published version and the hotfixes `on`, verified; its files are gone afterwards.

    Raises `NotListed`, `RootNotPinned`, another `TrustRefused` or `Unreachable`.
    """
    tree = trusted(place)
    body = tree.app_body(app_id)
    if body is None:
        raise NotListed(f"{app_id} has no published version yet, so there is nothing to mend.")
    role = read_app_role(body, app_id, place.tree)
    version = role.version(sequence)
    index = _fetched(tree, index_path(app_id, sequence), version.index_digest, version.index_bytes)
    stack = [_hotfix(tree, role, sequence, n) for n in on]
    with tempfile.TemporaryDirectory(prefix="sampan-") as name:
        archive = Path(name) / "package.ma"
        archive.write_bytes(
            _fetched(tree, package_path(app_id, sequence), version.package_digest, version.package_bytes)
        )
        yield Base(parse_index(index), version.index_digest, archive, stack)


def _hotfix(tree: TrustedTree, role: AppRole, sequence: int, n: int) -> tuple[Hotfix, bytes]:
    signed = role.hotfixes.get((sequence, n))
    if signed is None:
        raise NotListed(f"Hotfix {n} of {role.app} {sequence} is not published. Name others with --on, or none.", n=n)
    document, content = hotfix_paths(role.app, sequence, n)
    hotfix = parse_hotfix(_fetched(tree, document, signed.doc_digest, signed.doc_bytes))
    return hotfix, _fetched(tree, content, signed.bin_digest, signed.bin_bytes)


def _fetched(tree: TrustedTree, path: str, wanted: str, size: int) -> bytes:
    try:
        data = b"".join(HttpFetch()(tree.target_url(path, wanted), size))
    except FetchFailed as problem:
        raise Unreachable(f"{path} cannot be fetched: {problem}. Try again.") from problem
    if digest(data) != wanted:
        raise BytesDiffer(f"{path} is not what was signed; the server, or something between, gives other bytes.")
    return data
