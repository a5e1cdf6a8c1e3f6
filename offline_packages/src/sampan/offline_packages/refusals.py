# ruff: noqa: D101 - the sentence of each refusal says what its docstring would
"""Why a package is refused: one named error per rule, each with a stable code and a sentence for people.

The table in `docs/protocols/package.md` lists exactly these classes; a test keeps the two equal.
A path inside a message has been made printable: it came from a stranger.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from sampan.platform.errors import Invalid

_SHOWN_CHARACTERS = 200


def printable(text: str) -> str:
    """Return `text` with everything that could disturb a terminal or a log escaped, and cut when very long."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:_SHOWN_CHARACTERS])
    return shown if len(text) <= _SHOWN_CHARACTERS else f"{shown}…"


class PackageRefused(Invalid):
    """The base of every refusal of a package, its archive, its index or the folder it is made from."""

    code = "package_refused"
    title = "The package is refused"
    sentence: ClassVar[str] = "The package is refused."

    def __init__(self, path: str | None = None, **facts: Any) -> None:
        facts = {key: printable(value) if isinstance(value, str) else value for key, value in facts.items()}
        self.path = None if path is None else printable(path)
        if self.path is not None:
            facts["path"] = self.path
        shown = {"path": "", **{key: value for key, value in facts.items() if not isinstance(value, list)}}
        super().__init__(self.sentence.format_map(shown), **facts)


def all_refusals() -> Iterator[type[PackageRefused]]:
    """Yield every refusal there is, in the order of their definition (for the documentation and its test)."""
    pending = list(PackageRefused.__subclasses__())
    while pending:
        refusal = pending.pop(0)
        pending[:0] = refusal.__subclasses__()
        yield refusal


# The container -------------------------------------------------------------------------------------------


class NotAZip(PackageRefused):
    code = "zip_not_a_zip"
    sentence = "This is not a ZIP file; upload the .ma file that `sampan pack` wrote."


class ZipTruncated(PackageRefused):
    code = "zip_truncated"
    sentence = "The ZIP file ends too early ({reason}); upload it again."


class ZipTrailingData(PackageRefused):
    code = "zip_trailing_data"
    sentence = "There are bytes after the end of the ZIP file; pack it again without them."


class ZipPrependedData(PackageRefused):
    code = "zip_prepended_data"
    sentence = "There are bytes before the first file of the ZIP; pack it again without them."


class ZipComment(PackageRefused):
    code = "zip_comment"
    sentence = "The ZIP carries a comment, which could hide a second directory; pack it again without one."


class ZipGap(PackageRefused):
    code = "zip_gap"
    sentence = "There are bytes after {path} in the ZIP that belong to no file (a signing block counts too)."


class ZipOverlap(PackageRefused):
    code = "zip_overlap"
    sentence = "The data of {path} overlaps that of another entry; one file would have two contents."


class ZipSpanned(PackageRefused):
    code = "zip_spanned"
    sentence = "The ZIP is one part of several; send it as a single file."


class Zip64Used(PackageRefused):
    code = "zip_zip64"
    sentence = "The ZIP uses the ZIP64 extension, which packages under 4 GiB do not need; pack it without."


class ZipEncrypted(PackageRefused):
    code = "zip_encrypted"
    sentence = "{path} is encrypted; packages are public files, so send it in the clear."


class ZipMethod(PackageRefused):
    code = "zip_method"
    sentence = "{path} uses compression method {method}; only 0 (stored) and 8 (deflated) are read."


class ZipVersion(PackageRefused):
    code = "zip_version"
    sentence = "{path} needs ZIP version {version}; packages use at most 2.0."


class ZipFlags(PackageRefused):
    code = "zip_flags"
    sentence = "{path} sets ZIP flags {flags} that a package must not use."


class ZipExtraField(PackageRefused):
    code = "zip_extra_field"
    sentence = "{path} carries an extra field ({field}) that is broken or would change its name or meaning."


class ZipHeaderMismatch(PackageRefused):
    code = "zip_header_mismatch"
    sentence = "The two headers of {path} disagree about its {field}; two readers would see two packages."


class ZipDirectoryBroken(PackageRefused):
    code = "zip_directory_broken"
    sentence = "The directory of the ZIP cannot be read ({reason}); pack it again."


class ZipDescriptorMismatch(PackageRefused):
    code = "zip_descriptor_mismatch"
    sentence = "The data descriptor after {path} is missing or says something else than the directory."


class ZipDataCorrupt(PackageRefused):
    code = "zip_data_corrupt"
    sentence = "The compressed data of {path} is broken; pack and upload it again."


class ZipChecksum(PackageRefused):
    code = "zip_checksum"
    sentence = "The content of {path} does not match its CRC-32; pack and upload it again."


# Names ---------------------------------------------------------------------------------------------------


class PathNotUtf8(PackageRefused):
    code = "path_not_utf8"
    sentence = "The name {path} is not UTF-8 (or is not marked so); rename the file or set the UTF-8 flag."


class PathEscapes(PackageRefused):
    code = "path_escapes"
    sentence = "{path} points outside the package; every path must lie inside it, without '.' and '..' parts."


class PathAbsolute(PackageRefused):
    code = "path_absolute"
    sentence = "{path} is an absolute path; every path must be relative to the root of the package."


class PathBackslash(PackageRefused):
    code = "path_backslash"
    sentence = "{path} contains a backslash; separate folders with '/'."


