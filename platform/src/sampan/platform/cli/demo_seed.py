"""Seeding the demo: everything through the API of the running server, as its people would do it by hand.

Every step looks first, so an interrupted seeding is resumed by running it again.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sampan.platform.cli.api import Api
from sampan.platform.cli.demo_apps import Launch, Sample, bring_switches, sample_switches, samples
from sampan.platform.cli.demo_folder import CUSTOMERS, DemoFolder
from sampan.platform.cli.demo_parties import ADMINS, Officers, Publisher
from sampan.platform.cli.demo_sessions import Sessions

CLIENT_APPS = (
    {
        "id": "retail",
        "name": "Demo Bank",
        "channel": "app",
        "bundle_ids": {"ios": "example.demo.bank", "android": "example.demo.bank", "harmony": "example.demo.bank"},
        "minimum_versions": {"ios": "1.0.0", "android": "1.0.0", "harmony": "1.0.0"},
    },
    {"id": "web", "name": "Demo Bank on the web", "channel": "web", "bundle_ids": {"web": "demo-bank"}},
)
AT_ONCE = 5
Customer = tuple[str, str, str, str]
"""Reference at the bank, tier, phone, name."""


def seed(folder: DemoFolder, server: str, note: Callable[[str], None], *, more: Path | None = None) -> None:
    """Bring the demo to where it should be, and mark it as complete; `note` is told every step.

    `more` is a folder with further mini-apps to be brought, see `samples`.
    """
    began = time.monotonic()
    with contextlib.closing(Sessions(folder, server)) as sessions:
        _seed(folder, sessions, note, more)
    folder.mark_seeded()
    note(f"done in {time.monotonic() - began:.1f} s")


def _seed(folder: DemoFolder, sessions: Sessions, note: Callable[[str], None], more: Path | None) -> None:
    found, headings = samples(more)
    publisher = found_bank(folder, sessions, note, found, headings)
    apps = [sample for sample in found if sample.kind == "miniapp"]
    note(f"{len(apps)} mini-apps: packed, signed, checked, reviewed, published, released")
    launch = Launch(sessions, publisher)
    for sample in found:
        if sample.kind != "miniapp":  # what the apps mount is there before them
            launch.bring(sample)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(launch.bring, apps))
    if switches := sample_switches(more):
        note(f"{len(switches)} switches")
        bring_switches(sessions, switches)


def found_bank(
    folder: DemoFolder,
    sessions: Sessions,
    note: Callable[[str], None],
    found: list[Sample],
    headings: list[dict[str, Any]],
    *,
    customers: Sequence[Customer] = CUSTOMERS,
) -> Publisher:
    """Bring a bank to where apps can be published: people, customers, trees, publisher, registered apps, headings."""
    officers, publisher = Officers(folder, sessions), Publisher(folder, sessions)
    admin = sessions.api(ADMINS[0])
    note("client apps and customers")
    _enter_client_apps(admin)
    _enter_customers(admin, customers)
    note("officers' keys, the first ceremony")
    officers.start_trees()
    note("the publisher, its keys and its person")
    publisher_id = publisher.register()
    publisher.join(publisher_id)
    _register_apps(sessions.api(publisher.email), publisher_id, found)
    note("two officers examine and sign")
    officers.sign_all()
    officers.wait_until_visible()
    officers.pin_roots()
    _name_headings(admin, headings)
    return publisher


def tell(text: str) -> None:
    """Print a step of the seeding for people."""
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()


def _enter_client_apps(admin: Api) -> None:
    known = {each["id"] for each in admin.items("/client-apps")}
    for each in CLIENT_APPS:
        if each["id"] not in known:
            admin.post("/client-apps", each)


def _enter_customers(admin: Api, customers: Sequence[Customer]) -> None:
    known = {each["bank_reference"] for each in admin.items("/customers")}
    for reference, tier, phone, name in customers:
        if reference not in known:
            personal = {"name": name, "phone": phone, "lang": "zh"}
            admin.post("/customers", {"bank_reference": reference, "tier": tier, "personal": personal})


def _register_apps(api: Api, publisher_id: str, found: list[Sample]) -> None:
    known = {each["app"] for each in api.items("/apps")}
    for sample in found:
        if sample.app not in known:
            api.post("/apps", {"app": sample.app, "kind": sample.kind, "publisher": publisher_id})


def _name_headings(admin: Api, headings: list[dict[str, object]]) -> None:
    known = {each["id"]: each for each in admin.items("/catalogue/categories")}
    for heading in headings:
        if known.get(str(heading["id"])) != heading:
            values = {name: value for name, value in heading.items() if name != "id"}
            admin.put(f"/catalogue/categories/{heading['id']}", values)
