"""The audit chain: whatever is done to the rows, the check finds it; the files witness what the database lost."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.core import Core
from sampan.platform.crypto.canonical import NotCanonical, canonical_json
from sampan.platform.engines.paging import Order, Paging
from sampan.platform.operators import audit_export
from sampan.platform.operators.actor import MissingPermission, system_actor
from sampan.platform.operators.audit import head, record
from sampan.platform.operators.audit_chain import EMPTY, GENESIS, AuditRow, Head, row_hash, verify_rows
from sampan.platform.operators.audit_export import export, verify_with_files
from sampan.platform.operators.audit_files import AuditDiffers, AuditFiles, row_as_json, row_from_json
from sampan.platform.operators.audit_reading import (
    NEWEST,
    OLDEST,
    AuditFilter,
    audit_csv,
    csv_text,
    page_rows,
    read_audit,
    verify,
)
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core

ACTOR = system_actor("test")
NOW_MS = 1_800_000_000_000

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
details = st.dictionaries(texts, st.one_of(texts, st.integers(-(2**53) + 1, 2**53 - 1), st.booleans()), max_size=3)


@st.composite
def chains(draw: st.DrawFn) -> list[AuditRow]:
    rows: list[AuditRow] = []
    previous = GENESIS
    for n in range(1, draw(st.integers(1, 8)) + 1):
        row = AuditRow(
            workspace_id=WORKSPACE,
            n=n,
            at_ms=draw(st.integers(0, 2**40)),
            actor_kind="operator",
            person_id=draw(texts),
            operator_id=draw(texts),
            via=draw(texts),
            action=draw(texts),
            target=draw(texts),
            detail=canonical_json(draw(details)),
            previous=previous,
            hash="",
        )
        rows.append(sealed(row))
        previous = rows[-1].hash
    return rows


def sealed(row: AuditRow) -> AuditRow:
    return replace(row, hash=row_hash(row))


def rewritten(rows: Sequence[AuditRow]) -> list[AuditRow]:
    """Number and hash the rows anew, as somebody would who owns the whole database."""
    done: list[AuditRow] = []
    for n, row in enumerate(rows, start=1):
        previous = done[-1].hash if done else GENESIS
        done.append(sealed(replace(row, n=n, previous=previous)))
    return done


def witness(rows: Sequence[AuditRow]) -> Head:
    return Head(rows[-1].n, rows[-1].hash)


@given(chains())
def test_an_untouched_chain_is_intact(rows: list[AuditRow]) -> None:
    assert verify_rows(WORKSPACE, rows, witnesses=[witness(rows)], expected_n=len(rows)) == []


@given(chains(), st.data())
def test_any_edit_is_found(rows: list[AuditRow], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(list(AuditRow.__slots__)))
    old = getattr(rows[at], name)
    different: dict[type, st.SearchStrategy[Any]] = {
        int: st.integers(0, 2**53 - 1),
        str: texts,
        bytes: st.one_of(details.map(canonical_json), st.binary(max_size=20)),
    }
    rows[at] = replace(rows[at], **{name: data.draw(different[type(old)].filter(lambda value: value != old))})
    assert verify_rows(WORKSPACE, rows, expected_n=len(rows))


@given(chains(), st.data())
def test_any_removed_row_is_found(rows: list[AuditRow], data: st.DataObject) -> None:
    seen = witness(rows)
    del rows[data.draw(st.integers(0, len(rows) - 1))]
    assert verify_rows(WORKSPACE, rows, witnesses=[seen])
    assert verify_rows(WORKSPACE, rows, expected_n=seen.n)


@given(chains().filter(lambda rows: len(rows) > 1), st.data())
def test_any_swap_is_found(rows: list[AuditRow], data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True))
    rows[one], rows[other] = rows[other], rows[one]
    assert verify_rows(WORKSPACE, rows)
    renumbered = [replace(row, n=n) for n, row in enumerate(rows, start=1)]
    assert verify_rows(WORKSPACE, renumbered)


@given(chains(), st.data())
def test_any_inserted_row_is_found(rows: list[AuditRow], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows)))
    rows.insert(at, sealed(replace(data.draw(st.sampled_from(rows)), action="forged")))
    assert verify_rows(WORKSPACE, rows, expected_n=len(rows) - 1)


@given(chains(), st.data())
def test_a_cut_tail_is_found_by_a_witness(rows: list[AuditRow], data: st.DataObject) -> None:
    kept = rows[: data.draw(st.integers(0, len(rows) - 1))]
    assert verify_rows(WORKSPACE, kept, expected_n=len(kept)) == []  # nothing inside the rows tells
    assert [problem.code for problem in verify_rows(WORKSPACE, kept, witnesses=[witness(rows)])] == ["tail_cut"]


@given(chains(), st.data())
def test_a_chain_rewritten_to_its_end_is_found_by_a_witness(rows: list[AuditRow], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    forged = list(rows)
    forged[at] = replace(forged[at], target=forged[at].target + "!")
    forged = rewritten(forged)
    assert verify_rows(WORKSPACE, forged, expected_n=len(forged)) == []
    assert [problem.code for problem in verify_rows(WORKSPACE, forged, witnesses=[witness(rows)])] == [
        "witness_differs"
    ]


@given(chains())
def test_another_workspaces_chain_is_not_this_one(rows: list[AuditRow]) -> None:
    assert {problem.code for problem in verify_rows(OTHER_WORKSPACE, rows)} == {"row_foreign"}


@given(chains())
def test_a_row_survives_its_file_form(rows: list[AuditRow]) -> None:
    assert [row_from_json(json.loads(canonical_json(row_as_json(row)))) for row in rows] == rows


def test_a_formula_does_not_reach_a_spreadsheet() -> None:
    assert csv_text([["=cmd()", "+1", "-1", "@x", "safe", 7]]) == "'=cmd(),'+1,'-1,'@x,safe,7\r\n"
    for start in (
        "\t",
        "\r",
        "\n",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
    ):  # wide forms are formulas in East Asian editions
        assert csv_text([[f"{start}1"]]).lstrip('"').startswith("'")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path / "data", components=(operators,), now_ms=lambda: NOW_MS) as core:
        yield core


async def write(core: Core, count: int, *, workspace: str = WORKSPACE, start: int = 0) -> None:
    for n in range(start, start + count):
        async with core.store.workspace(workspace).write() as tx:
            await record(tx, ACTOR, f"test.{n % 3}", target=f"t{n}", detail={"n": n}, now_ms=NOW_MS + n)


async def head_of(core: Core) -> Head:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return await head(tx)


def sql(core: Core, statements: str) -> None:
    """Do what an administrator of the database could do, behind the server's back."""
    connection = sqlite3.connect(core.settings.data / "sampan.sqlite")
    connection.executescript(statements)
    connection.close()


