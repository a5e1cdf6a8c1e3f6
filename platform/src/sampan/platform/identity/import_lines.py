"""Reading customers from CSV or JSON lines, one line at a time. Pure but for the stream that comes in.

A line is one customer: no line breaks inside quotes. The first line of CSV names the columns.
"""

import csv
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec

from sampan.platform.errors import SampanError
from sampan.platform.identity.problems import ImportFormatUnknown, ImportLineInvalid
from sampan.platform.identity.tiers import Tier

MAX_LINE_BYTES = 65_536
MAX_REFERENCE = 128
PERSONAL = ("name", "phone", "email", "lang")
COLUMNS = ("bank_reference", "tier", *PERSONAL)
EXTRA = "extra."
CSV = "text/csv"
JSON_LINES = ("application/x-ndjson", "application/jsonl")


class ImportRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One customer of an import; what is left out stays as it is, and an empty text clears the field."""

    bank_reference: str
    tier: str | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    lang: str | None = None
    extra: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, and the row or the refusal that it holds."""

    number: int
    row: ImportRow | None = None
    refusal: SampanError | None = None


@dataclass(slots=True)
class CsvRows:
    """Reads CSV lines (RFC 4180, without line breaks in a field); the first call takes the header."""

    columns: list[str] = field(default_factory=list)

    def __call__(self, text: str) -> ImportRow | None:
        """Return the row of a line; None for the header."""
        try:
            cells = next(csv.reader([text], strict=True))
        except (csv.Error, StopIteration) as problem:
            raise ImportLineInvalid(f"Correct the CSV: {problem}; a field cannot hold a line break.") from problem
        if not self.columns:
            self.columns = _header(cells)
            return None
        if len(cells) != len(self.columns):
            raise ImportLineInvalid(f"The line has {len(cells)} fields, the header {len(self.columns)}.")
        values = dict(zip(self.columns, cells, strict=True))
        extra = {name[len(EXTRA) :]: value for name, value in values.items() if name.startswith(EXTRA)}
        known = {name: value for name, value in values.items() if not name.startswith(EXTRA)}
        if "tier" in known and not known["tier"]:
            del known["tier"]
        return _checked(ImportRow(**known, extra=extra or None))


def json_row(text: str) -> ImportRow:
    """Return the row of a line of JSON."""
    try:
        return _checked(msgspec.json.decode(text, type=ImportRow))
    except msgspec.DecodeError as problem:
        raise ImportLineInvalid(f"Correct the line: {problem}.") from problem


def reader_for(content_type: str) -> Callable[[str], ImportRow | None]:
    """Return what reads lines of this content type; raise `ImportFormatUnknown`."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == CSV:
        return CsvRows()
    if kind in JSON_LINES:
        return json_row
    raise ImportFormatUnknown(f"Send {CSV} with a header line, or {JSON_LINES[0]} with one object per line.")


async def read_lines(chunks: AsyncIterable[bytes], read: Callable[[str], ImportRow | None]) -> AsyncIterator[Line]:
    """Yield every line that is not blank, as a row or a refusal; memory is bounded by one line."""
    number = 0
    async for data in _split(chunks):
        number += 1
        text = data.decode("utf-8-sig" if number == 1 else "utf-8", errors="surrogateescape")
        if not text.strip():
            continue
        try:
            row = read(_readable(data, text))
        except ImportFormatUnknown:
            raise  # the header is wrong, so no line can be read
        except SampanError as refusal:
            yield Line(number, refusal=refusal)
            continue
        if row is not None:
            yield Line(number, row)


async def _split(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.rstrip(b"\r")
        rest = rest[: MAX_LINE_BYTES + 1]  # a longer line is refused anyway; memory stays bounded
    if rest:
        yield rest.rstrip(b"\r")


def _readable(data: bytes, text: str) -> str:
    if len(data) > MAX_LINE_BYTES:
        raise ImportLineInvalid(f"A line has at most {MAX_LINE_BYTES} bytes.")
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise ImportLineInvalid("Save the file as UTF-8.")
    return text


def _header(cells: list[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    unknown = [name for name in columns if name not in COLUMNS and not name.startswith(EXTRA)]
    if unknown or len(set(columns)) != len(columns) or "bank_reference" not in columns:
        raise ImportFormatUnknown(
            f"The first line names the columns, bank_reference among {', '.join(COLUMNS)} or extra.<name>, each once.",
            unknown=unknown,
        )
    return columns


def _checked(row: ImportRow) -> ImportRow:
    if not 0 < len(row.bank_reference) <= MAX_REFERENCE or not row.bank_reference.isprintable():
        raise ImportLineInvalid(f"bank_reference has 1 to {MAX_REFERENCE} printable characters.")
    if row.tier is not None:
        Tier.parse(row.tier)
    return row
