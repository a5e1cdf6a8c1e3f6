"""Calls made for others: which addresses they reach, through every disguise, and the bounds of an answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from sampan.platform import guarded_calls
from sampan.platform.guarded_calls import (
    AddressForbidden,
    BadAddress,
    Destination,
    GuardedCalls,
    UpstreamFailed,
    is_public,
    parse_destination,
    resolve_by_system,
)

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "192.0.0.170", "198.18.0.1", "192.0.2.1", "::1", "::", "fc00::1", "fe80::1",
        "fe80::1%eth0", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:db8::1", "fec0::1", "feff::1",
    ],
)  # fmt: skip
def test_no_disguise_makes_an_address_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/", "ftp://api.example.com/", "//api.example.com/", "api.example.com", "https://", "https:///x",
        "https://user@api.example.com/", "https://u:p@api.example.com/", "https://api.example.com:0x50/",
        "https://api.example.com:99999/", "https://api.example.com\\@evil.example/", "https://api.example.com/\r\nx: y",
        "https://api.example.com/ x", "https://[::1/", "https://bücher.example/", "https://a\tb/",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadAddress):
        parse_destination(url)


def test_the_parts_of_an_address() -> None:
    assert parse_destination("https://API.example.com./a/b?c=d#e") == Destination(
        "https", "api.example.com", 443, "/a/b?c=d"
    )
    other = parse_destination("http://api.localhost:9001?x", allows_http=True)
    assert (other.path, other.authority) == ("/?x", "api.localhost:9001")


def resolving(*answers: Sequence[str]) -> guarded_calls.Resolve:
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        if not left:
            raise OSError("no such name")
        return left.pop(0)

    return resolve


@asynccontextmanager
async def server(say: Say) -> AsyncIterator[int]:
    running = await asyncio.start_server(say, "127.0.0.1", 0)
    async with running:
        yield int(running.sockets[0].getsockname()[1])


def saying(text: bytes) -> Say:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            received.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(text)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client thought better of it
        finally:
            writer.close()

    received: list[bytes] = []
    say.received = received  # type: ignore[attr-defined] # read by the tests
    return say


def ours(port: int, path: str = "/") -> Destination:
    return Destination("http", "api.test", port, path)


@pytest.mark.anyio
async def test_a_private_address_is_never_connected_to() -> None:
    say = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    async with server(say) as port:
        for answer in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"]):
            calls = GuardedCalls(resolve=resolving(answer))
            with pytest.raises(AddressForbidden):
                await calls.call(ours(port), "GET", {}, b"")
            await calls.close()
    assert say.received == []  # type: ignore[attr-defined] # see saying


@pytest.mark.anyio
async def test_a_listed_host_is_listed_with_its_port() -> None:
    say = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    async with server(say) as port:
        calls = GuardedCalls(private_hosts=[("api.test", port + 1)], resolve=resolving(["127.0.0.1"]))
        with pytest.raises(AddressForbidden):
            await calls.call(ours(port), "GET", {}, b"")
        await calls.close()
    assert say.received == []  # type: ignore[attr-defined] # see saying


@pytest.mark.anyio
async def test_a_name_that_cannot_be_looked_up_is_unknown() -> None:
    calls = GuardedCalls()
    with pytest.raises(UpstreamFailed, match="no server named"):
        await calls.call(Destination("https", "a" * 70 + ".example", 443, "/"), "GET", {}, b"")
    await calls.close()


@pytest.mark.anyio
async def test_a_name_is_looked_up_once_and_the_checked_address_is_used() -> None:
    """Between check and connection there is no second look-up that could answer otherwise."""
    say = saying(b"HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nhi")
    async with server(say) as port:
        calls = GuardedCalls(private_hosts=[("api.test", port)], resolve=resolving(["127.0.0.1"], ["10.0.0.1"]))
        answer = await calls.call(ours(port, "/a?b"), "POST", {"x-mine": "1", "content-length": "3"}, b"abc")
        await calls.close()
    assert (answer.status, answer.body) == (200, b"hi")
    assert [value for name, value in answer.headers if name == "x-a"] == ["1", "2"]
    (sent,) = say.received  # type: ignore[attr-defined] # see saying
    assert sent.startswith(f"POST /a?b HTTP/1.1\r\nhost: api.test:{port}\r\n".encode())
    assert b"x-mine: 1" in sent


@pytest.mark.anyio
async def test_redirects_are_answers_and_not_followed() -> None:
    say = saying(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n")
    async with server(say) as port:
        calls = GuardedCalls(private_hosts=[("api.test", port)], resolve=resolving(["127.0.0.1"]))
        answer = await calls.call(ours(port), "GET", {}, b"")
        await calls.close()
    assert answer.status == 302
    assert len(say.received) == 1  # type: ignore[attr-defined] # see saying


@pytest.mark.anyio
async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_calls, "MAX_RESPONSE_BYTES", 10)
    async with server(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world")) as port:
        calls = GuardedCalls(private_hosts=[("api.test", port)], resolve=resolving(["127.0.0.1"]))
        with pytest.raises(UpstreamFailed) as caught:
            await calls.call(ours(port), "GET", {}, b"")
        await calls.close()
    assert caught.value.facts["reason"] == "too_large"


@pytest.mark.anyio
async def test_a_server_that_does_not_answer_is_given_up() -> None:
    waiting = asyncio.Event()

    async def say(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waiting.wait()
        writer.close()

    async with server(say) as port:
        calls = GuardedCalls(private_hosts=[("api.test", port)], resolve=resolving(["127.0.0.1"]))
        with pytest.raises(UpstreamFailed) as caught:
            await calls.call(ours(port), "GET", {}, b"", seconds=0.05)
        waiting.set()
        await calls.close()
    assert caught.value.facts["reason"] == "timeout"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "reason"), [([], "unknown_name"), (None, "unknown_name"), (["127.0.0.1"], "unreachable")]
)
async def test_who_is_not_there(answer: list[str] | None, reason: str) -> None:
    async with server(saying(b"")) as port:
        closed = port
    calls = GuardedCalls(private_hosts=[("api.test", closed)], resolve=resolving(*([] if answer is None else [answer])))
    with pytest.raises(UpstreamFailed) as caught:
        await calls.call(ours(closed), "GET", {}, b"")
    assert caught.value.facts["reason"] == reason
    await calls.close()


@pytest.mark.anyio
async def test_a_tls_server_must_prove_the_name() -> None:
    """The connection goes to an address, but it is the name that the certificate must have: here there is none."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with server(say) as port:
        calls = GuardedCalls(private_hosts=[("api.test", port)], resolve=resolving(["127.0.0.1"]))
        with pytest.raises(UpstreamFailed, match="reached"):
            await calls.call(Destination("https", "api.test", port, "/"), "GET", {}, b"", seconds=2)
        await calls.close()


@pytest.mark.anyio
async def test_names_below_localhost_are_this_machine() -> None:
    assert await resolve_by_system("api.demo.localhost", 80) == ["127.0.0.1"]
