"""HTTP/1.1 as our server speaks it: over real connections, and with a clock of our own where time counts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from sampan.platform.hot import read_body, send_bytes
from sampan.platform.http_protocol import CONTENT_BYTES, CONTENT_SECONDS, HEAD_SECONDS, MAX_HEAD_BYTES, Http
from sampan.platform.serving import server_config
from sampan.platform.settings import Settings

pytestmark = pytest.mark.anyio
END = b"\r\n\r\n"
GET = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"


class App:
    """Answers by path; what it does not know it echoes: method, path, query and content."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.is_begun, self.may_end, self.is_told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        own: Callable[[Receive, Send], Awaitable[None]] | None = getattr(self, scope["path"].strip("/"), None)
        if own is not None:
            await own(receive, send)
            return
        body = await read_body(receive, 2**20)
        text = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} ".encode() + body
        await send_bytes(send, 200, text, ())

    async def wait(self, receive: Receive, send: Send) -> None:
        self.is_begun.set()
        await self.may_end.wait()
        await send_bytes(send, 200, b"waited", ())

    async def drain(self, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send_bytes(send, 200, b"drained", ())

    async def gone(self, receive: Receive, send: Send) -> None:
        self.is_begun.set()
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        await send_bytes(send, 200, b"nobody reads this", ())
        self.is_told.set()

    async def pieces(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for body, more in ((b"one", True), (b"", True), (b"three", False)):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    async def nothing_to_say(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 304, "headers": [(b"ETag", b'"a"')]})
        await send({"type": "http.response.body", "body": b""})

    async def refuse_content(self, receive: Receive, send: Send) -> None:
        await send_bytes(send, 413, b"too large", ())

    async def fail(self, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    async def tear(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    async def half(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        self.is_begun.set()
        await receive()

    async def split_header(self, receive: Receive, send: Send) -> None:
        await send_bytes(send, 200, b"", [(b"x-name", b"a\r\nset-cookie: b")])

    async def bad_name(self, receive: Receive, send: Send) -> None:
        await send_bytes(send, 200, b"", [(b"x name", b"a")])

    async def too_long(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"two"})


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def server(app: App) -> AsyncIterator[uvicorn.Server]:
    config = server_config(Settings(port=0), app)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server
    app.may_end.set()
    await server.shutdown()


class Client:
    """One connection; `answer` reads a head and the content that it announces."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def head(self) -> bytes:
        return (await asyncio.wait_for(self.reader.readuntil(END), 20)).lower()

    async def answer(self) -> tuple[int, bytes]:
        head = await self.head()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head.split(b" ")[1]), await asyncio.wait_for(self.reader.readexactly(length), 20)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 20)


@pytest.fixture
async def client(server: uvicorn.Server) -> AsyncIterator[Client]:
    async with connected(server) as client:
        yield client


@contextlib.asynccontextmanager
async def connected(server: uvicorn.Server) -> AsyncIterator[Client]:
    port = server.servers[0].sockets[0].getsockname()[1]
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield client
    finally:
        client.writer.close()


async def test_one_connection_takes_requests_one_after_the_other(client: Client, app: App) -> None:
    for number in range(3):
        await client.say(GET % b"a%%20b/%d?c=d" % number)
        assert await client.answer() == (200, b"GET /a b/%d c=d " % number)
    assert app.scopes[0]["raw_path"] == b"/a%20b/0"
    assert app.scopes[0]["headers"] == [(b"host", b"x")]


async def test_pipelined_requests_are_answered_in_their_order(client: Client, app: App) -> None:
    post = b"POST /%b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n%b"
    await client.say(GET % b"wait" + post % (b"second", b"22") + GET % b"third")
    await app.is_begun.wait()
    await client.say(post % (b"fourth", b"4"), b"4")
    assert [scope["path"] for scope in app.scopes] == ["/wait"]
    app.may_end.set()
    texts = [await client.answer() for _ in range(4)]
    assert texts == [(200, b"waited"), (200, b"POST /second  22"), (200, b"GET /third  "), (200, b"POST /fourth  44")]


async def test_content_arrives_however_it_is_cut(client: Client) -> None:
    whole = b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde"
    chunked = b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n"
    for request in (whole, chunked):
        for step in (1, 7, len(request)):
            await client.say(*(request[at : at + step] for at in range(0, len(request), step)))
            assert await client.answer() == (200, b"POST /x  abcde")


async def test_a_trailer_is_no_header(client: Client, app: App) -> None:
    head = b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    await client.say(head + b"1\r\na\r\n0\r\nauthorization: b\r\n\r\n" + GET % b"next")
    assert await client.answer() == (200, b"POST /x  a")
    assert await client.answer() == (200, b"GET /next  ")
    assert b"authorization" not in dict(app.scopes[0]["headers"])


async def test_trailers_without_end_are_cut_off(client: Client) -> None:
    head = b"POST /wait HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-long: "
    with contextlib.suppress(ConnectionError):
        await client.say(head, *[b"a" * 4096] * (40 * MAX_HEAD_BYTES // 4096))
        assert (await client.head()).startswith(b"http/1.1 400 ")


async def test_many_small_chunks_do_not_count_as_a_head(client: Client) -> None:
    await client.say(b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    size, rounds = b"%064x\r\n" % 4, 1_100
    assert len(size) * rounds > MAX_HEAD_BYTES
    for _ in range(rounds):
        await client.say(size, b"abcd\r\n")
        await asyncio.sleep(0)
    await client.say(b"0\r\n\r\n")
    assert (await client.answer())[1].endswith(b"abcd" * rounds)


async def test_who_waits_to_be_asked_for_content_is_asked(client: Client) -> None:
    head = b"POST /%b HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 3\r\n\r\n"
    await client.say(head % b"x")
    assert await client.head() == b"http/1.1 100 continue\r\n\r\n"
    await client.say(b"abc")
    assert await client.answer() == (200, b"POST /x  abc")
    await client.say(head % b"refuse_content")
    refusal = await client.rest()
    assert refusal.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in refusal  # what follows would be read as a request


async def test_an_answer_without_a_length_is_chunked(client: Client) -> None:
    await client.say(GET % b"pieces")
    assert b"transfer-encoding: chunked" in await client.head()
    assert await client.reader.readuntil(b"0\r\n\r\n") == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
    await client.say(GET.replace(b"1.1", b"1.0") % b"pieces")
    old = await client.rest()
    assert b"chunked" not in old
    assert old.endswith(END + b"onethree")


async def test_heads_alone_and_unchanged_files_have_no_content(client: Client) -> None:
    await client.say(GET.replace(b"GET", b"HEAD") % b"x")
    assert b"content-length: 9\r\n" in await client.head()
    await client.say(GET % b"nothing_to_say")
    head = await client.head()
    assert head.startswith(b"http/1.1 304 not modified\r\n")
    assert b'etag: "a"' in head
    assert b"chunked" not in head
    await client.say(GET % b"x")
    assert await client.answer() == (200, b"GET /x  ")


async def test_who_asks_to_close_is_closed(client: Client) -> None:
    await client.say(b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + GET % b"not-answered")
    answer = await client.rest()
    assert b"connection: close" in answer
    assert b"not-answered" not in answer


async def test_an_upgrade_is_answered_as_an_ordinary_request(client: Client) -> None:
    await client.say(b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer


CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01\x02\x00" + END,
        b"GET http:// HTTP/1.1" + END,
        b"GET /\xff HTTP/1.1" + END,
        b"GET / HTTP/1.1\r\nhost: x\r\nx : y" + END,
        b"GET / HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c" + END,
        b"GET / HTTP/1.1\r\n host: x" + END,
        b"GET / HTTP/1.1\r\nhost: x\rx-a: b" + END,
        b"GET / HTTP/1.1\r\nhost: x\nx-a: b" + END,
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx-a: b\0c" + END,
        b"GET / HTTP/1.1\r\nhost: x\r\nx\0a: b" + END,
        b"GET / HTTP/1.1\r\nhost: x\r\n: b" + END,
        b"GET / HTTP/1.1" + END,
        b"GET / HTTP/2.0\r\nhost: x" + END,
        b"GET / HTTP/1.2\r\nhost: x" + END,
        b"GET /" + END,
        b"GET http://other/ HTTP/1.1\r\nhost: x" + END,
        b"GET /a#b HTTP/1.1\r\nhost: x" + END,
        b"CONNECT x:80 HTTP/1.1\r\nhost: x" + END,
        HEAD + b"content-length: 1\r\ncontent-length: 2" + END,
        HEAD + b"content-length: 1\r\ncontent-length: 1" + END + b"a",
        HEAD + b"content-length: 1, 1" + END + b"a",
        HEAD + b"content-length: +1" + END + b"a",
        HEAD + b"content-length: 99999999999999999999999" + END,
        HEAD + b"content-length: 1\r\ntransfer-encoding: chunked" + END,
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 1" + END,
        HEAD + b"transfer-encoding: identity" + END,
        HEAD + b"transfer-encoding: gzip, chunked" + END + b"0" + END,
        HEAD + b"transfer-encoding: chunked, chunked" + END + b"0" + END,
        HEAD + b"transfer-encoding: \x0bchunked" + END + b"0" + END,
        HEAD + b"transfer-encoding : chunked" + END + b"0" + END,
        HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: identity" + END + b"0" + END,
        HEAD + b"transfer-encoding: identity\r\ntransfer-encoding: chunked" + END + b"0" + END,
        HEAD + b"transfer-encoding: gzip\r\nTransfer-Encoding: chunked" + END + b"0" + END,
        HEAD.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked" + END + b"0" + END,
        HEAD + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 1" + END + b"a",
        HEAD + b"connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked" + END + b"0" + END,
    ],
)
async def test_what_is_no_http_is_refused(client: Client, app: App, bad: bytes) -> None:
    await client.say(bad)
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    assert app.scopes == []


@pytest.mark.parametrize(
    "content",
    [
        b"1\na\r\n0" + END,
        b"1;x\na\r\n0" + END,
        b"1;x\ry\r\na\r\n0" + END,
        b"0x1\r\na\r\n0" + END,
        b" 1\r\na\r\n0" + END,
        b"-1\r\na\r\n0" + END,
        b"10000000000000001\r\na\r\n0" + END,
        b"1\r\nab\r\n0" + END,
        b"1\r\na\n0" + END,
        b"1;" + b"x" * 40 * MAX_HEAD_BYTES + b"\r\na\r\n0" + END,
    ],
)
async def test_chunks_that_servers_read_differently_are_refused(client: Client, app: App, content: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        await client.say(CHUNKED + content + GET % b"smuggled")
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "/smuggled" not in [scope["path"] for scope in app.scopes]


async def test_a_refusal_is_not_written_into_an_answer_that_began(client: Client, app: App) -> None:
    await client.say(CHUNKED.replace(b" / ", b" /half "))
    await app.is_begun.wait()
    await client.say(b"zz" + END)
    assert (await client.rest()).endswith(b"half")


@pytest.mark.parametrize("path", [b"fail", b"split_header", b"bad_name"])
async def test_an_application_that_fails_is_answered_for(client: Client, path: bytes) -> None:
    await client.say(GET % path)
    answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert answer.endswith(b"Internal Server Error")
    assert b"set-cookie" not in answer


@pytest.mark.parametrize("path", [b"tear", b"too_long"])
async def test_a_torn_answer_is_cut_off(client: Client, path: bytes) -> None:
    await client.say(GET % path)
    assert await client.head()
    assert await client.rest() in (b"half", b"")


async def test_the_application_is_told_that_the_client_went(client: Client, app: App) -> None:
    await client.say(GET % b"gone")
    await app.is_begun.wait()
    client.writer.close()
    await asyncio.wait_for(app.is_told.wait(), 20)


async def test_who_has_sent_the_next_request_too_is_missed_as_well(client: Client, app: App) -> None:
    await client.say(GET % b"gone" + GET % b"next")
    await app.is_begun.wait()
    client.writer.close()
    await asyncio.wait_for(app.is_told.wait(), 5)


async def test_a_stop_waits_for_the_answer_under_way_and_for_no_idle_client(
    server: uvicorn.Server, app: App, client: Client
) -> None:
    async with connected(server) as idle:
        await idle.say(GET % b"x")
        await idle.answer()
        await client.say(GET % b"wait")
        await app.is_begun.wait()
        stopping = asyncio.ensure_future(server.shutdown())
        assert await idle.rest() == b""
        assert not stopping.done()
        app.may_end.set()
        answer = await client.rest()
        assert answer.endswith(b"waited")
        assert b"connection: close" in answer
        await asyncio.wait_for(stopping, 20)


class Clock:
    """The part of a loop that a connection uses, with a time of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, **_: Any) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self.now + delay, callback, args, asyncio.get_running_loop())
        self.timers.append((self.now + delay, lambda: None if handle.cancelled() else handle._run()))
        return handle

    def create_future(self) -> Any:
        return asyncio.get_running_loop().create_future()

    def create_task(self, coro: Any, **_: Any) -> Any:
        return asyncio.get_running_loop().create_task(coro)

    def pass_seconds(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= end]:
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = end


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.is_closed, self.is_paused = b"", False, False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def writelines(self, list_of_data: Any) -> None:
        self.sent += b"".join(list_of_data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def wire(app: App, clock: Clock) -> tuple[Http, Wire]:
    return connected_to(app, clock)


def connected_to(app: App, clock: Clock) -> tuple[Http, Wire]:
    """Return a new connection, and what is written to it."""
    config = server_config(Settings(), app)
    config.load()
    connection, wire = Http(config, ServerState(), {}, cast("asyncio.AbstractEventLoop", clock)), Wire()
    connection.connection_made(wire)
    return connection, wire


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(
    wire: tuple[Http, Wire], clock: Clock, app: App
) -> None:
    connection, transport = wire
    clock.pass_seconds(4)
    connection.data_received(GET % b"wait")
    await app.is_begun.wait()
    clock.pass_seconds(1000)
    assert not transport.is_closed
    app.may_end.set()
    await asyncio.gather(*connection.server_state.tasks)
    assert transport.sent.endswith(b"waited")
    clock.pass_seconds(4.9)
    assert not transport.is_closed
    clock.pass_seconds(0.2)
    assert transport.is_closed


async def test_a_head_that_trickles_in_has_its_time_and_no_more(wire: tuple[Http, Wire], clock: Clock) -> None:
    connection, transport = wire
    for _ in range(int(HEAD_SECONDS) - 1):
        connection.data_received(b"GET" if not clock.now else b" " if clock.now == 1 else b"/")
        clock.pass_seconds(1)
    assert not transport.is_closed
    clock.pass_seconds(2)
    assert transport.is_closed


POST = b"POST /%b HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n"


async def settle(connection: Http) -> None:
    """Let the application run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_content_that_trickles_in_is_cut_off(wire: tuple[Http, Wire], clock: Clock) -> None:
    connection, transport = wire
    connection.data_received(POST % b"x")
    while not transport.is_closed and clock.now < 200:
        await settle(connection)
        connection.data_received(b"a" * (CONTENT_BYTES // int(CONTENT_SECONDS) - 10))
        clock.pass_seconds(1)
    assert transport.sent.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in transport.sent
    assert CONTENT_SECONDS < clock.now < 2 * CONTENT_SECONDS
    await asyncio.gather(*connection.server_state.tasks)
    assert transport.sent.count(b"HTTP/1.1") == 1


async def test_content_that_stops_in_the_middle_is_cut_off(wire: tuple[Http, Wire], clock: Clock) -> None:
    connection, transport = wire
    connection.data_received(POST % b"x" + b"a" * 2 * CONTENT_BYTES)
    await settle(connection)
    clock.pass_seconds(2 * CONTENT_SECONDS)
    assert transport.sent.startswith(b"HTTP/1.1 408 ")


async def test_the_end_of_chunks_may_not_be_kept_back_either(wire: tuple[Http, Wire], clock: Clock) -> None:
    connection, transport = wire
    head = b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"
    connection.data_received(head + b"0\r\nx-trailer: ")
    while not transport.is_closed and clock.now < 200:
        await settle(connection)
        connection.data_received(b"a")
        clock.pass_seconds(1)
    assert transport.sent.startswith(b"HTTP/1.1 408 ")


async def test_a_slow_line_that_goes_on_may_send_for_hours(wire: tuple[Http, Wire], clock: Clock) -> None:
    connection, transport = wire
    connection.data_received(POST % b"drain")
    while clock.now < 3600:
        await settle(connection)
        connection.data_received(b"a" * 2000)
        clock.pass_seconds(2)
    assert transport.sent == b""
    assert not transport.is_closed


async def test_content_waits_for_a_slow_application_without_harm(
    wire: tuple[Http, Wire], clock: Clock, app: App
) -> None:
    connection, transport = wire
    connection.data_received(POST % b"wait" + b"a" * 70_000)
    await settle(connection)
    clock.pass_seconds(10 * CONTENT_SECONDS)
    assert transport.sent == b""
    asking = b"POST /wait HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
    other, second = connected_to(app, clock)
    other.data_received(asking)
    clock.pass_seconds(10 * CONTENT_SECONDS)
    assert second.sent == b""
    assert not second.is_closed


@pytest.mark.parametrize("bad", [b"GET / HTTP/1.1\r\nx : y" + END, CHUNKED + b"zz" + END])
async def test_a_bad_request_waits_for_the_answers_before_it(wire: tuple[Http, Wire], app: App, bad: bytes) -> None:
    connection, transport = wire
    connection.data_received(GET % b"wait")
    await app.is_begun.wait()
    connection.data_received(bad)
    connection.data_received(GET % b"never")
    assert transport.sent == b""
    app.may_end.set()
    await asyncio.gather(*connection.server_state.tasks)
    assert transport.is_closed
    assert transport.sent.count(b"HTTP/1.1 ") == 1
    assert transport.sent.endswith(b"waited")
    assert [scope["path"] for scope in app.scopes] == ["/wait"]


async def test_an_application_that_is_slow_to_read_slows_the_client(wire: tuple[Http, Wire], app: App) -> None:
    connection, transport = wire
    connection.data_received(b"POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
    connection.data_received(b"a" * 70_000)
    assert transport.is_paused
    app.may_end.set()
    await asyncio.gather(*connection.server_state.tasks)
    assert not transport.is_paused


async def test_a_client_that_is_slow_to_read_slows_the_application(wire: tuple[Http, Wire]) -> None:
    connection, transport = wire
    connection.pause_writing()
    connection.data_received(GET % b"x")
    await asyncio.sleep(0)
    assert transport.sent == b""
    connection.resume_writing()
    await asyncio.gather(*connection.server_state.tasks)
    assert transport.sent.endswith(b"GET /x  ")
