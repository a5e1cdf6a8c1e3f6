"""The audit chain as pure rules: the hash of a row, and a check that finds what was done to the rows.

Row n's hash covers its whole content, its number and the hash of row n-1. An edited, removed, inserted or
reordered row breaks a link. A tail that was cut, or a chain that was rewritten to its end, breaks no link:
it is found by *witnesses*, heads that left the database earlier (exported files, `x-sampan-audit` of a
`timestamp.json`). Imports neither database nor clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sampan.platform.crypto.canonical import canonical_json, parse_canonical
from sampan.platform.crypto.digest import digest

GENESIS = "sha256:" + "0" * 64
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row; `detail` is canonical JSON as stored, `at_ms` milliseconds since the epoch, UTC."""

    workspace_id: str
    n: int
    at_ms: int
    actor_kind: str
    person_id: str
    operator_id: str
    via: str
    action: str
    target: str
    detail: bytes
    previous: str
    hash: str

    def content(self) -> dict[str, Any]:
        """Return what the hash covers, as a JSON value; raise `NotCanonical` when `detail` is not canonical."""
        return {
            "workspace": self.workspace_id,
            "n": self.n,
            "at_ms": self.at_ms,
            "actor": {
                "kind": self.actor_kind,
                "person": self.person_id,
                "operator": self.operator_id,
                "via": self.via,
            },
            "action": self.action,
            "target": self.target,
            "detail": parse_canonical(self.detail),
            "previous": self.previous,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number of its last row and that row's hash; (0, GENESIS) for none."""

    n: int
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Return the form that `timestamp.json` and the exported files carry."""
        return {"n": self.n, "hash": self.hash}


EMPTY = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at row `n`."""

    code: str
    n: int
    sentence: str


def row_hash(row: AuditRow) -> str:
    """Return the hash that the row must carry."""
    return digest(canonical_json(row.content()))


@dataclass(slots=True)
class ChainCheck:
    """Checks rows fed in the order of their numbers, page by page, and tells every problem found."""

    workspace_id: str
    witnesses: Mapping[int, str] = field(default_factory=dict)
    head: Head = EMPTY
    checked: int = 0
    problems: list[Problem] = field(default_factory=list)

    def feed(self, rows: Iterable[AuditRow]) -> None:
        """Check the next rows."""
        for row in rows:
            self._check(row)
            self.head = Head(row.n, row.hash)
            self.checked += 1

    def finish(self, *, expected_n: int | None = None) -> list[Problem]:
        """Close the check; `expected_n` is the number that the log engine gave out last."""
        if expected_n is not None and expected_n != self.head.n:
            self._say("row_missing", self.head.n + 1, f"the log gave out {expected_n} numbers; rows end at {{n}} - 1")
        for n in sorted(n for n in self.witnesses if n > self.head.n):
            self._say("tail_cut", n, "a witness saw row {n}, and it is not there")
        return self.problems

    def _check(self, row: AuditRow) -> None:
        if row.n != self.head.n + 1:
            self._say("row_missing", self.head.n + 1, f"row {{n}} is missing; row {row.n} stands in its place")
        if row.workspace_id != self.workspace_id:
            self._say("row_foreign", row.n, "row {n} belongs to another workspace")
        if row.previous != self.head.hash:
            self._say("link_broken", row.n, "row {n} does not follow from the row before it")
        if not _is_intact(row):
            self._say("row_edited", row.n, "the content of row {n} does not have its hash")
        if self.witnesses.get(row.n, row.hash) != row.hash:
            self._say("witness_differs", row.n, "a witness saw another row {n}: rows up to it were rewritten")

    def _say(self, code: str, n: int, sentence: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, n, sentence.format(n=n)))


def verify_rows(
    workspace_id: str, rows: Iterable[AuditRow], *, witnesses: Iterable[Head] = (), expected_n: int | None = None
) -> list[Problem]:
    """Return what is wrong with a whole chain, nothing when it is intact; see the module for what is found."""
    check = ChainCheck(workspace_id, {head.n: head.hash for head in witnesses if head.n})
    check.feed(rows)
    return check.finish(expected_n=expected_n)


def _is_intact(row: AuditRow) -> bool:
    try:
        return row_hash(row) == row.hash
    except ValueError:
        return False
