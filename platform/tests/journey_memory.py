"""Search for private keys where they must not be: in every file of a folder and in a running process's memory."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

from sampan.platform.crypto.keys import PrivateKey

CHUNK_BYTES = 8 * 2**20
SEED_BYTES = 32


def spellings(key: PrivateKey) -> dict[str, bytes]:
    """Return the forms in which an Ed25519 private key could lie about."""
    der = key.pkcs8()
    seed = der[-SEED_BYTES:]
    assert PrivateKey.from_pkcs8(der).public == key.public
    return {
        "seed": seed,
        "seed in hex": seed.hex().encode(),
        "seed in base64": base64.b64encode(seed).rstrip(b"="),
        "seed in base64url": base64.urlsafe_b64encode(seed).rstrip(b"="),
        "PKCS#8": der,
        "PEM": base64.b64encode(der)[:60],
    }


def found_in_files(folder: Path, needles: Iterable[bytes]) -> list[tuple[Path, bytes]]:
    """Return which file holds which needle; the files include databases and their write-ahead logs."""
    wanted = list(needles)
    return [
        (path, needle)
        for path in folder.rglob("*")
        if path.is_file()
        for data in [path.read_bytes()]
        for needle in wanted
        if needle in data
    ]


def found_in_memory(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """Return the needles that lie in the readable memory of a process."""
    wanted, found = list(needles), set()
    overlap = max(map(len, wanted))
    for start, end in _regions(pid):
        for data in _read(pid, start, end, overlap):
            found |= {needle for needle in wanted if needle in data}
    return found


def _regions(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, rights, *_ = line.split()
        if rights.startswith("r") and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            start, _, end = place.partition("-")
            yield int(start, 16), int(end, 16)


def _read(pid: int, start: int, end: int, overlap: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for offset in range(start, end, CHUNK_BYTES):
            try:
                memory.seek(offset)
                yield memory.read(min(CHUNK_BYTES + overlap, end - offset))
            except (OSError, OverflowError, ValueError):
                return  # a region that was given back meanwhile, or that the kernel keeps to itself
