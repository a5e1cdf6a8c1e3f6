"""The object engine: bytes under a key, durable when the call returns, readable in ranges.

`LocalObjects` is the embedded implementation: one file per object below a root folder. A file is written
aside, synced, put in its place in one step, and its folder is synced too; so after a power cut an object is
there whole or not at all.
"""

import asyncio
import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import ClassVar, Protocol

from msgspec import Struct

from sampan.platform.engines.database import StorageFull
from sampan.platform.engines.keys import Key, checked
from sampan.platform.engines.threads import opened, uninterrupted
from sampan.platform.errors import Conflict, Invalid, NotFound, TooLarge

CHUNK_BYTES = 256 * 1024
INCOMING = ".incoming"
FOLDERS_REMEMBERED = 10_000
EXIT_FSYNC_FAILED = 74  # EX_IOERR of sysexits.h

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ObjectMissing(NotFound):
    """Nothing is stored under the key."""

    code: ClassVar[str] = "object_missing"


class ObjectDiffers(Conflict):
    """Other bytes are stored under a key that is written only once."""

    code: ClassVar[str] = "object_differs"


class ObjectTooLarge(TooLarge):
    """The object is larger than the caller is ready to hold in memory."""

    code: ClassVar[str] = "object_too_large"


class KeyTaken(Conflict):
    """The key is a folder of other objects, or one of its folders is an object (local files only)."""

    code: ClassVar[str] = "object_key_taken"


class BadRange(Invalid):
    """The range does not lie within the object."""

    code: ClassVar[str] = "object_range"


