"""Log lines: JSON, with a trace id, without secrets."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.logs import (
    MASK,
    OWN_LINES,
    TRACE_ID,
    Log,
    configure,
    current_trace_id,
    is_secret_name,
    masked,
    start_trace,
    trace_id_from,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure("info", stream)
    yield stream
    logging.getLogger(OWN_LINES).setLevel(logging.NOTSET)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_time_level_trace_and_facts(stream: io.StringIO) -> None:
    token = TRACE_ID.set(TRACE)
    Log("test").warning("disk_low", free_bytes=7)
    TRACE_ID.reset(token)
    (line,) = lines(stream)
    assert line.pop("at_ms") > 1_700_000_000_000
    assert line == {
        "event": "disk_low",
        "logger": "sampan.test",
        "level": "warning",
        "trace_id": TRACE,
        "free_bytes": 7,
    }


def test_lines_below_the_level_are_left_out(stream: io.StringIO) -> None:
    Log("test").debug("detail")
    assert lines(stream) == []


def test_lines_of_libraries_have_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("refused %s", "Bearer abcdefghijkl")
    logging.getLogger("some.library").debug("statement")
    logging.getLogger("uvicorn.access").info("GET /")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == (f"refused {MASK}", "uvicorn.error", "warning")


def test_an_exception_is_written_with_its_traceback_and_masked(stream: io.StringIO) -> None:
    try:
        raise ValueError("header was eyJhbGciOi.eyJzdWIiOi.c2ln")
    except ValueError:
        Log("test").exception("refused")
    (line,) = lines(stream)
    assert "ValueError" in line["exception"]
    assert "Traceback" in line["exception"]
    assert "eyJ" not in line["exception"]


@pytest.mark.parametrize(
    "name",
    [
        "password", "token", "code", "secret", "key", "authorization", "cookie", "phone", "Authorization",
        "refresh_token", "accessToken", "set-cookie", "private_key", "phone_number", "clientSecret", "PASSWORD",
        "tokens", "x-api-key", "one_time_code", "passphrase", "totp_secret", "APIKey",
    ],
)  # fmt: skip
def test_secret_fields_are_masked_wherever_they_lie(stream: io.StringIO, name: str) -> None:
    deep = {"headers": [{name: "s3cret"}]}
    Log("test").info("seen", **{name: "s3cret"}, request=deep)
    (line,) = lines(stream)
    assert line[name] == MASK
    assert line["request"] == {"headers": [{name: MASK}]}
    assert "s3cret" not in stream.getvalue()


@pytest.mark.parametrize("name", ["status_code", "error_code", "bus_key", "key_id", "keyboard", "monkey", "decoder"])
def test_harmless_fields_stay(name: str) -> None:
    assert not is_secret_name(name)


def test_what_json_does_not_know_is_still_written(stream: io.StringIO) -> None:
    Log("test").info("odd", value=object, raw=b"\x00secret", big=2**70, text="\ud800")
    (line,) = lines(stream)
    assert line["raw"] == "7 bytes"
    assert line["big"] == 2**70


def test_a_structure_without_end_is_cut() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    assert MASK in str(masked(endless))


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_no_value_below_a_secret_name_survives(value: Any) -> None:
    assert masked({"a": [{"token": value, "b": 1}]}) == {"a": [{"token": MASK, "b": 1}]}


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-later"]
)
def test_a_valid_traceparent_gives_the_trace_id(header: str) -> None:
    assert trace_id_from(header) == TRACE
    assert trace_id_from(header.encode()) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        None, "", "00", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-x", f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01\n", b"\xff" * 55,
    ],
)  # fmt: skip
def test_anything_else_gives_a_fresh_one(header: str | bytes | None) -> None:
    first, second = trace_id_from(header), trace_id_from(header)
    assert first != second
    assert {len(first), len(second)} == {32}
    assert TRACE not in {first, second}


def test_start_trace_takes_the_header_and_names_the_request() -> None:
    assert start_trace([(b"host", b"x"), (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())]) == TRACE
    assert current_trace_id() == TRACE
    assert start_trace([]) == current_trace_id() != TRACE
    TRACE_ID.set("")


@pytest.mark.parametrize("part", ["eyJ", "eyJ-", "bearer ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----"])
def test_masking_takes_time_in_proportion(part: str) -> None:
    """Quadratic, a text of this length would take hours: strangers choose what stands in a path."""
    assert len(str(masked(part * 300_000))) <= len(part) * 300_000
