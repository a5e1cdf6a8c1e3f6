"""The apps and devices of the bench `sync`, copied in the database of a demo bank that does not run.

Two thousand apps through review and twenty thousand sessions through sign-in would take an hour that nobody measures.
So one app goes the whole way, and its rows are copied under other names; what differs is the release's rule. Columns
that the bench does not name are copied as they are.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sampan.platform.ids import new_id

TEMPLATE = "bank.bench.app-00"
WORKSPACE = "demo"
TIERS = ("visitor", "registered", "e_account", "full")
PLATFORMS = ("ios", "android", "harmony")
REGIONS = ("cn-11", "cn-31", "cn-32", "cn-33", "cn-44", "cn-50", "hk", "sg")
MODELS = tuple(f"{maker} {number}" for maker in ("apple", "pixel", "mate", "mi") for number in range(8, 18))
LANGUAGES = ("zh-CN", "zh-HK", "en-GB")
NETWORKS = ("wifi", "5g", "4g")
Row = dict[str, Any]


def add_apps(database: Path, first: int, end: int, *, for_nobody: bool = False) -> None:
    """Release the apps from number `first` up to `end`; `for_nobody`: in ways that no device of the bench fits."""
    with sqlite3.connect(database) as connection:
        for table, column in (  # what the snapshot is compiled from
            ("apps", "app_id"),
            ("candidates", "app_id"),
            ("versions", "app_id"),
            ("catalogue_entries", "app_id"),
            ("control_docs", "app_id"),
            ("releases", "deliverable_id"),
        ):
            found = _rows(connection, table, column, TEMPLATE)
            changed = [
                _app_row(table, row, number, for_nobody=for_nobody) for row in found for number in range(first, end)
            ]
            _insert(connection, table, changed)
        connection.execute("UPDATE revisions SET n = n + 1")
    connection.close()


def add_devices(database: Path, count: int) -> list[dict[str, Any]]:
    """Make devices of visitors and of customers up to `e_account`, and return what their tokens say."""
    with sqlite3.connect(database) as connection:
        device = _rows(connection, "devices", "workspace_id", WORKSPACE)[0]
        subject = _rows(connection, "subjects", "workspace_id", WORKSPACE)[0]
        (last,) = connection.execute("SELECT max(number) FROM subjects").fetchone()
        devices, subjects = [], []
        for number in range(count):
            device_id, tier = new_id("dev"), number % 3
            own = last + 1 + 2 * number
            subjects.append({**subject, "number": own, "kind": "device", "owner_id": device_id, "tier": 0, "epoch": 0})
            owner = {"kind": "customer", "owner_id": new_id("cus"), "tier": tier, "epoch": 0}
            subjects.append({**subject, "number": own + 1, **owner})
            devices.append({**device, "id": device_id, "thumbprint": device_id, "subject": own, "epoch": 0})
        _insert(connection, "subjects", subjects)
        _insert(connection, "devices", devices)
        connection.execute("UPDATE subject_numbers SET last = ?", (last + 2 * count,))
    connection.close()
    return [
        {"device": each["id"], "tier": TIERS[number % 3], "client_app": each["client_app"]}
        | (
            {"subject": each["subject"]}
            if number % 3 == 0
            else {"subject": each["subject"] + 1, "customer": _owner(own)}
        )
        for number, (each, own) in enumerate(zip(devices, subjects[1::2], strict=True))
    ]


def claims(number: int) -> dict[str, Any]:
    """Return how device `number` describes itself; hardly two do it alike."""
    return {
        "platform": PLATFORMS[number % 3],
        "os_version": f"{11 + number // 3 % 7}.{number // 21 % 4}",
        "app_version": f"5.{number // 5 % 8}.{number // 40 % 6}",
        "host_version": 3,
        "model": MODELS[number // 7 % len(MODELS)],
        "region": REGIONS[number // 11 % len(REGIONS)],
        "network": NETWORKS[number // 13 % 3],
        "lang": LANGUAGES[number // 17 % 3],
    }


def _audience(number: int, *, for_nobody: bool) -> dict[str, Any]:
    """Return a tier, four conditions and a percentage, which differ from app to app."""
    tiers = TIERS[3:] if for_nobody and number % 2 else TIERS[number % 3 :]
    platforms = ["kiosk"] if for_nobody and not number % 2 else [PLATFORMS[number % 3], PLATFORMS[(number + 1) % 3]]
    fourth = (
        {"attr": "language", "op": "matches", "values": ["zh"] if number % 3 else ["zh", "en"]},
        {"attr": "os_version", "op": "matches", "values": [f">={11 + number % 6}.0"]},
        {"attr": "model", "op": "not_in", "values": [MODELS[number % len(MODELS)], MODELS[number * 7 % len(MODELS)]]},
        {"attr": "network", "op": "in", "values": ["wifi"] if number % 5 else ["wifi", "5g"]},
    )[number % 4]
    regions = [each for place, each in enumerate(REGIONS) if (number + place) % 4]
    return {
        "all": [
            {"attr": "tier", "op": "in", "values": list(tiers)},
            {"attr": "platform", "op": "in", "values": platforms},
            {"attr": "app_version", "op": "matches", "values": [f">=5.{number % 6}.0"]},
            {"attr": "region", "op": "in", "values": regions},
            fourth,
            {"attr": "percentage", "op": "below", "values": [500 + 45 * (number % 200)]},
        ]
    }


def _app_row(table: str, row: Row, number: int, *, for_nobody: bool) -> Row:
    app_id = f"bank.bench.copy-{number:04}"
    copied = {name: _renamed(value, app_id) for name, value in row.items()}
    new = {
        "id": f"{'ver' if table == 'candidates' else 'rel'}_{number:032x}",
        "candidate_id": f"ver_{number:032x}",
        "digest": f"sha256:{number:064x}",
        "audience": json.dumps(_audience(number, for_nobody=for_nobody)),
        "name_zh": f"应用 {number}",
        "name_en": f"App {number}",
        "position": 100 + number,
        "is_exposed": 1,  # the copied one may not have been, when its server was stopped
    }
    if for_nobody:
        new |= {"see_tier": "full", "open_tier": "full"}
    return copied | {name: value for name, value in new.items() if name in copied}


def _renamed(value: object, app_id: str) -> object:
    if isinstance(value, bytes):
        return value.replace(TEMPLATE.encode(), app_id.encode())
    return value.replace(TEMPLATE, app_id) if isinstance(value, str) else value


def _owner(subject: Mapping[str, Any]) -> str:
    return str(subject["owner_id"])


def _rows(connection: sqlite3.Connection, table: str, column: str, value: str) -> list[Row]:
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {column} = ?", (value,))  # noqa: S608 - our own names
    names = [each[0] for each in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    names: Iterable[str] = list(rows[0])
    marks = ", ".join("?" for _ in names)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
    connection.executemany(statement, [list(row.values()) for row in rows])
