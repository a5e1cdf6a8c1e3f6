"""Tags: who has them, in memory and on disk, and files of ids that go in whole or are refused line by line."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from sampan.platform.app import built_in_components
from sampan.platform.audience import tag_import, tag_rows, tags_service
from sampan.platform.audience.tag_import import import_job
from sampan.platform.audience.tag_import_files import report_key, upload_key
from sampan.platform.audience.tag_states import (
    SUBJECTS_PER_ENTRY,
    SubjectForgotten,
    TagChanged,
    TagCreated,
    TagDeleted,
    TagStates,
    changes,
    pack,
    to_entry,
)
from sampan.platform.component import Component, Jobs, discover
from sampan.platform.console_app import PREFIX
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.jobs import Job
from sampan.platform.engines.log import LogEntry
from sampan.platform.identity.import_lines import read_lines, reader_for
from sampan.platform.identity.repository_customers import Customer, find_by_reference
from sampan.platform.identity.service_customers import erase
from sampan.platform.identity.service_import import import_customers
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
CUSTOMERS = 40
# Jobs are run by the tests themselves, when they want them.
WITHOUT_JOBS = [
    Component(each.name, tuple(value for value in each.everything() if not isinstance(value, Jobs)))
    for each in discover(built_in_components(demo=True))
]


async def bytes_of(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@dataclass
class Bank:
    """A running server with customers R0 to R39, and somebody who may do everything with tags."""

    core: Core
    http: httpx2.AsyncClient
    headers: dict[str, str]
    numbers: dict[str, int]

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        headers = options.pop("headers", self.headers)
        return await self.http.request(method, f"{PREFIX}{path}", json=body, headers=headers, **options)

    async def members(self, tag: str) -> list[str]:
        """Return who has the tag as this worker knows it."""
        await self.core.replica.poll()
        named = {number: name for name, number in self.numbers.items()}
        members = tags_service.states_of(self.core, WORKSPACE).members[tag]
        return sorted(named[number] for number in members)

    async def send(self, tag: str, content: bytes, mode: str = "add") -> dict[str, Any]:
        """Send a file, let the job read it, and return how the import ended."""
        answer = await self.http.post(
            f"{PREFIX}/tags/{tag}/imports?mode={mode}",
            content=content,
            headers=self.headers | {"content-type": "text/csv"},
        )
        assert answer.status_code == 202, answer.text
        await self.run_jobs()
        found: dict[str, Any] = (await self.call("GET", f"/tags/{tag}/imports/{answer.json()['id']}")).json()
        return found

    async def run_jobs(self) -> None:
        """Run what is due now, to its end."""
        kinds = [import_job(self.core)]
        runner = build_job_runner(self.core.store, kinds, now_ms=self.core.now_ms)
        await runner.poll()
        await runner.idle()


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with running_core(tmp_path, components=WITHOUT_JOBS) as core, client(core) as http:
        rows = "bank_reference,tier\n" + "".join(f"R{n},full\n" for n in range(CUSTOMERS))
        numbers: dict[str, int] = {}

        async def note(_tx: Transaction, _outcome: str, customer: Customer) -> None:
            numbers[str(customer.bank_reference)] = customer.subject

        lines = read_lines(bytes_of(rows.encode()), reader_for("text/csv"))
        await import_customers(core, WORKSPACE, lines, by="test", note=note)
        headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin"))
        yield Bank(core, http, headers, numbers)


async def test_a_tag_has_members_in_under_a_second_and_after_a_restart(bank: Bank) -> None:
    assert (await bank.call("POST", "/tags", {"name": "vip", "title": "Best"})).status_code == 201
    body = {"column": "bank_reference", "add": ["R1", "R2", "R3"]}
    assert (await bank.call("POST", "/tags/vip/members", body)).status_code == 204
    assert (
        await bank.call("POST", "/tags/vip/members", {"column": "bank_reference", "remove": ["R2"]})
    ).status_code == 204
    assert await bank.members("vip") == ["R1", "R3"]
    shown = (await bank.call("GET", "/tags/vip")).json()
    assert (shown["members"], shown["title"]) == (2, "Best")
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        assert (await tag_rows.load_states(tx)).members == {"vip": BitMap(bank.numbers[name] for name in ("R1", "R3"))}


async def test_an_unknown_id_changes_nothing(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    answer = await bank.call("POST", "/tags/vip/members", {"column": "bank_reference", "add": ["R1", "nobody"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "member_unknown")
    assert answer.json()["unknown"] == ["nobody"]
    assert await bank.members("vip") == []


async def test_merging_keeps_members_and_forgets_who_was_erased(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    await bank.call("POST", "/tags", {"name": "gone"})
    await bank.call("POST", "/tags/vip/members", {"column": "bank_reference", "add": ["R1", "R2"]})
    door = bank.core.store.workspace(WORKSPACE)
    async with door.write() as tx:
        customer = await find_by_reference(tx, "R2")
        assert customer is not None
        await erase(bank.core, tx, customer.id, by="test", now_ms=bank.core.now_ms())
    assert (await bank.call("DELETE", "/tags/gone")).status_code == 204
    assert await bank.members("vip") == ["R1"]
    assert await tags_service.merge(bank.core, WORKSPACE) == 1
    assert await tags_service.merge(bank.core, WORKSPACE) == 0
    async with door.read() as tx:
        merged = await tag_rows.read_merged(tx)
    assert merged.changed == frozenset()
    assert merged.states.members == {"vip": BitMap([bank.numbers["R1"]])}
    await bank.call("POST", "/tags/vip/members", {"column": "bank_reference", "add": ["R7"]})
    async with door.read() as tx:
        assert len((await tag_rows.load_states(tx)).members["vip"]) == 2


async def test_an_import_does_not_bring_back_who_was_erased_meanwhile(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    say = tag_import._finish

    async def finish(core: Core, job: Job, reading: Any) -> None:
        async with core.store.workspace(WORKSPACE).write() as tx:
            customer = await find_by_reference(tx, "R2")
            assert customer is not None
            await erase(core, tx, customer.id, by="test", now_ms=core.now_ms())
        await say(core, job, reading)

    monkeypatch.setattr(tag_import, "_finish", finish)
    assert (await bank.send("vip", b"bank_reference\nR1\nR2\n"))["members_after"] == 1
    assert await bank.members("vip") == ["R1"]


async def test_of_two_merges_at_once_one_counts(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    done = await asyncio.gather(*(tags_service.merge(bank.core, WORKSPACE) for _ in range(4)))
    assert sum(done) == 1


async def test_a_file_of_ids_is_taken_line_by_line(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    content = (
        b'\xef\xbb\xbfbank_reference\r\nR1\r\n\r\n"R2"\r\nnobody\r\nR3,x\r\n\xff\r\n'
        + b"x" * 1500
        + b'\r\n"R\r\nR1\r\n=1+1'
    )
    found = await bank.send("vip", content)
    assert {
        name: found[name] for name in ("state", "lines", "taken", "refused", "members_before", "members_after")
    } == {
        "state": "done",
        "lines": 9,
        "taken": 3,
        "refused": 6,
        "members_before": 0,
        "members_after": 2,
    }
    assert found["read_bytes"] == found["size_bytes"] == len(content)
    report = await bank.call("GET", f"/tags/vip/imports/{found['id']}/refused")
    assert report.text.split("\r\n")[:4] == [
        "line,id,code",
        "5,nobody,unknown_bank_reference",
        '6,"R3,x",more_than_one_column',
        "7,\ufffd,not_utf8",
    ]
    assert [line.rsplit(",", 1)[1] for line in report.text.split("\r\n")[4:7]] == [
        "line_too_long",
        "bad_quotes",
        "unknown_bank_reference",
    ]
    assert report.text.split("\r\n")[6].startswith("11,'=1+1,")
    assert await bank.members("vip") == ["R1", "R2"]
    assert not await bank.core.objects.exists(upload_key(WORKSPACE, found["id"]))
    assert (await bank.call("DELETE", "/tags/vip")).status_code == 204
    assert not await bank.core.objects.exists(report_key(WORKSPACE, found["id"]))
    assert (await bank.call("GET", f"/tags/vip/imports/{found['id']}")).json()["code"] == "tag_import_unknown"


async def test_a_file_replaces_or_removes(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    await bank.send("vip", b"bank_reference\nR1\nR2\nR3\n")
    removed = await bank.send("vip", b"bank_reference\nR2\nR9\n", "remove")
    assert (removed["members_before"], removed["members_after"]) == (3, 2)
    assert await bank.members("vip") == ["R1", "R3"]
    replaced = await bank.send("vip", b"bank_reference\nR5\nR1\n", "replace")
    assert (replaced["members_before"], replaced["members_after"]) == (2, 2)
    assert await bank.members("vip") == ["R1", "R5"]
    listed = (await bank.call("GET", "/tags/vip/imports")).json()["items"]
    assert [each["mode"] for each in listed] == ["replace", "remove", "add"]


async def test_a_file_without_a_column_is_refused_before_it_is_read(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    headers = bank.headers | {"content-type": "text/csv"}
    for content in (b"", b"name\nR1\n", b"bank_reference,tier\nR1,full\n", b"\x00\xff\n", b"R1\nR2\n"):
        answer = await bank.http.post(f"{PREFIX}/tags/vip/imports", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_tag_import")
    assert (await bank.call("GET", "/tags/vip/imports")).json()["items"] == []
    assert list(bank.core.objects.incoming.iterdir()) == []


async def test_a_file_over_the_limit_is_refused_whole(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_import, "MAX_BYTES", 30)
    await bank.call("POST", "/tags", {"name": "vip"})
    answer = await bank.http.post(
        f"{PREFIX}/tags/vip/imports", content=b"bank_reference\n" + b"R1\n" * 10, headers=bank.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "tag_import_too_large")
    assert list(bank.core.objects.incoming.iterdir()) == []


async def test_only_so_many_files_wait(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_import, "MAX_WAITING", 1)
    await bank.call("POST", "/tags", {"name": "vip"})
    path, content = f"{PREFIX}/tags/vip/imports", b"bank_reference\nR1\n"
    assert (await bank.http.post(path, content=content, headers=bank.headers)).status_code == 202
    answer = await bank.http.post(path, content=content, headers=bank.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_tag_imports")
    assert list(bank.core.objects.incoming.iterdir()) == []
    await bank.run_jobs()
    assert (await bank.send("vip", content))["state"] == "done"


async def test_a_list_of_tags_tells_their_last_import_and_is_searched(bank: Bank) -> None:
    for name, title in (("vip", "贵宾"), ("staff", "Staff of the BANK")):
        await bank.call("POST", "/tags", {"name": name, "title": title})
    await bank.send("vip", b"bank_reference\nR1\n")
    last = await bank.send("vip", b"bank_reference\nnobody\n")
    listed = (await bank.call("GET", "/tags")).json()["items"]
    assert [(each["name"], each["last_import"]) for each in listed] == [("staff", None), ("vip", last)]
    assert (await bank.call("GET", "/tags/vip")).json()["last_import"] == last
    for text, found in (("vi", ["vip"]), ("the bank", ["staff"]), ("贵", ["vip"]), ("nothing", [])):
        items = (await bank.call("GET", f"/tags?search={text}")).json()["items"]
        assert [each["name"] for each in items] == found


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
async def test_a_formula_in_a_report_stays_text(bank: Bank, sign: str) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    found = await bank.send("vip", f"bank_reference\n{sign}1+1\n".encode())
    report = await bank.call("GET", f"/tags/vip/imports/{found['id']}/refused")
    assert report.text.split("\r\n")[1] == f"2,'{sign}1+1,unknown_bank_reference"


async def test_an_import_that_fails_says_so_and_changes_nothing(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_arguments: object) -> dict[str, int]:
        raise OSError("the disk is on fire")

    await bank.call("POST", "/tags", {"name": "vip"})
    monkeypatch.setattr(tag_import, "numbers_of", broken)
    monkeypatch.setattr(tag_import, "ATTEMPTS", 1)
    found = await bank.send("vip", b"bank_reference\nR1\n")
    assert (found["state"], found["cause"]) == ("failed", "OSError: the disk is on fire")
    assert not await bank.core.objects.exists(upload_key(WORKSPACE, found["id"]))
    assert await bank.members("vip") == []


async def test_a_tag_that_cannot_be_is_refused(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "taken"})
    for body, status, code in (
        ({"name": "Vip"}, 422, "bad_tag"),
        ({"name": ""}, 422, "bad_tag"),
        ({"name": "vip", "title": "a\nb"}, 422, "bad_tag"),
        ({"name": "taken"}, 409, "tag_taken"),
    ):
        answer = await bank.call("POST", "/tags", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_tag_that_a_rule_names_stays(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    rule = {"not": {"attr": "tag", "op": "in", "values": ["vip"]}}
    saved = await bank.call("POST", "/audiences", {"name": "Others", "audience": rule})
    assert saved.status_code == 201, saved.text
    answer = await bank.call("DELETE", "/tags/vip")
    assert (answer.status_code, answer.json()["used_by"]) == (409, ["audience Others"])
    uses = (await bank.call("GET", "/tags/vip/uses")).json()["items"]
    assert uses == [{"kind": "audience", "id": saved.json()["id"], "name": "Others"}]


async def test_who_may_change_tags(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    for role, may_edit in (("campaign_operator", True), ("auditor", False), ("reviewer", False)):
        headers = await bearer_for(bank.core, WORKSPACE, await person_with(bank.core, WORKSPACE, role))
        assert (await bank.call("GET", "/tags", headers=headers)).status_code == 200
        made = await bank.call("POST", "/tags", {"name": "other"}, headers=headers)
        assert made.status_code == (201 if may_edit else 403)
        members = await bank.call("POST", "/tags/vip/members", {"add": []}, headers=headers)
        assert members.status_code == (204 if may_edit else 403)
    assert (await bank.call("GET", "/tags", headers={})).status_code == 401


async def test_tags_are_a_workspaces_own(bank: Bank) -> None:
    await bank.call("POST", "/tags", {"name": "vip"})
    await bank.core.replica.poll()
    assert tags_service.states_of(bank.core, OTHER_WORKSPACE).members == {}
    async with bank.core.store.workspace(OTHER_WORKSPACE).read() as tx:
        assert await tag_rows.list_tags(tx) == []


numbers = st.sets(st.integers(0, 300), max_size=20)
events = st.one_of(
    st.builds(TagCreated, st.sampled_from("ab")),
    st.builds(TagDeleted, st.sampled_from("ab")),
    st.builds(SubjectForgotten, st.integers(0, 300)),
    st.builds(
        lambda name, added, removed, cleared: TagChanged(name, pack(BitMap(removed)), pack(BitMap(added)), cleared),
        st.sampled_from("ab"),
        numbers,
        numbers,
        st.booleans(),
    ),
)


def slowly(found: list[Any]) -> dict[str, set[int]]:
    states: dict[str, set[int]] = {}
    for event in found:
        if isinstance(event, TagCreated):
            states.setdefault(event.name, set())
        elif isinstance(event, SubjectForgotten):
            states = {name: members - {event.subject} for name, members in states.items()}
        elif isinstance(event, TagDeleted):
            states.pop(event.name, None)
        elif event.name in states:
            before = set() if event.cleared else states[event.name]
            removed, added = BitMap.deserialize(event.removed), BitMap.deserialize(event.added)
            states[event.name] = (before - set(removed)) | set(added)
    return states


@given(st.lists(events, max_size=12))
async def test_the_log_gives_the_members(found: list[Any]) -> None:
    entries = [LogEntry(n, 0, *_parts(event)) for n, event in enumerate(found, start=1)]
    states = TagStates()
    states.apply(entries)
    assert {name: set(members) for name, members in states.members.items()} == slowly(found)
    for entry in entries[-1:]:
        before = {name: set(members) for name, members in states.members.items()}
        states.apply([entry])
        assert {name: set(members) for name, members in states.members.items()} == before


def _parts(event: Any) -> tuple[str, bytes]:
    entry = to_entry(event)
    return entry.kind, entry.body


async def test_a_change_of_millions_is_rows_of_a_bearable_size() -> None:
    added = BitMap(range(0, 5_000_000, 7))
    found = list(changes("vip", added=added))
    assert len(found) == -(-len(added) // SUBJECTS_PER_ENTRY)
    assert max(len(to_entry(event).body) for event in found) < 700_000
    states = TagStates([("vip", BitMap())])
    for event in found:
        states.take(event)
    assert states.members["vip"] == added
