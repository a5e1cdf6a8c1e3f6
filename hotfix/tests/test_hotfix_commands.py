"""`sampan hotfix` and `sampan release create --hotfix` against a server: made, signed, approved, given, taken back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from promotion_scene import APP, UAT, Bank, two_workspaces

from sampan.offline_packages.hotfix import parse_hotfix
from sampan.platform.cli.api import Api
from sampan.platform.cli.hotfix_file import read_hotfix
from sampan.platform.testing_cli import Person, Ran

pytestmark = pytest.mark.anyio
LIMITS = '{\n  "day": 500,\n  "text": "每日"\n}\n'
FILES = {"app.js": "broken()\n", "data/limits.json": LIMITS, "old.txt": "old"}
DAY = '    {"op": "replace", "path": "/day", "value": 900}\n      was 500\n'
TIERS = [word for tier in ("visitor", "registered", "e_account", "full") for word in ("--tier", tier)]
ENDED, REFUSED = 0, 1


@dataclass
class Desk:
    """A bank with version 1 of an app; its publisher, who may also release, and a second person, at terminals."""

    bank: Bank
    publisher: Person
    checker: Person

    async def run(self, *arguments: str | Path, as_json: bool = True, by: Person | None = None) -> Ran:
        """Run a command, by itself as the publisher."""
        who = by or self.publisher
        ran = await asyncio.to_thread(who.run, *arguments, as_json=as_json)
        await self.bank.core.replica.poll()
        return ran

    async def ok(self, *arguments: str | Path, by: Person | None = None) -> Any:
        """Run what must end well, and return what it prints."""
        ran = await self.run(*arguments, by=by)
        assert ran.status == ENDED, ran
        return ran.value

    async def refused(self, *arguments: str | Path, by: Person | None = None) -> tuple[str, str]:
        """Run what must be refused; return code and sentence."""
        ran = await self.run(*arguments, by=by)
        assert ran.status != ENDED, ran
        return ran.value["code"], ran.value["detail"]

    def put(self, name: str, text: str) -> Path:
        """Write a file in the publisher's folder."""
        path = self.publisher.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def make(self, *arguments: str | Path, sequence: int = 1) -> Any:
        return await self.ok("hotfix", "make", APP, "--sequence", str(sequence), *arguments)

    async def publish(self, file: str | Path, *more: str, as_json: bool = True) -> Ran:
        key = ("--key", self.bank.key, "--passphrase-file", self.publisher.folder / "secret")
        return await self.run("hotfix", "publish", file, *key, *more, as_json=as_json)

    async def approve(self, n: int) -> Any:
        """Approve as the second person what they were shown, and let it become visible."""
        seen = await self.ok("hotfix", "show", APP, "1", str(n), by=self.checker)
        found = await self.ok(*self.approving(n, seen["review_digest"]), by=self.checker)
        await self.bank.expose()
        return found

    def approving(self, n: int, digest: str) -> tuple[str, ...]:
        return ("hotfix", "approve", APP, "1", str(n), "--digest", digest)

    async def mended(self, n: int, text: str, *more: str) -> None:
        """Publish a hotfix of `app.js`."""
        made = await self.make("--set", f"app.js={self.put('new.js', text)}", *more)
        assert (await self.publish(made["file"])).status == ENDED
        await self.approve(n)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with two_workspaces(tmp_path) as scene:
        await scene.uat.publish(1, files=FILES)
        people = []
        for name in ("maker", "checker"):
            signed_in = {
                "SAMPAN_TOKEN": scene.uat.secret(name),
                "SAMPAN_SERVER": scene.address,
                "SAMPAN_WORKSPACE": UAT,
            }
            people.append(Person(tmp_path / "terminal", scene.address, signed_in))
        yield Desk(scene.uat, *people)


