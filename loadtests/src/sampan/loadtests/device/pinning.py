"""The root that a device starts from. A real app is built with it; this one may take the first that it is shown."""

from pathlib import Path

from sampan.offline_packages.atomic_files import read_or_none, write_atomically
from sampan.offline_packages.fetching import Fetch, FetchFailed
from sampan.offline_packages.trust_errors import Unreachable

MAX_ROOT_BYTES = 512_000


def pinned_root(folder: Path, tree_url: str, fetch: Fetch, built_in: bytes | None) -> bytes:
    """Return the pinned root; the first call pins `built_in`, or what the server shows. Raises `Unreachable`.

    Whoever stands between device and server at that first call can show a root of their own: outside of tests
    and demos, give the root.
    """
    path = folder / "pinned.root.json"
    pinned = read_or_none(path)
    if pinned is None:
        pinned = built_in if built_in is not None else _first_root(tree_url, fetch)
        write_atomically(path, pinned)
    return pinned


def _first_root(tree_url: str, fetch: Fetch) -> bytes:
    try:
        return b"".join(fetch(f"{tree_url}/metadata/1.root.json", MAX_ROOT_BYTES))
    except FetchFailed as problem:
        missing = "its officers must sign it first" if problem.status == 404 else str(problem)
        raise Unreachable(f"The tree has no root to start from: {missing}.") from problem
    except OSError as problem:
        raise Unreachable(f"The tree's first root cannot be fetched: {problem}.") from problem