@pytest.mark.anyio
async def test_rows_commit_with_the_change_or_not_at_all(core: Core) -> None:
    await write(core, 2)

    async def fail() -> None:
        async with core.store.workspace(WORKSPACE).write() as tx:
            await record(tx, ACTOR, "test.undone", target="t", now_ms=NOW_MS)
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await fail()
    await write(core, 1)
    assert (await head_of(core)).n == 3
    assert (await verify(core, WORKSPACE)).is_intact


@pytest.mark.anyio
async def test_many_writers_make_one_chain(core: Core) -> None:
    await asyncio.gather(*(write(core, 1, start=n) for n in range(40)))
    found = await verify(core, WORKSPACE)
    assert (found.is_intact, found.checked, found.head.n) == (True, 40, 40)


@pytest.mark.anyio
async def test_a_detail_with_a_fraction_is_refused(core: Core) -> None:
    with pytest.raises(NotCanonical):
        async with core.store.workspace(WORKSPACE).write() as tx:
            await record(tx, ACTOR, "test.bad", target="t", detail={"share": 0.5}, now_ms=NOW_MS)


@pytest.mark.anyio
async def test_each_workspace_has_its_own_chain(core: Core) -> None:
    await write(core, 3)
    await write(core, 1, workspace=OTHER_WORKSPACE)
    async with core.store.workspace(OTHER_WORKSPACE).read() as tx:
        assert (await head(tx)).n == 1
    async with core.store.workspace("bank-c").read() as tx:
        assert await head(tx) == EMPTY