async def test_the_whole_way_by_commands(desk: Desk) -> None:
    desk.put("app/app.js", "works()\n")
    operations = desk.put("ops.json", '[{"op": "replace", "path": "/day", "value": 900}]')
    folder = desk.publisher.folder / "app"
    changes = ("--folder", folder, "--delete", "old.txt", "--json-patch", f"data/limits.json={operations}")
    made = await desk.make(folder / "app.js", *changes, "-o", "fix.hotfix")
    assert (made["n"], made["on"], made["changed"]) == (1, [], ["app.js", "data/limits.json", "old.txt"])
    again = await desk.run(
        "hotfix", "make", APP, "--sequence", "1", "--delete", "old.txt", "-o", "x.hotfix", as_json=False
    )
    assert again.out.splitlines()[-2:] == [
        "  old.txt  taken away",
        "Sign and send it: sampan hotfix publish x.hotfix --key YOUR-KEY.pem",
    ]
    hotfix, content = read_hotfix(desk.publisher.folder / "fix.hotfix")
    assert content == b"works()\n" + LIMITS.replace("500", "900").encode()

    sent = await desk.publish("fix.hotfix", "--title", "limits and a crash")
    assert (sent.status, sent.value["state"], sent.value["title"]) == (ENDED, "in_review", "limits and a crash")
    assert (
        parse_hotfix(hotfix.to_bytes()).to_bytes()
        == json.dumps(sent.value["document"], sort_keys=True, separators=(",", ":")).encode()
    )
    again = await desk.publish("fix.hotfix")
    assert (again.status, again.value["already"]) == (ENDED, True)

    waiting = await desk.run("review", "list", as_json=False, by=desk.checker)
    assert f"hotfix 1 of {APP} (sequence 1)  in review" in waiting.out
    assert (await desk.ok("review", "list", by=desk.checker))["hotfixes"] == [{"app": APP, "sequence": 1, "n": 1}]

    shown = await desk.run("hotfix", "show", APP, "1", "1", as_json=False, by=desk.checker)
    for text in ("- old.txt", "~ app.js", "- broken()", "+ works()", DAY):
        assert text in shown.out, shown.out
    assert (await desk.refused(*desk.approving(1, "sha256:" + "0" * 64), by=desk.checker))[0] == "review_stale"
    approved = await desk.approve(1)
    repeated = await desk.ok(*desk.approving(1, approved["review_digest"]), by=desk.checker)
    assert repeated["already"] is True

    asked = await desk.ok("release", "create", "--hotfix", f"{APP}@1", "--n", "1", *TIERS)
    asking = await desk.run("change", "show", asked["change"], as_json=False, by=desk.checker)
    assert f"Version: {APP} hotfix 1 of 1.1.0 (sequence 1)" in asking.out
    await desk.ok("change", "approve", asked["change"], "--digest", asked["digest"], by=desk.checker)
    released = await desk.run("release", "show", asked["release"], as_json=False)
    assert f"{APP} hotfix 1 of 1.1.0 (sequence 1): running" in released.out
    (listed,) = (await desk.ok("hotfix", "list", APP, "1"))["items"]
    assert (listed["state"], listed["releases"][0]["state"]) == ("published", "running")
    told = (await desk.run("hotfix", "list", APP, "1", as_json=False)).out
    assert "published  limits and a crash" in told
    assert "runs on 0 devices" in told

    taken = await desk.ok("hotfix", "withdraw", APP, "1", "1", "--cause", "wrong limit")
    assert (taken["state"], taken["fallen"]) == ("withdrawn", [])
    assert (await desk.ok("hotfix", "withdraw", APP, "1", "1", "--cause", "again"))["already"] is True
    assert (await desk.ok("release", "show", asked["release"]))["state"] == "stopped"
    over = await desk.publish("fix.hotfix", as_json=False)
    assert (over.status, "Make it again with the next number" in over.out) == (REFUSED, True)


async def test_what_is_signed_can_be_written_down_for_the_console(desk: Desk) -> None:
    made = await desk.make("--set", f"app.js={desk.put('new.js', 'works()')}")
    ran = await desk.publish(made["file"], "--out", "signed.json")
    assert ran.status == ENDED, ran
    signed = json.loads((desk.publisher.folder / "signed.json").read_text())
    assert (await desk.refused("hotfix", "show", APP, "1", "1"))[0] == "hotfix_unknown"
    with contextlib.closing(Api(desk.publisher.server, UAT, secret=desk.bank.secret())) as api:
        sent = await asyncio.to_thread(api.upload, "/uploads", desk.publisher.folder / "new.js")
        body = {**signed, "upload": sent["upload"]}
        found = await asyncio.to_thread(api.post, f"/apps/{APP}/versions/1/hotfixes", body)
    assert (found["state"], found["document"]) == ("in_review", signed["hotfix"])


