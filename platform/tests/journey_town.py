"""A workspace where everything exists once, in a server under test: for tests that call every operation.

What it holds carries the workspace's own marker word, so that a text which leaks elsewhere is recognised.
"""

import hashlib
import io
import json
import os
import sqlite3
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import update

from sampan.codepush.bundles import package_hash
from sampan.codepush.component import component as codepush
from sampan.miniapps.app_reports import AppReport, add_report
from sampan.offline_packages import package_digest, parse_index
from sampan.offline_packages.hotfix import make_hotfix
from sampan.offline_packages.publishing import next_hotfix_body, renewed_app_body, signed_hotfix
from sampan.offline_packages.roles import tree_id
from sampan.offline_packages.signed_bytes import sign_body, sign_part
from sampan.platform.app import built_in_components
from sampan.platform.artifacts.component import component as artifacts
from sampan.platform.audience.claims import claims_kept
from sampan.platform.audience.tag_import_files import report_key
from sampan.platform.audience.tag_import_rows import ImportState, Mode, Progress, TagImport, add_import
from sampan.platform.audience.tag_rows import Tag, add_tag
from sampan.platform.component import Component, discover
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.engines.jobs import JobState, enqueue, jobs
from sampan.platform.ids import new_id
from sampan.platform.insight.intake import intake_of
from sampan.platform.operators.attention import Severity
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.first_people import Credentials
from sampan.platform.operators.notices import sweep
from sampan.platform.operators.notices_delivery import webhook_context
from sampan.platform.operators.notices_rows import Webhook, add_webhook
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import client, running_core
from sampan.platform.testing_artifacts import Publishing, packed_app, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.trust.component import component as trust

CONSOLE = "/console/api/v1"
BY_HAND = (artifacts.name, codepush.name, operators.name, trust.name)
ROLES = ("admin", "release_manager", "campaign_operator", "reviewer", "service_desk", "auditor")


