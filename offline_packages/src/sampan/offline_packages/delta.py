"""Deltas: the archive of one version, written as a difference to the archive of an earlier one.

A delta is one Zstandard frame (RFC 8878) that was compressed at level 19 with the earlier archive as its raw content
dictionary. Both archives are stored, not deflated: two deflated ones of nearly equal files have little in common.

A delta is transport and nobody signs it. What comes out is believed when it is byte for byte the archive that the
signed index names; whatever else happens, the device fetches files or the whole archive. docs/protocols/delta.md.
"""

import hashlib

import zstandard

from sampan.offline_packages.index import ArchiveEntry
from sampan.platform.errors import Invalid

MAX_ARCHIVE_BYTES = 64 * 1024 * 1024
"""Of either archive: a browser holds both and the result in memory."""
LEVEL = 19
_WINDOW_LOGS = (10, 27)


class DeltaRefused(Invalid):
    """The bytes are no delta from this archive to that one; what they give is thrown away."""

    code = "delta_refused"
    title = "The delta does not fit"


def make_delta(base: bytes, target: bytes) -> bytes:
    """Return the delta from one archive to another; the same bytes for the same release of the library.

    Takes about 0.5 s of one core for each million bytes. Raises `DeltaRefused` when an archive is too large.
    """
    _check_size(len(base))
    _check_size(len(target))
    least, most = _WINDOW_LOGS
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        source_size=len(target),
        dict_size=len(base),
        window_log=max(least, min(most, (len(base) + len(target)).bit_length())),
        enable_ldm=True,
        write_content_size=True,
        write_dict_id=False,
    )
    return zstandard.ZstdCompressor(dict_data=_dictionary(base), compression_params=parameters).compress(target)


def apply_delta(base: bytes, delta: bytes, target: ArchiveEntry) -> bytes:
    """Return the archive `target` of a signed index; raise `DeltaRefused` unless the delta gives exactly that.

    The size that the delta announces is compared before anything is inflated.
    """
    _check_size(target.size)
    try:
        announced = zstandard.get_frame_parameters(delta).content_size
        if announced != target.size:
            raise DeltaRefused(f"The delta announces {announced} bytes where the archive has {target.size}.")
        made = zstandard.ZstdDecompressor(dict_data=_dictionary(base)).decompress(
            delta, max_output_size=target.size, allow_extra_data=False
        )
    except zstandard.ZstdError as problem:
        raise DeltaRefused("The delta is damaged or made from another archive.") from problem
    if len(made) != target.size or hashlib.sha256(made).hexdigest() != target.sha256:
        raise DeltaRefused("What the delta gives is not the signed archive.")
    return made


def _check_size(size: int) -> None:
    if size > MAX_ARCHIVE_BYTES:
        raise DeltaRefused(f"Archives above {MAX_ARCHIVE_BYTES:,} bytes have no deltas; this one has {size:,}.")


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