class PathCharacter(PackageRefused):
    code = "path_character"
    sentence = "{path} contains {character}, which file names of a package must not contain; rename the file."


class PathEndsWithDot(PackageRefused):
    code = "path_ends_with_dot"
    sentence = "A name in {path} ends with '.', which some systems drop; rename it."


class PathTooLong(PackageRefused):
    code = "path_too_long"
    sentence = "{path} is too long: a path may have {limit} bytes in UTF-8."


class NameTooLong(PackageRefused):
    code = "path_name_too_long"
    sentence = "A name in {path} is too long: one name may have {limit} bytes in UTF-8."


class PathTooDeep(PackageRefused):
    code = "path_too_deep"
    sentence = "{path} lies too deep: a path may have {limit} names."


class PathReserved(PackageRefused):
    code = "path_reserved"
    sentence = "{path} lies in a folder that the platform itself serves (_shared, _sampan); move the file."


class PathDuplicate(PackageRefused):
    code = "path_duplicate"
    sentence = "{path} occurs twice; every file may occur once."


class PathClash(PackageRefused):
    code = "path_clash"
    sentence = "{path} and {other} differ only in case or accents' spelling; rename one of them."


class PathFileAndFolder(PackageRefused):
    code = "path_file_and_folder"
    sentence = "{path} is both a file and a folder; rename one of them."


class NotARegularFile(PackageRefused):
    code = "path_not_a_file"
    sentence = "{path} is a link, a device or another special file; packages hold plain files only."


# Sizes and contents --------------------------------------------------------------------------------------


class UploadTooLarge(PackageRefused):
    code = "size_upload"
    sentence = "The upload has {size} bytes, {limit} are allowed; see `files` for what is big."


class PackageTooLarge(PackageRefused):
    code = "size_package"
    sentence = "The files together have {size} bytes, {limit} are allowed; see `files` for what is big."


class FileTooLarge(PackageRefused):
    code = "size_file"
    sentence = "{path} has {size} bytes, {limit} are allowed for one file."


class TooManyFiles(PackageRefused):
    code = "size_count"
    sentence = "The package has {count} entries, {limit} are allowed."


class CompressionBomb(PackageRefused):
    code = "size_bomb"
    sentence = "{path} grows more than {limit}-fold when unpacked, as decompression bombs do; send it stored."


class SizeLie(PackageRefused):
    code = "size_lie"
    sentence = "{path} does not have the size that the ZIP declares; pack and upload it again."


class ExecutableContent(PackageRefused):
    code = "type_executable"
    sentence = "{path} is a program for {system}; a package holds web content only."


class TypeContradiction(PackageRefused):
    code = "type_contradiction"
    sentence = "{path} is not what its name says: expected {expected}, found {found}; rename or replace it."


# Manifest and layout -------------------------------------------------------------------------------------


class ManifestMissing(PackageRefused):
    code = "manifest_missing"
    sentence = "There is no manifest.json at the root of the package; `sampan pack` makes one."


class ManifestNotJson(PackageRefused):
    code = "manifest_not_json"
    sentence = "manifest.json is not JSON in UTF-8 with unique keys: {reason}."


class ManifestTooLarge(PackageRefused):
    code = "manifest_too_large"
    sentence = "manifest.json has more than {limit} bytes."


class ManifestInvalid(PackageRefused):
    code = "manifest_invalid"
    sentence = "manifest.json breaks {count} rule(s); the first: {first} See `problems` for all."


class ManifestForeign(PackageRefused):
    code = "manifest_foreign"
    sentence = (
        "manifest.json has no app_id: it looks like a browser's web app manifest. Rename it (and its link in"
        " index.html), or write a MiniApp manifest."
    )


class LayoutFileMissing(PackageRefused):
    code = "layout_file_missing"
    sentence = "{path} is missing at the root of the package; it may be empty, but it must be there."


class LayoutPageMissing(PackageRefused):
    code = "layout_page_missing"
    sentence = "The manifest lists a page whose file {path} is not in the package."


class LayoutPagesFolder(PackageRefused):
    code = "layout_pages_folder"
    sentence = "There is no pages/ folder; only a package whose one page is `index` may do without."


class LayoutSubPackageEmpty(PackageRefused):
    code = "layout_sub_package_empty"
    sentence = "No file lies under {path}, which the manifest names as the root of a sub-package."


# Index ---------------------------------------------------------------------------------------------------


class IndexNotCanonical(PackageRefused):
    code = "index_not_canonical"
    sentence = "The index is not canonical JSON: {reason}."


class IndexInvalid(PackageRefused):
    code = "index_invalid"
    sentence = "The index breaks the format: {reason}."


class ArchiveMismatch(PackageRefused):
    code = "archive_mismatch"
    sentence = "The archive is not the one that the index describes ({reason})."


# Packing a folder ----------------------------------------------------------------------------------------


class FolderNotPackable(PackageRefused):
    code = "folder_not_packable"
    sentence = "{path} has neither a manifest.json nor an index.html; name the folder with the built app."


class AppIdNeeded(PackageRefused):
    code = "folder_needs_app_id"
    sentence = "The folder has no manifest.json, so say which app it is: `sampan pack FOLDER --id APP_ID`."


class OutputDiffers(PackageRefused):
    code = "folder_holds_another"
    sentence = "{path} is there already and is another sequence; give another version name or folder, or overwrite it."


class FolderChanged(PackageRefused):
    code = "folder_changed"
    sentence = "{path} changed while it was packed; pack again when the build is finished."
