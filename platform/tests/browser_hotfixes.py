"""Hotfixes on the operators' desk: one that devices are given, and one built on it that waits for its reviewer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampan.miniapps.samples import folder as samples

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api
    from sampan.platform.testing_cli import DemoServer, Person

APP, OTHER_APP, SEQUENCE = "bank.demo.wealth", "bank.demo.bills", 1
CAUSE = "It was the server: bills are paid once"
ADMIN = "admin-1@demo.example"
RELEASER, REVIEWER = "release@demo.example", "reviewer@demo.example"
EVERY_TIER = ["visitor", "registered", "e_account", "full"]
OPERATIONS = [
    {"op": "replace", "path": "/warning", "value": "This is a demo. Returns of the past promise nothing."},
    {"op": "add", "path": "/fees", "value": "Fees"},
]


def make_hotfixes(server: "DemoServer", publisher: "Person") -> tuple[str, int, int]:
    """Make a released hotfix and another on top of it; return app, sequence and the number of the second."""
    api = server.api(REVIEWER)
    known = {each["n"]: each for each in api.items(f"/apps/{APP}/versions/{SEQUENCE}/hotfixes")}
    waiting = next((n for n, each in known.items() if each["state"] == "in_review"), None)
    if waiting is not None:
        return APP, SEQUENCE, waiting
    work = publisher.folder / f"hotfixes-{len(known)}"
    work.mkdir()
    given = [n for n, each in known.items() if each["state"] == "published" and each["releases"]]
    first = given[-1] if given else _given(server, publisher, work)
    changed = work / "app.js"
    text = (samples() / "wealth" / "app.js").read_text()
    changed.write_text(text.replace("const DAYS_OF_YEAR = 365;", "const DAYS_OF_YEAR = 360;"))
    note = work / "notice.txt"
    note.write_text(f"Rates as of today, edition {len(known)}.\n")
    second = _publish(
        server, publisher, "A year of 360 days", "--on", str(first), "--set", f"app.js={changed}",
        "--set", f"notice.txt={note}", "--json-patch", f"i18n/en.json={_removing(work)}",
    )  # fmt: skip
    return APP, SEQUENCE, second


def make_withdrawn(server: "DemoServer", publisher: "Person") -> tuple[str, int, int]:
    """Make a hotfix of another app and withdraw it; return app, sequence and number."""
    work = publisher.folder / "withdrawn"
    work.mkdir()
    changed = work / "app.js"
    changed.write_text((samples() / "bills" / "app.js").read_text() + "\n// paid\n")
    n = _publish(server, publisher, "Bills are paid twice", "--set", f"app.js={changed}", app=OTHER_APP)
    path = f"/apps/{OTHER_APP}/versions/{SEQUENCE}/hotfixes/{n}"
    server.api(ADMIN).post(f"{path}/withdraw", {"cause": CAUSE})
    return OTHER_APP, SEQUENCE, n


def _given(server: "DemoServer", publisher: "Person", work: Path) -> int:
    """Make a hotfix that changes JSON alone, and release it."""
    operations = work / "operations.json"
    operations.write_text(json.dumps(OPERATIONS))
    made = _publish(server, publisher, "Say the risk in plain words", "--json-patch", f"i18n/en.json={operations}")
    _approve(server, made)
    _give(server, made)
    return made


def _removing(work: Path) -> Path:
    path = work / "removing.json"
    path.write_text(json.dumps([{"op": "remove", "path": "/fees"}]))
    return path


def _publish(server: "DemoServer", publisher: "Person", title: str, *options: str, app: str = APP) -> int:
    made = publisher.ok("hotfix", "make", app, "--sequence", str(SEQUENCE), *options)
    own = server.folder.publisher
    key = ("--key", own / "publisher.pem", "--passphrase-file", own / "passphrase")
    publisher.ok("hotfix", "publish", publisher.folder / made["file"], *key, "--title", title)
    return int(made["n"])


def _approve(server: "DemoServer", n: int) -> None:
    api, path = server.api(REVIEWER), _path(n)
    api.post(f"{path}/approve", {"digest": api.get(path)["review_digest"]})
    server.wait_for(lambda: api.get(path)["state"] == "published")


def _give(server: "DemoServer", n: int) -> None:
    """Release a hotfix in two stages that are watched; a second person approves it."""
    api: Api = server.api(RELEASER)
    gate = {"signals": ["delivery_failed", "script_error"], "ratio_percent": 200}
    stages: list[dict[str, Any]] = [
        {"name": "10 %", "basis_points": 1000, "advance": "person", "min_minutes": 0, "gate": gate},
        {"name": "Everybody", "basis_points": 10_000, "advance": "person", "min_minutes": 0, "gate": gate},
    ]
    audience = {"attr": "tier", "op": "in", "values": EVERY_TIER}
    body = {"kind": "hotfix", "id": f"{APP}@{SEQUENCE}", "sequence": n, "audience": audience, "stages": stages}
    made = api.post("/releases", {**body, "rollback_to": 0})
    asked = api.post(f"/releases/{made['id']}/submit", {"cause": "The risk was told wrongly"})
    server.sessions.approve(REVIEWER, str(asked["change"]))
    server.wait_for(lambda: api.get(f"/releases/{made['id']}")["state"] == "running")


def _path(n: int) -> str:
    return f"/apps/{APP}/versions/{SEQUENCE}/hotfixes/{n}"
