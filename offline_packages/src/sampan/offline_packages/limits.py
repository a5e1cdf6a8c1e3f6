"""How much a package may hold. The bank sets its own policy; these are the values without one."""

from msgspec import Struct

MAX_NAME_BYTES = 255
"""One name, in UTF-8 (W3C MiniApp Packaging, file names)."""
MAX_PATH_BYTES = 1024
"""One path, in UTF-8. W3C allows 65,535; no file system here opens a path that long."""
MAX_DEPTH = 32
"""Names in one path. It bounds what checking ten thousand hostile paths costs."""
MAX_MANIFEST_BYTES = 256 * 1024
MAX_SEQUENCE = 2**53 - 1
MAX_STACK = 32
"""Hotfixes on one version at a time."""
MAX_ARCHIVE_BYTES = 2**31
"""Below this no ZIP writer needs ZIP64, which packages do not use."""


class Policy(Struct, frozen=True, kw_only=True):
    """Limits of intake and packing; sizes in bytes, counted after inflating unless the name says upload."""

    max_upload_bytes: int = 256 * 1024 * 1024
    max_package_bytes: int = 256 * 1024 * 1024
    max_file_bytes: int = 128 * 1024 * 1024
    max_files: int = 10_000
    max_ratio: int = 200
    """How many times its compressed size a file may have, once it is larger than `ratio_free_bytes`."""
    ratio_free_bytes: int = 1024 * 1024
    reported_files: int = 20
    """How many of the largest files a size refusal lists."""

    def __post_init__(self) -> None:
        """Refuse a policy that the format cannot carry."""
        if not 0 < self.max_package_bytes < MAX_ARCHIVE_BYTES - 64 * 1024 * 1024:
            raise ValueError("max_package_bytes must be positive and below 1.9 GiB")
        if not 0 < self.max_files < 65_535:
            raise ValueError("max_files must be positive and below 65,535")