class Objects(Protocol):
    """Bytes by key. A `put` is durable when it returns; readers see the old bytes or the new, never a mix."""

    @property
    def incoming(self) -> Path:
        """A folder for files that are still being built for `put_file`; emptied by `sweep`."""

    async def put(self, key: Key, data: bytes) -> None:
        """Store `data`, replacing what was there; without room raise `StorageFull` and change nothing."""

    async def put_file(self, key: Key, path: Path) -> None:
        """Store the closed file at `path` and take it away from there; otherwise like `put`."""

    async def put_new(self, key: Key, data: bytes) -> None:
        """Store `data` once: equal bytes under the key are fine, others raise `ObjectDiffers`."""

    async def put_new_file(self, key: Key, path: Path) -> None:
        """Store the closed file at `path` once and take it away from there; otherwise like `put_new`."""

    async def get(self, key: Key, max_bytes: int) -> bytes:
        """Return the whole object; raise `ObjectMissing`, or `ObjectTooLarge` when it is over `max_bytes`."""

    def read(self, key: Key, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, in chunks of at most 256 KiB.

        All chunks come from one state of the object. Raise `ObjectMissing` or `BadRange` before the first.
        Who may stop early, by an error or by being cancelled, reads within `contextlib.aclosing`.
        """

    async def size(self, key: Key) -> int:
        """Return the size in bytes; raise `ObjectMissing`."""

    async def exists(self, key: Key) -> bool:
        """Whether something is stored under the key."""

    async def delete(self, key: Key) -> None:
        """Remove the object; removing what is not there is no error."""

    def keys(self, prefix: Key) -> AsyncIterator[Key]:
        """Yield the keys below `prefix`, in no promised order; `w/demo/a` does not match `w/demo/ab`."""

    def local_path(self, key: Key) -> Path | None:
        """Return where a server may read the object as a file of its own, or None when it lies elsewhere.

        No file is touched: the path may not exist. The file is never changed in place, only replaced.
        """


def exit_process(problem: OSError) -> None:
    """End the process: after a failed fsync nobody knows what is on the disk (Rebello et al., ATC 2020)."""
    sys.stderr.write(f"sampan: fsync failed ({problem}); ending, so that nothing is promised that may be lost\n")
    sys.stderr.flush()
    os._exit(EXIT_FSYNC_FAILED)


class LocalObjects:
    """Objects as files below `root`, which belongs to this server alone (folders 0700, files 0600)."""

    def __init__(self, root: Path, *, on_fsync_failure: Callable[[OSError], None] = exit_process) -> None:
        self._root = root.absolute()
        self._on_fsync_failure = on_fsync_failure
        self._durable_folders: set[Path] = set()
        self.incoming = self._root / INCOMING
        self.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root.chmod(0o700)

    def sweep(self) -> int:
        """Remove what crashes left half-built and return how many; call at start, before anything writes."""
        leftovers = list(self.incoming.iterdir())
        for leftover in leftovers:
            shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()
        return len(leftovers)

    async def put(self, key: Key, data: bytes) -> None:
        """See `Objects.put`."""
        await uninterrupted(self._put, self._path(key), data, False)

    async def put_file(self, key: Key, path: Path) -> None:
        """See `Objects.put_file`."""
        await uninterrupted(self._put_file, self._path(key), path, False)

    async def put_new(self, key: Key, data: bytes) -> None:
        """See `Objects.put_new`."""
        await uninterrupted(self._put, self._path(key), data, True)

    async def put_new_file(self, key: Key, path: Path) -> None:
        """See `Objects.put_new_file`."""
        await uninterrupted(self._put_file, self._path(key), path, True)

    async def get(self, key: Key, max_bytes: int) -> bytes:
        """See `Objects.get`."""
        return await asyncio.to_thread(_get, self._path(key), key, max_bytes)

    async def read(self, key: Key, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """See `Objects.read`."""
        async with opened(_begin_reading, self._path(key), key, start, end) as reading:
            chunk, position = reading.first, start
            while chunk:
                yield chunk
                position += len(chunk)
                if position == reading.stop:
                    break
                chunk = await uninterrupted(_read_chunk, reading.file, position, reading.stop)

    async def size(self, key: Key) -> int:
        """See `Objects.size`."""
        return await asyncio.to_thread(_size, self._path(key), key)

    async def exists(self, key: Key) -> bool:
        """See `Objects.exists`."""
        return await asyncio.to_thread(_is_file, self._path(key))

    async def delete(self, key: Key) -> None:
        """See `Objects.delete`."""
        await uninterrupted(self._delete, self._path(key))

    async def keys(self, prefix: Key) -> AsyncIterator[Key]:
        """See `Objects.keys`."""
        folders = [self._path(prefix)]
        while folders:
            below, names = await asyncio.to_thread(_list, folders.pop())
            folders += below
            for path in names:
                yield Key(path.relative_to(self._root).as_posix())

    def local_path(self, key: Key) -> Path | None:
        """See `Objects.local_path`."""
        return self._path(key)

    def _path(self, key: Key) -> Path:
        return self._root / checked(key)

    def _put(self, target: Path, data: bytes, once: bool) -> None:
        aside = self.incoming / secrets.token_hex(16)
        with _named_errors(), _removed_at_last(aside):
            with _create(aside) as descriptor:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                self._sync_file(descriptor)
            self._place(aside, target, once)

    def _put_file(self, target: Path, source: Path, once: bool) -> None:
        aside = self.incoming / secrets.token_hex(16)
        with _named_errors(), _removed_at_last(aside):
            self._take(source, aside)
            self._place(aside, target, once)
            source.unlink(missing_ok=True)

    def _take(self, source: Path, aside: Path) -> None:
        """Bring the file into the store's own folder: by a second name where possible, else by copying.

        The first name goes only once the object stands, so that a refusal leaves the caller's file alone.
        """
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with FileIO(descriptor, "rb") as original:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(source))
            try:
                os.link(source, aside, follow_symlinks=False)
                os.fchmod(descriptor, 0o600)
                self._sync_file(descriptor)
            except OSError as problem:
                if problem.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                    raise
                with _create(aside) as copy, FileIO(copy, "wb", closefd=False) as file:
                    shutil.copyfileobj(original, file, CHUNK_BYTES)
                    self._sync_file(copy)

    def _place(self, aside: Path, target: Path, once: bool) -> None:
        self._make_folders(target.parent)
        if not once:
            aside.replace(target)
        else:
            try:
                os.link(aside, target, follow_symlinks=False)
            except FileExistsError:
                if not _same_bytes(aside, target):
                    raise ObjectDiffers(
                        "Other bytes stand under this name, which is written only once. Use a new version."
                    ) from None
        self._sync_folder(target.parent)

    def _make_folders(self, folder: Path) -> None:
        """Make the folders down to `folder` and sync each into its parent, once per process.

        A folder that stands is not enough: another thread, or a server that was killed, may have made it
        without its entry being on the disk yet.
        """
        if folder in self._durable_folders or folder == self._root:
            return
        self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._sync_folder(folder.parent)
        if len(self._durable_folders) >= FOLDERS_REMEMBERED:
            self._durable_folders.clear()
        self._durable_folders.add(folder)

    def _delete(self, target: Path) -> None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            target.unlink()
            self._sync_folder(target.parent)

    def _sync_file(self, descriptor: int) -> None:
        try:
            os.fsync(descriptor)
        except OSError as problem:
            if problem.errno not in _NO_ROOM:  # no room: nothing points to this file yet, it is thrown away
                self._on_fsync_failure(problem)
            raise

    def _sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as problem:
            self._on_fsync_failure(problem)
            raise
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _create(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _removed_at_last(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as problem:
        raise KeyTaken("One of the two names is a folder of the other. Choose another name.") from problem
    except OSError as problem:
        if problem.errno in _NO_ROOM:
            raise StorageFull("The server's disk is full. Free room, then try again; nothing was changed.") from problem
        raise


@contextlib.contextmanager
def _missing(key: Key) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as problem:
        raise ObjectMissing("Nothing is stored under this name.", key=key) from problem


def _open(path: Path, key: Key) -> tuple[FileIO, int]:
    """Open an object and return it with its size; the open file keeps its bytes even when it is replaced."""
    with _missing(key):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return FileIO(descriptor, "rb"), os.fstat(descriptor).st_size
        except BaseException:
            os.close(descriptor)
            raise


class _Reading(Struct, frozen=True):
    """An object that is being read up to `stop`, and its first chunk."""

    file: FileIO
    first: bytes
    stop: int

    def close(self) -> None:
        self.file.close()


def _begin_reading(path: Path, key: Key, start: int, end: int | None) -> _Reading:
    """Open, check the range and read its first chunk: one visit to a thread is all that a small object takes."""
    file, size = _open(path, key)
    try:
        stop = size if end is None else end
        if not 0 <= start <= stop <= size:
            raise BadRange("The range does not lie within the object.", start=start, end=end, size=size)
        return _Reading(file, _read_chunk(file, start, stop) if start < stop else b"", stop)
    except BaseException:
        file.close()
        raise


def _read_chunk(file: FileIO, position: int, stop: int) -> bytes:
    chunk = os.pread(file.fileno(), min(CHUNK_BYTES, stop - position), position)
    if not chunk:
        raise OSError(errno.EIO, "the stored file became shorter while it was read")
    return chunk


def _get(path: Path, key: Key, max_bytes: int) -> bytes:
    file, size = _open(path, key)
    with file:
        if size > max_bytes:
            raise ObjectTooLarge(f"The stored object has {size} bytes, over the limit of {max_bytes}.", size=size)
        return file.readall()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _size(path: Path, key: Key) -> int:
    with _missing(key):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(path)
        return status.st_size


def _list(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files in `folder`; nothing when it is not there."""
    folders: list[Path] = []
    files: list[Path] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            (folders if is_folder else files).append(Path(entry.path))
    return folders, files


def _same_bytes(left: Path, right: Path) -> bool:
    """Whether two files hold equal bytes; `filecmp` may answer from sizes and times alone."""
    with left.open("rb") as one, right.open("rb") as other:
        while True:
            chunk = one.read(CHUNK_BYTES)
            if chunk != other.read(CHUNK_BYTES):
                return False
            if not chunk:
                return True
