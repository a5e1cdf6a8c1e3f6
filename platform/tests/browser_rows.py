"""Ten thousand rows for the console's lists, written into the database of a demo whose server stands still."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from sampan.platform.operators.audit_chain import AuditRow, row_hash

MANY = 10_000
WORKSPACE = "demo"
Rows = list[tuple[Any, ...]]


def fill(database: Path, *, app: str) -> str:
    """Add customers, devices of one of them, versions of an app and audit rows; return that customer's id."""
    with closing(sqlite3.connect(database)) as db, db:
        customer = _customers(db)
        _devices(db, customer)
        _versions(db, app)
        _audit(db)
    return customer


def _customers(db: sqlite3.Connection) -> str:
    first = 1 + _one(db, "SELECT last FROM subject_numbers WHERE workspace_id = ?")
    at = _one(db, "SELECT max(created_ms) FROM customers WHERE workspace_id = ?")
    numbers = range(first, first + MANY)
    ids = {number: f"cus_{number:032x}" for number in numbers}
    subjects: Rows = [(WORKSPACE, number, "customer", ids[number], 1 + number % 3, 0) for number in numbers]
    customers: Rows = [(WORKSPACE, ids[n], f"ROW-{n:05}", n, at + n, None) for n in numbers]
    _write(db, "subjects", subjects)
    _write(db, "customers", customers)
    db.execute("UPDATE subject_numbers SET last = ? WHERE workspace_id = ?", (first + MANY, WORKSPACE))
    return ids[first]


def _devices(db: sqlite3.Connection, customer: str) -> None:
    subject = _one(db, "SELECT subject FROM customers WHERE workspace_id = ? AND id = ?", customer)
    ids = [f"dev_{n:032x}" for n in range(MANY)]
    devices: Rows = [
        (WORKSPACE, each, "retail", f"t{n:042}", "{}", None, subject, customer, 1, 0, 0, "", n, n)
        for n, each in enumerate(ids)
    ]
    _write(db, "devices", devices)
    _write(db, "customer_devices", [(WORKSPACE, customer, each, 1, n, n) for n, each in enumerate(ids)])


def _versions(db: sqlite3.Connection, app: str) -> None:
    """Copies of the app's first version under higher sequences, all withdrawn."""
    version = _row(db, "SELECT * FROM versions WHERE workspace_id = ? AND app_id = ? ORDER BY sequence LIMIT 1", app)
    candidate = _row(db, "SELECT * FROM candidates WHERE workspace_id = ? AND id = ?", version["candidate_id"])
    versions, candidates = [], []
    for n in range(100, 100 + MANY):
        own = {"id": f"ver_{n:032x}", "state": "withdrawn", "cause": "withdrawn", "published_ms": None}
        candidates.append(tuple((candidate | own).values()))
        shown = {"sequence": n, "candidate_id": own["id"], "source_id": f"upl_{n:032x}", "version": f"2.0.{n}"}
        versions.append(tuple((version | shown).values()))
    _write(db, "candidates", candidates)
    _write(db, "versions", versions)


def _audit(db: sqlite3.Connection) -> None:
    columns = "workspace_id, n, at_ms, actor_kind, person_id, operator_id, via, action, target, detail, previous, hash"
    found = db.execute(f"SELECT {columns} FROM audit_rows WHERE workspace_id = ? ORDER BY n DESC", (WORKSPACE,))  # noqa: S608 - our own columns
    last, rows = AuditRow(*found.fetchone()), []
    for n in range(last.n + 1, last.n + 1 + MANY):
        made = replace(last, n=n, action="test.row", target=f"row-{n}", detail=b"{}", previous=last.hash)
        last = replace(made, hash=row_hash(made))
        rows.append(tuple(getattr(last, name) for name in columns.split(", ")))
    _write(db, "audit_rows", rows)
    db.execute("UPDATE log_heads SET head = ? WHERE workspace_id = ? AND log = 'audit'", (last.n, WORKSPACE))


def _write(db: sqlite3.Connection, table: str, rows: "Rows") -> None:
    db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 - ours


def _one(db: sqlite3.Connection, query: str, *more: str) -> int:
    return int(db.execute(query, (WORKSPACE, *more)).fetchone()[0])


def _row(db: sqlite3.Connection, query: str, key: str) -> dict[str, Any]:
    db.row_factory = sqlite3.Row
    found = dict(db.execute(query, (WORKSPACE, key)).fetchone())
    db.row_factory = None
    return found
