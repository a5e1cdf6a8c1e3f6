"""Importing customers: every line is taken or refused by name, and a second run changes nothing."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.engines.database import Transaction
from sampan.platform.identity.import_lines import MAX_LINE_BYTES, ImportRow, Line, read_lines, reader_for
from sampan.platform.identity.personal import Personal
from sampan.platform.identity.problems import ImportFormatUnknown
from sampan.platform.identity.repository_customers import Customer, find_by_reference
from sampan.platform.identity.service_customers import read_personal
from sampan.platform.identity.service_import import MAX_REFUSED, ImportReport, import_customers
from sampan.platform.identity.tiers import Tier
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import TestServer, identity_server

pytestmark = pytest.mark.anyio
CSV = "text/csv; charset=utf-8"
JSON_LINES = "application/x-ndjson"


async def chunked(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def lines_of(data: bytes, content_type: str = CSV, size: int = 7) -> list[Line]:
    return [line async for line in read_lines(chunked(data, size), reader_for(content_type))]


async def test_csv_is_read_with_its_header() -> None:
    data = '\ufeffbank_reference,tier,name,extra.branch\r\nA1,full,"李, 雷",x\r\n\r\nA2,,,\r\n'.encode()
    first, second = await lines_of(data)
    assert first == Line(2, ImportRow(bank_reference="A1", tier="full", name="李, 雷", extra={"branch": "x"}))
    assert second == Line(4, ImportRow(bank_reference="A2", name="", extra={"branch": ""}))


BAD_LINES = {
    "short": b"A1,full",
    "long": b"A1,full,x,y",
    "no reference": b",full,x",
    "long reference": b"a" * 129 + b",full,x",
    "unknown tier": b"A1,gold,x",
    "open quote": b'A1,full,"x',
    "not utf-8": b"A1,full,\xff",
    "too long": b"A1,full," + b"x" * MAX_LINE_BYTES,
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
async def test_a_bad_line_is_refused_and_the_next_is_read(bad: bytes) -> None:
    refused, good = await lines_of(b"bank_reference,tier,name\n" + bad + b"\nA2,full,y\n", size=1000)
    assert (refused.number, refused.row) == (2, None)
    assert refused.refusal is not None
    assert good == Line(3, ImportRow(bank_reference="A2", tier="full", name="y"))


@pytest.mark.parametrize("header", [b"name,phone", b"bank_reference,colour", b"bank_reference,name,name", b'"'])
async def test_a_wrong_header_reads_nothing(header: bytes) -> None:
    try:
        found = await lines_of(header + b"\nA1,x\n")
    except ImportFormatUnknown:
        return
    assert all(line.row is None for line in found)


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"bank_reference": 5}', b'{"bank_reference":"A","colour":"x"}', b"{"])
async def test_a_bad_json_line_is_refused(line: bytes) -> None:
    (found,) = await lines_of(line, JSON_LINES)
    assert found.refusal is not None


def test_another_format_is_refused() -> None:
    with pytest.raises(ImportFormatUnknown):
        reader_for("application/json")


@given(st.binary(max_size=300), st.sampled_from([CSV, JSON_LINES]), st.integers(1, 50))
async def test_any_bytes_give_lines_or_a_refusal(data: bytes, content_type: str, size: int) -> None:
    try:
        found = await lines_of(data, content_type, size)
    except ImportFormatUnknown:
        return
    assert all((line.row is None) != (line.refusal is None) for line in found)
    again = await lines_of(data, content_type, 1000)
    assert [(line.number, line.row) for line in found] == [(line.number, line.row) for line in again]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def run(server: TestServer, data: bytes, content_type: str = CSV) -> tuple[ImportReport, list[str]]:
    noted: list[str] = []

    async def note(tx: Transaction, outcome: str, customer: Customer) -> None:
        assert tx.workspace_id == WORKSPACE
        noted.append(f"{outcome} {customer.bank_reference}")

    lines = read_lines(chunked(data, 1000), reader_for(content_type))
    return await import_customers(server.core, WORKSPACE, lines, by="test", note=note), noted


async def test_lines_create_and_change_customers(server: TestServer) -> None:
    data = b"bank_reference,tier,name,phone\nA1,full,Li,+8613800000001\nA2,registered,Wang,\n"
    report, noted = await run(server, data)
    assert (report.counts, report.refused) == ({"created": 2}, [])
    assert sorted(noted) == ["created A1", "created A2"]
    report, noted = await run(server, data)
    assert (report.counts, noted) == ({"unchanged": 2}, [])
    changes = b'{"bank_reference":"A2","tier":"e_account"}\n{"bank_reference":"A1","name":"Lin"}\n'
    report, noted = await run(server, changes, JSON_LINES)
    assert report.counts == {"changed": 2}
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        first, second = [await find_by_reference(tx, reference) for reference in ("A1", "A2")]
        assert first is not None
        assert second is not None
        assert (first.tier, second.tier) == (Tier.FULL, Tier.E_ACCOUNT)
        assert await read_personal(server.core, tx, first.id) == Personal(name="Lin", phone="+8613800000001")


async def test_a_file_of_many_lines_is_taken_in_order(server: TestServer) -> None:
    rows = [{"bank_reference": f"A{n % 150}", "name": f"name {n}"} for n in range(300)]
    report, noted = await run(server, "\n".join(json.dumps(row) for row in rows).encode(), JSON_LINES)
    assert report.counts == {"created": 150, "changed": 150}
    assert len(noted) == 300
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        last = await find_by_reference(tx, "A149")
        assert last is not None
        assert (await read_personal(server.core, tx, last.id)).name == "name 299"


async def test_every_refused_line_is_named(server: TestServer) -> None:
    data = b"bank_reference,tier,phone\nA1,full,+8613800000001\nA2,full,+8613800000001\nA3,visitor,\nA4,full,123\nA5\n"
    report, _ = await run(server, data)
    assert report.counts == {"created": 1}
    refused = {item.line: (item.bank_reference, item.code) for item in report.refused}
    assert refused == {
        3: ("A2", "phone_taken"),
        4: ("A3", "tier_not_for_customers"),
        5: ("A4", "phone_invalid"),
        6: (None, "import_line_invalid"),
    }


async def test_an_import_stops_loudly_when_too_much_is_wrong(server: TestServer) -> None:
    report, _ = await run(server, b"bank_reference,tier\n" + b"x\n" * (MAX_REFUSED + 5))
    assert (len(report.refused), report.stopped_at_line) == (MAX_REFUSED, MAX_REFUSED + 2)