async def test_one_on_another_is_made_on_its_files_and_falls_with_it(desk: Desk) -> None:
    await desk.mended(1, "first()\n")
    nothing = await desk.refused(
        "hotfix", "make", APP, "--sequence", "1", "--on", "1", "--set", f"app.js={desk.publisher.folder / 'new.js'}"
    )
    assert nothing[0] == "hotfix_option"
    await desk.mended(2, "second()\n", "--on", "1")
    shown = await desk.ok("hotfix", "show", APP, "1", "2")
    assert (shown["on"], shown["stack"]) == ([1], [1, 2])
    assert [each["text"] for each in shown["diffs"][0]["lines"]] == ["first()", "second()"]
    taken = await desk.ok("hotfix", "withdraw", APP, "1", "1", "--cause", "it was wrong")
    assert taken["fallen"] == [2]
    assert (await desk.ok("hotfix", "show", APP, "1", "2"))["state"] == "withdrawn"


async def test_waiting_sees_it_published_after_another_version_moved_the_base(desk: Desk) -> None:
    made = await desk.make("--set", f"app.js={desk.put('new.js', 'works()')}")
    assert (await desk.publish(made["file"])).status == ENDED
    await desk.bank.publish(2, files=FILES, folder="two")
    assert (await desk.ok("hotfix", "show", APP, "1", "1"))["state"] == "needs_signature"
    waiting = asyncio.create_task(desk.publish(made["file"], "--wait"))
    while not waiting.done() and (await desk.ok("hotfix", "show", APP, "1", "1"))["state"] != "in_review":
        pass  # the command signs it anew
    await desk.approve(1)
    ran = await waiting
    assert (ran.status, ran.value["state"]) == (ENDED, "published")


async def test_a_rejected_one_says_why_and_its_number_is_gone(desk: Desk) -> None:
    made = await desk.make("--set", f"app.js={desk.put('new.js', 'works()')}")
    sent = (await desk.publish(made["file"])).value
    reject = ("hotfix", "reject", APP, "1", "1", "--digest", sent["review_digest"], "--comment", "not yet")
    assert (await desk.ok(*reject, by=desk.checker))["state"] == "rejected"
    assert (await desk.publish(made["file"])).status == REFUSED
    again = await desk.make("--set", f"app.js={desk.publisher.folder / 'new.js'}", "-o", "again.hotfix")
    assert again["n"] == 2


async def test_what_cannot_be_is_refused_with_a_sentence_that_says_what_to_do(desk: Desk) -> None:
    script = desk.put("new.js", "works()")
    make = ("hotfix", "make", APP, "--sequence")
    assert (await desk.refused(*make, "9", "--set", f"app.js={script}"))[0] == "version_unknown"
    assert (await desk.refused(*make, "1", "--set", f"manifest.json={script}"))[0] == "hotfix_manifest"
    assert (await desk.refused(*make, "1", "--set", f"../x={script}"))[0] == "hotfix_malformed"
    assert (await desk.refused(*make, "1", "--on", "3", "--set", f"app.js={script}"))[0] == "hotfix_unknown"
    code, sentence = await desk.refused(*make, "1", "--delete", "limits.json")
    assert (code, "Is data/limits.json meant?" in sentence) == ("hotfix_option", True)
    assert (await desk.refused("hotfix", "publish", script))[0] == "hotfix_malformed"
    assert (await desk.refused("hotfix", "show", APP, "1", "1"))[0] == "hotfix_unknown"
    made = await desk.make("--set", f"app.js={script}")
    assert (await desk.publish(made["file"])).status == ENDED
    own = (await desk.ok("hotfix", "show", APP, "1", "1"))["review_digest"]
    assert (await desk.run(*desk.approving(1, own))).status != ENDED  # by whom it was made


@pytest.mark.parametrize(
    "named",
    [
        (),
        (APP,),
        (APP, "1", "--n", "1"),
        ("--hotfix", f"{APP}@1"),
        ("--hotfix", APP, "--n", "1"),
        (APP, "1", "--hotfix", f"{APP}@1", "--n", "1"),
        ("--kind", "shared", "--hotfix", f"{APP}@1", "--n", "1"),
    ],
)
def test_a_release_is_of_a_version_or_of_a_hotfix(named: tuple[str, ...], tmp_path: Path) -> None:
    ran = Person(tmp_path, "").run("release", "create", *named, "--tier", "visitor")
    assert (ran.status, ran.value["code"]) == (REFUSED, "what_to_release")
