"""Looking for keys and passwords that a build carried along. Runs after acceptance; never shows a secret whole.

Words are cut out of the text once and each is judged alone, so the scan is linear however long the lines are.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

from sampan.offline_packages.archive import PackageReader
from sampan.offline_packages.findings import MAX_FINDINGS_PER_FILE, Finding, Lines, Severity, findings_cut

MAX_SCANNED_BYTES = 16 * 1024 * 1024
_WORD = re.compile(r"[A-Za-z0-9_.-]{16,}")
_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY( BLOCK)?-----")
_ASSIGNED = re.compile(
    r"(?:passw(?:or)?d|secret|token|api_?key|access_?key|private_?key|app_?key)"
    r"[\"'`]?\s{0,4}[:=]\s{0,4}[\"'`]([A-Za-z0-9+/=_.!@#$%^&*-]{12,200})[\"'`]",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"://[A-Za-z0-9._-]{1,64}:([^\s/@\"'`:]{4,100})@")
_RULES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("AKIA", "an AWS access key", re.compile(r"AKIA[0-9A-Z]{16}")),
    ("ASIA", "an AWS session key", re.compile(r"ASIA[0-9A-Z]{16}")),
    ("LTAI", "an Alibaba Cloud access key", re.compile(r"LTAI[0-9A-Za-z]{12,26}")),
    ("AKID", "a Tencent Cloud secret id", re.compile(r"AKID[0-9A-Za-z]{13,40}")),
    ("ALTAK", "a Baidu Cloud access key", re.compile(r"ALTAK[0-9A-Za-z]{21}")),
    ("AKLT", "a Volcengine or Kingsoft Cloud access key", re.compile(r"AKLT[0-9A-Za-z_-]{16,60}")),
    ("JDC_", "a JD Cloud access key", re.compile(r"JDC_[0-9A-Z]{25,40}")),
    ("AIza", "a Google API key", re.compile(r"AIza[0-9A-Za-z_-]{35}")),
    ("ghp_", "a GitHub token", re.compile(r"ghp_[0-9A-Za-z]{36,}")),
    ("gho_", "a GitHub token", re.compile(r"gho_[0-9A-Za-z]{36,}")),
    ("github_pat_", "a GitHub token", re.compile(r"github_pat_[0-9A-Za-z_]{22,}")),
    ("glpat-", "a GitLab token", re.compile(r"glpat-[0-9A-Za-z_-]{20,}")),
    ("npm_", "an npm token", re.compile(r"npm_[0-9A-Za-z]{36}")),
    ("xox", "a Slack token", re.compile(r"xox[abprs]-[0-9A-Za-z-]{10,}")),
    ("sk_live_", "a Stripe key", re.compile(r"sk_live_[0-9A-Za-z]{16,}")),
)
_FIRST_LETTERS = frozenset(prefix[0] for prefix, _, _ in _RULES) | {"e"}
_MIN_ENTROPY = 3.5
"""Bits per character; words and placeholders lie below, random base64 of this length above."""
_BINARY_PROBE_BYTES = 4096


def scan_secrets(reader: PackageReader) -> list[Finding]:
    """Return what looks like a secret, with file and line; binary files are passed over."""
    findings: list[Finding] = []
    for entry in reader.index.files:
        head = next(reader.chunks(entry.path, _BINARY_PROBE_BYTES), b"")
        if b"\0" in head:
            continue
        if entry.size > MAX_SCANNED_BYTES:
            message = f"With {entry.size} bytes it is too large to be searched for secrets."
            findings.append(
                Finding(code="secret_not_scanned", severity=Severity.WARNING, message=message, file=entry.path)
            )
        else:
            findings.extend(scan_text(entry.path, reader.read(entry.path).decode("utf-8", "replace")))
    return findings


def scan_text(path: str, text: str) -> list[Finding]:
    """Return the findings of one text, in the order of their lines."""
    kinds = (_blocks(text), _words(text), _assignments(text))
    hits = sorted(hit for kind in kinds for hit in itertools.islice(kind, MAX_FINDINGS_PER_FILE + 1))
    lines = Lines(text)
    findings = []
    for position, code, severity, what in hits[:MAX_FINDINGS_PER_FILE]:
        message = f"This looks like {what}. Remove it from the build and replace it where it is used."
        findings.append(
            Finding(code=code, severity=Severity(severity), message=message, file=path, line=lines.at(position))
        )
    return [*findings, findings_cut(path)] if len(hits) > MAX_FINDINGS_PER_FILE else findings


def masked(secret: str) -> str:
    """Return enough of a secret to find it again, and no more: its first four characters and its length."""
    return f"{secret[:4]}… ({len(secret)} characters)"


_Hit = tuple[int, str, str, str]


def _blocks(text: str) -> Iterator[_Hit]:
    for match in _KEY_BLOCK.finditer(text):
        yield (
            match.start(),
            "secret_private_key",
            Severity.ERROR.value,
            f"a private key ({match[1].strip() or 'PKCS#8'})",
        )
    for match in _IN_URL.finditer(text):
        yield match.start(), "secret_in_url", Severity.WARNING.value, "a password inside an address"


def _words(text: str) -> Iterator[_Hit]:
    for match in _WORD.finditer(text):
        position = match.start()
        pieces = match[0].split(".")
        if len(pieces) >= 3 and _is_jwt(pieces):
            yield position, "secret_jwt", Severity.WARNING.value, f"a signed token (JWT), {masked(match[0])}"
        for piece in pieces:
            if piece[:1] in _FIRST_LETTERS and (what := _known_key(piece)):
                yield position, "secret_cloud_key", Severity.ERROR.value, f"{what}, {masked(piece)}"
            position += len(piece) + 1


def _is_jwt(pieces: list[str]) -> bool:
    return any(
        one.startswith("eyJ") and two.startswith("eyJ") and len(one) > 12 and len(two) > 12 and len(three) > 12
        for one, two, three in zip(pieces, pieces[1:], pieces[2:], strict=False)
    )


def _known_key(piece: str) -> str | None:
    for prefix, what, pattern in _RULES:
        if piece.startswith(prefix) and pattern.fullmatch(piece):
            return what
    return None


def _assignments(text: str) -> Iterator[_Hit]:
    for match in _ASSIGNED.finditer(text):
        value = match[1]
        if _entropy(value) >= _MIN_ENTROPY and any(c.isdigit() for c in value):
            what = f"a secret written into the source, {masked(value)}"
            yield match.start(), "secret_assigned", Severity.WARNING.value, what


def _entropy(text: str) -> float:
    """Return the Shannon entropy of the characters, in bits."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