class WallClock:
    """The real time, in the form that a test device asks for it."""

    @property
    def now_ms(self) -> int:
        """The time in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


def all_components() -> Sequence[Component]:
    """Return what `sampan up --demo` runs; the jobs of trust, artifacts, CodePush and operators are run by hand."""
    found = discover(built_in_components(demo=True))
    return [without_background(each) if each.name in BY_HAND else each for each in found]


def items_of(answer: Any) -> list[Any]:
    """Return the items of a page."""
    return list(answer["items"])


FAR_MS = 4_000_000_000_000
"""A time that no test reaches."""


@dataclass
class Town:
    """One workspace. `ids` are values for the path parameters of the console API, by the parameter's name."""

    core: Core
    http: httpx2.AsyncClient
    workspace: str
    folder: Path
    publishing: Publishing = field(init=False)
    person: Credentials = field(init=False)
    headers: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    device: TestDevice = field(init=False)
    ids: dict[str, Any] = field(default_factory=dict)
    bodies: dict[str, Any] = field(default_factory=dict)

    @property
    def app(self) -> str:
        """The id of the town's mini-app."""
        return f"{self.workspace}.own.app"

    @property
    def marker(self) -> str:
        """A word that stands in every text of this workspace and in no other's."""
        return f"Marker{self.workspace.title().replace('-', '')}"

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        """Call the console API as the person who may do everything here."""
        headers = options.pop("headers", self.headers)
        address = f"/w/{self.workspace}{CONSOLE}{path}"
        return await self.http.request(method, address, json=body, headers=headers, **options)

    async def get(self, path: str) -> Any:
        """GET what must be there."""
        return _good(await self.call("GET", path)).json()

    async def post(self, path: str, body: Any = None) -> Any:
        """POST what must succeed."""
        answer = _good(await self.call("POST", path, body))
        return answer.json() if answer.content else None

    async def build(self) -> "Town":
        """Fill the workspace."""
        self.publishing = Publishing(self.core, self.folder, app=self.app, workspace=self.workspace)
        await self.publishing.start(name=f"{self.marker} Publisher")
        self.person = await self.new_person()
        self.headers = await bearer_for(self.core, self.workspace, self.person)
        await self._versions()
        await self._customers()
        await self._releases()
        await self._trust()
        await self._people()
        await self._audiences()
        await self._catalogue()
        await self._switch()
        await self._hotfix()
        await self._codepush()
        return self

    async def new_person(self) -> Credentials:
        """Return a person with every role, who is nobody's bonded pair."""
        own = {"role": "publisher", "publisher": self.publishing.publisher_id}
        return await person_with(self.core, self.workspace, *ROLES, grants=[own])

    async def approve_change(self, change_id: str) -> None:
        """Approve a change request as another person, with a fresh second factor."""
        found = await self.get(f"/changes/{change_id}")
        other = await bearer_for(self.core, self.workspace, await self.new_person())
        _good(await self.call("POST", f"/changes/{change_id}/approve", {"digest": found["digest"]}, headers=other))

    async def _versions(self) -> None:
        publishing = self.publishing
        await publishing.publish(1)
        await publishing.publish(2)
        icon = {"icon.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>'}
        third = packed_app(self.folder, 3, app=self.app, files={"marker.txt": self.marker, **icon})
        await publishing.submit(third, "intl", "trial")
        await publishing.expose("trial")
        fourth = packed_app(self.folder, 4, app=self.app, files=icon)
        await publishing.submit(fourth)
        seen = await self.get(f"/apps/{self.app}/versions/3")
        await self.post(f"/apps/{self.app}/versions/3/comments", {"text": f"{self.marker} comment"})
        raw = await self.http.post(
            f"/w/{self.workspace}{CONSOLE}/uploads",
            content=packed_app(self.folder, 5, app=self.app).archive_path.read_bytes(),
            headers=self.headers,
        )
        self.bodies.update(
            upload=_good(raw).json()["upload"],
            review_digest=seen["review_digest"],
            index=json.loads(fourth.index_bytes),
            signed={"intl": json.loads((await publishing.bodies(fourth))["intl"])},
        )
        self.ids.update(app=self.app, sequence=3, publisher=publishing.publisher_id, upload=self.bodies["upload"])

    async def _customers(self) -> None:
        shop = f"shop-{self.workspace}"
        await add_retail_app(self.core, self.workspace, id=shop, name=f"{self.marker} Shop")
        await self.core.replica.poll()
        phone = f"+86138{zlib.crc32(self.workspace.encode()) % 10**8:08d}"
        personal = {"name": f"{self.marker} Customer", "phone": phone}
        made = await self.post(
            "/customers", {"bank_reference": f"{self.marker}-1", "tier": "full", "personal": personal}
        )
        self.device = await self.new_device(shop)
        _good(await self.device.sign_in(phone))
        await self.core.replica.poll()
        self.ids.update(app_id=shop, customer_id=made["id"], device_id=self.device.tokens["device"])
        self.bodies.update(phone=phone)
        _good(await self.call("PUT", f"/apps/{self.app}/testers", {"devices": [self.ids["device_id"]]}))

    async def new_device(self, client_app: str) -> TestDevice:
        """Return a new device with a visitor's session."""
        made = TestDevice(self.http, WallClock(), f"/w/{self.workspace}", client_app)  # type: ignore[arg-type] # it asks for the time alone
        _good(await made.begin())
        return made

    async def _releases(self) -> None:
        draft = {"id": self.app, "sequence": 2, "audience": EVERYBODY, "rollback_to": 1}
        freeze = {"from_ms": FAR_MS, "until_ms": FAR_MS + 1, "reason": f"{self.marker} reason"}
        self.ids["freeze_id"] = (await self.post("/freezes", freeze))["id"]
        live = await self.post("/releases", draft)
        asked = await self.post(f"/releases/{live['id']}/submit", {"cause": f"{self.marker} cause"})
        await self.approve_change(asked["change"])
        waiting = await self.post("/releases", draft)
        await self.publishing.expose()
        self.ids.update(release_id=live["id"], artefact_id=self.app)
        self.bodies.update(draft_release=waiting["id"])

    async def _trust(self) -> None:
        parties = self.publishing.parties
        await self.post("/apps", {"app": f"{self.workspace}.second.app", "publisher": self.publishing.publisher_id})
        waiting = items_of(await self.get("/trust/pending"))[0]
        self.ids.update(
            profile="intl",
            role=f"app.{self.app}",
            key=key_id(parties.publisher["intl"].public),
            pending_id=waiting["id"],
            request_id=waiting["requests"][0]["id"],
        )
        signature = sign_part(waiting["body"].encode(), parties.officers[0])
        self.bodies.update(
            signature={"key": signature.keyid, "signature": signature.signature},
            officers=[key_id(each.public) for each in parties.officers],
        )
        self.bodies.update(renewed=await self._renewed_bodies())
        renewed = await self.post(f"/apps/{self.app}/renewals", {"bodies": self.bodies["renewed"]})
        self.ids.update(renewal=renewed["id"])
        self.bodies.update(renewal_digest=renewed["review_digest"])

    async def _renewed_bodies(self) -> dict[str, Any]:
        current = await self.publishing.parties.current("intl", f"app.{self.app}")
        assert current is not None
        body = renewed_app_body(current, now_ms=self.core.now_ms())
        return {"intl": json.loads(sign_body(body, self.publishing.parties.publisher["intl"]))}

    async def _people(self) -> None:
        other = await self.new_person()
        token = await self.post("/tokens", {"name": f"{self.marker} token", "permissions": ["app:read"], "days": 3})
        role = f"role_of_{self.workspace.replace('-', '_')}"
        asked = _good(await self.call("PUT", f"/roles/{role}", {"before": [], "after": ["app:read"]})).json()
        await self.approve_change(asked["id"])
        operators = items_of(await self.get("/operators"))
        mine = next(each for each in operators if each["id"] == other.operator_id)
        change = await self.post(f"/operators/{other.operator_id}/grants", {"grants": [{"role": "auditor"}]})
        self.machine = {"authorization": f"Bearer {token['secret']}"}
        self.ids.update(
            token_id=token["id"],
            name=role,
            operator_id=other.operator_id,
            grant_id=mine["grants"][0]["id"],
            change_id=change["id"],
        )
        self.bodies.update(change_digest=change["digest"])

    async def _audiences(self) -> None:
        """Make a tag, an import into it and a saved audience; by rows, so that no job changes them later."""
        tag, now_ms = f"tag-{self.workspace}", self.core.now_ms()
        made = TagImport(
            id=new_id("imp"),
            tag=tag,
            mode=Mode.ADD,
            state=ImportState.DONE,
            progress=Progress(1),
            made_by="opr_x",
            person_id="per_x",
            via="",
            created_ms=now_ms,
            changed_ms=now_ms,
        )
        async with self.core.store.workspace(self.workspace).write() as tx:
            await add_tag(tx, Tag(tag, f"{self.marker} tag", "opr_x", now_ms, now_ms))
            await add_import(tx, made)
        report = f"line,id,code\r\n2,{self.marker},not_utf8\r\n"
        await self.core.objects.put(report_key(self.workspace, made.id), report.encode())
        saved = await self.post("/audiences", {"name": f"{self.marker} audience", "audience": EVERYBODY})
        self.ids.update(tag=tag, import_id=made.id, audience_id=saved["id"], report=await self._report())

    async def _report(self) -> str:
        """Have a customer report the app; by a row."""
        made = AppReport(new_id("rpt"), self.app, "fraud", f"{self.marker} words", f"dev_{'0' * 32}", 0, 1)
        async with self.core.store.workspace(self.workspace).write() as tx:
            await add_report(tx, made)
        return made.id

    async def _catalogue(self) -> None:
        category = f"of-{self.workspace}"
        names = {"name_zh": f"{self.marker} 分类", "name_en": f"{self.marker} category"}
        _good(await self.call("PUT", f"/catalogue/categories/{category}", names))
        entry = {"name_zh": f"{self.marker} 应用", "name_en": f"{self.marker} app", "category": category}
        asked = _good(await self.call("PATCH", f"/catalogue/apps/{self.app}", entry)).json()
        if not asked["applied"]:
            await self.approve_change(asked["change"])
        self.ids.update(job_id=await self._failed_job(), webhook_id=await self._webhook())
        await sweep(self.core, self.workspace)
        self.ids.update(notice_id=(await self.get("/notices"))["items"][0]["id"])
        self.ids.update(category=category, tier="full", host=f"own.{self.workspace}.example")
        _good(await self.call("POST", "/hosts", {"host": self.ids["host"]}))
        await self.core.replica.poll()

    async def _switch(self) -> None:
        key = f"switch-of-{self.workspace}"
        variants = {"on": f"{self.marker} on", "off": ""}
        rules = [{"audience": EVERYBODY, "variant": "on"}]
        made = {"key": key, "type": "string", "variants": variants, "default": "off", "rules": rules}
        asked = await self.post("/switch-file", {"switches": [made], "activate": True})
        await self.approve_change(asked["change"])
        await self.core.replica.poll()
        said = {"zh": f"{self.marker} 新", "en": f"{self.marker} new"}
        upgrade = {"build": 1, "version": "1.0.0", "url": f"https://{self.workspace}.example/app", "text": said}
        await self.post(f"/client-apps/{self.ids['app_id']}/upgrades", upgrade)
        self.ids.update(switch=key, build="1")

    async def _hotfix(self) -> None:
        """Send a hotfix of version 2, which waits for its review."""
        index_bytes = (await self.call("GET", f"/apps/{self.app}/versions/2/index")).content
        index, page = parse_index(index_bytes), f"<!doctype html><p>{self.marker} mended</p>".encode()
        present = {entry.path: b"" for entry in index.files}
        fix, content = make_hotfix(index, package_digest(index_bytes), present, {"mended.html": page}, n=1)
        current = await self.publishing.parties.current("intl", f"app.{self.app}")
        assert current is not None
        signed = signed_hotfix(fix.to_bytes(), content)
        tree = tree_id(self.workspace, "intl")
        body = next_hotfix_body(current, signed, tree=tree, now_ms=self.core.now_ms())
        raw = await self.http.post(f"/w/{self.workspace}{CONSOLE}/uploads", content=content, headers=self.headers)
        self.bodies["hotfix"] = {
            "hotfix": json.loads(fix.to_bytes()),
            "upload": _good(raw).json()["upload"],
            "title": f"{self.marker} fix",
            "bodies": {"intl": json.loads(sign_body(body, self.publishing.parties.publisher["intl"]))},
        }
        made = await self.post(f"/apps/{self.app}/versions/2/hotfixes", self.bodies["hotfix"])
        self.bodies["hotfix_digest"] = made["review_digest"]
        self.ids["n"] = made["n"]

    async def _codepush(self) -> None:
        """Make a CodePush app with a deployment of a key of its own, and a release that waits."""
        app, deployment = f"codepush-of-{self.workspace}", f"line-of-{self.workspace}"
        signing = generate_private_key(65537, 2048)
        pem = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        await self.post("/codepush/apps", {"name": app})
        await self.post(f"/codepush/apps/{app}/deployments", {"name": deployment})
        place = f"/codepush/apps/{app}/deployments/{deployment}"
        asked = _good(await self.call("PUT", f"{place}/public-key", {"public_key": pem})).json()
        await self.approve_change(asked["change"])
        text = f"{self.marker} bundle".encode()
        signed = {"contentHash": package_hash({"main.jsbundle": hashlib.sha256(text).hexdigest()})}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("main.jsbundle", text)
            archive.writestr(".codepushrelease", jwt.encode(signed, signing, algorithm="RS256"))
        sent = await self.http.post(
            f"/w/{self.workspace}{place}/release",
            files={"package": ("bundle.zip", content.getvalue())},
            data={"packageInfo": json.dumps({"appVersion": "1.0.0", "description": f"{self.marker} notes"})},
            headers=self.headers,
        )
        _good(sent)
        self.ids.update(codepush_app=app, codepush_deployment=deployment, label="v1")
        self.bodies.update(codepush_key=pem)

    async def _failed_job(self) -> str:
        async with self.core.store.workspace(self.workspace).write() as tx:
            job_id = await enqueue(tx, "nothing.known", {}, run_at_ms=2**50)
            job = (jobs.c.workspace_id == self.workspace, jobs.c.job_id == job_id)
            await tx.execute(update(jobs).where(*job).values(state=JobState.FAILED))
        return job_id

    async def _webhook(self) -> str:
        webhook_id = new_id("whk")
        sealed = self.core.sealer.seal(b"secret", webhook_context(webhook_id))
        made = Webhook(webhook_id, f"https://{self.workspace}.example/hook", Severity.ERROR, sealed, 1, "opr_x")
        async with self.core.store.workspace(self.workspace).write() as tx:
            await add_webhook(tx, made)
        return webhook_id

    async def settled_rows(self) -> dict[str, list[str]]:
        """Return the rows once what waits to be written is: written later, it would look like somebody's doing."""
        await claims_kept(self.core).flush()
        await intake_of(self.core).flush()
        return self.rows()

    def rows(self) -> dict[str, list[str]]:
        """Return every stored row of this workspace, and the keys of its objects, as text by table."""
        found = rows_of(self.core.settings.data / "sampan.sqlite", self.workspace)
        objects = self.core.settings.data / "objects"
        own = [path for path in objects.rglob("*") if path.is_file() and self.workspace in path.parts]
        found["objects"] = sorted(f"{path.relative_to(objects)} {path.stat().st_size}" for path in own)
        return found


EVERYBODY = {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]}


def rows_of(database: Path, workspace: str) -> dict[str, list[str]]:
    """Return the rows of every table that has a workspace column, of this workspace, each as one text."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in tables:
            columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
            if column := next((name for name in ("workspace_id", "home_workspace") if name in columns), None):
                query = f'SELECT * FROM "{table}" WHERE {column} = ?'  # noqa: S608 - names come from the schema
                found[table] = sorted(repr(row) for row in connection.execute(query, (workspace,)))
    return found


def _good(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code >= 400:
        raise AssertionError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return answer


def fresh_public_pem() -> str:
    """Return a public key that nobody has registered."""
    return PrivateKey.generate().public.pem()


def is_long() -> bool:
    """Whether the big random runs were asked for."""
    return os.environ.get("SAMPAN_LONG") == "1"


@asynccontextmanager
async def towns(folder: Path, *workspaces: str) -> AsyncIterator[list[Town]]:
    """Open one server with these workspaces, each filled."""
    components = all_components()
    async with (
        running_core(folder / "server", components=components, workspaces=workspaces) as core,
        client(core) as http,
    ):
        found = []
        for workspace in workspaces:
            (folder / workspace).mkdir()
            found.append(await Town(core, http, workspace, folder / workspace).build())
        yield found