TAMPERINGS: dict[str, tuple[str, set[str]]] = {
    "edited": ("UPDATE audit_rows SET target = 'x' WHERE n = 3", {"row_edited"}),
    "edited detail": ("UPDATE audit_rows SET detail = '{}' WHERE n = 3", {"row_edited"}),
    "removed": ("DELETE FROM audit_rows WHERE n = 3", {"row_missing", "link_broken"}),
    "first removed": ("DELETE FROM audit_rows WHERE n = 1", {"row_missing", "link_broken"}),
    "tail cut": ("DELETE FROM audit_rows WHERE n > 4", {"row_missing"}),
    "all removed": ("DELETE FROM audit_rows", {"row_missing"}),
    "reordered": (
        "UPDATE audit_rows SET n = 99 WHERE n = 2;"
        "UPDATE audit_rows SET n = 2 WHERE n = 3;"
        "UPDATE audit_rows SET n = 3 WHERE n = 99",
        {"link_broken", "row_edited"},
    ),
    "hidden below one": ("UPDATE audit_rows SET n = -3 WHERE n = 6", {"row_missing", "row_edited"}),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("statement", "codes"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
async def test_tampering_with_the_database_is_found(core: Core, statement: str, codes: set[str]) -> None:
    await write(core, 6)
    sql(core, statement)
    found = await verify(core, WORKSPACE)
    assert {problem.code for problem in found.problems} >= codes
    assert not found.is_intact


@pytest.mark.anyio
async def test_a_tail_cut_with_the_logs_head_is_found_by_a_timestamp(core: Core) -> None:
    await write(core, 6)
    seen = await head_of(core)
    sql(core, "DELETE FROM audit_rows WHERE n > 4")
    sql(core, "UPDATE log_heads SET head = 4 WHERE log = 'audit'")
    assert (await verify(core, WORKSPACE)).is_intact
    found = await verify(core, WORKSPACE, witnesses=[seen])
    assert [(problem.code, problem.n) for problem in found.problems] == [("tail_cut", 6)]


@pytest.mark.anyio
async def test_export_goes_on_where_it_ended(core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "CHUNK_ROWS", 2)
    await write(core, 5)
    folder = tmp_path / "files"
    assert await export(core, WORKSPACE, folder) != []
    assert await export(core, WORKSPACE, folder) == []
    await write(core, 2, start=5)
    assert [path.name for path in await export(core, WORKSPACE, folder)] == ["audit-000000000006-000000000007.jsonl"]
    found = await verify_with_files(core, WORKSPACE, folder)
    assert (found.is_intact, found.checked) == (True, 7)
    assert AuditFiles(folder, WORKSPACE).head() == await head_of(core)


@pytest.mark.anyio
async def test_files_find_a_rewritten_and_a_cut_database(core: Core, tmp_path: Path) -> None:
    await write(core, 4)
    await export(core, WORKSPACE, tmp_path / "files")
    sql(core, "DELETE FROM audit_rows WHERE n > 2")
    sql(core, "UPDATE log_heads SET head = 2 WHERE log = 'audit'")
    assert {one.code for one in (await verify_with_files(core, WORKSPACE, tmp_path / "files")).problems} == {"tail_cut"}
    await write(core, 3, start=10)  # the server goes on, from where the thief left it
    found = await verify_with_files(core, WORKSPACE, tmp_path / "files")
    assert {one.code for one in found.problems} == {"witness_differs"}
    with pytest.raises(AuditDiffers):
        await export(core, WORKSPACE, tmp_path / "files")


def edit_line(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"target":"t1"', b'"target":"t9"'))


def drop_line(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))


def cut_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def drop_head(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.anyio
@pytest.mark.parametrize("damage", [edit_line, drop_line, cut_file, drop_head, remove])
async def test_damaged_files_are_found(core: Core, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = tmp_path / "files"
    for start in (0, 3):
        await write(core, 3, start=start)
        await export(core, WORKSPACE, folder)
    damage(AuditFiles(folder, WORKSPACE).chunks()[0])
    found = await verify_with_files(core, WORKSPACE, folder)
    assert found.problems
    assert all(problem.code.startswith("file_") for problem in found.problems)


@pytest.mark.anyio
async def test_files_of_another_workspace_are_refused(core: Core, tmp_path: Path) -> None:
    await write(core, 3)
    await export(core, WORKSPACE, tmp_path / "files")
    await write(core, 3, workspace=OTHER_WORKSPACE)
    shutil.copytree(tmp_path / "files", tmp_path / "copy")
    found = await verify_with_files(core, OTHER_WORKSPACE, tmp_path / "copy")
    assert {"file_row_foreign", "witness_differs"} <= {problem.code for problem in found.problems}


@pytest.mark.anyio
async def test_lists_filter_by_actor_action_target_and_time(core: Core) -> None:
    await write(core, 9)

    async def numbers(wanted: AuditFilter, order: Order = NEWEST) -> list[int]:
        async with core.store.workspace(WORKSPACE).read() as tx:
            return [row.n for row in (await page_rows(tx, wanted, Paging(), order)).items]

    assert await numbers(AuditFilter()) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert await numbers(AuditFilter(after_n=6), OLDEST) == [7, 8, 9]
    assert await numbers(AuditFilter(action="test.1")) == [8, 5, 2]
    assert await numbers(AuditFilter(target="t4")) == [5]
    assert await numbers(AuditFilter(actor="test")) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert await numbers(AuditFilter(actor="per_nobody")) == []
    assert await numbers(AuditFilter(from_ms=NOW_MS + 2, until_ms=NOW_MS + 4)) == [4, 3]


@pytest.mark.anyio
async def test_reading_takes_the_right(core: Core) -> None:
    auditor = await actor_of(core, WORKSPACE, await person_with(core, WORKSPACE, "auditor"))
    reviewer = await actor_of(core, WORKSPACE, await person_with(core, WORKSPACE, "reviewer"))
    found = await read_audit(core, WORKSPACE, auditor, AuditFilter(), Paging())
    assert {row.action for row in found.items} == {"operator.create"}
    with pytest.raises(MissingPermission):
        await read_audit(core, WORKSPACE, reviewer, AuditFilter(), Paging())
    lines = "".join([part async for part in audit_csv(core, WORKSPACE, auditor, AuditFilter())]).splitlines()
    assert lines[0].startswith("n,at_ms,actor_kind")
    assert len(lines) == 3
