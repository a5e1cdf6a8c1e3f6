"""The same files under another sequence: a new archive in which `version.code` of the manifest alone differs.

The result is byte for byte what `pack(folder, sequence=...)` writes from the same folder.
"""

import zlib
from pathlib import Path

from sampan.offline_packages.appearing import appearing
from sampan.offline_packages.archive import CHUNK_BYTES, ArchiveWriter, PackageReader
from sampan.offline_packages.index import PackageIndex
from sampan.offline_packages.packing import renumbered_manifest
from sampan.offline_packages.required_files import MANIFEST


def renumber(archive: Path, index: PackageIndex, *, sequence: int, out_path: Path) -> None:
    """Write the archive of `index` to `out_path` with another sequence in its manifest, whole or not at all.

    Raises `ArchiveMismatch` when `archive` is not the one of `index`, `ManifestNotJson` when the manifest cannot
    be rewritten. Nothing is checked beyond that: give the result to `intake`.
    """
    with (
        PackageReader(index, archive) as reader,
        appearing(out_path) as temporary,
        temporary.open("xb", buffering=CHUNK_BYTES) as sink,
    ):
        writer = ArchiveWriter(sink)
        for entry in index.files:
            if entry.path == MANIFEST:
                data = renumbered_manifest(reader.read(MANIFEST), sequence)
                writer.start(MANIFEST, crc=zlib.crc32(data), size=len(data))
                writer.write(data)
                continue
            writer.start(entry.path, crc=_checksum(reader, entry.path), size=entry.size)
            for chunk in reader.chunks(entry.path):
                writer.write(chunk)
        writer.finish()


def _checksum(reader: PackageReader, path: str) -> int:
    crc = 0
    for chunk in reader.chunks(path):
        crc = zlib.crc32(chunk, crc)
    return crc
