"""A client of a stream of the server under test."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

from sampan.platform.testing import WORKSPACE


@dataclass
class Stream:
    """A client of a stream, without a network: what it got, and whether it reads and stays."""

    app: ASGIApp
    path: str
    headers: dict[str, str]
    workspace: str = WORKSPACE
    messages: list[Message] = field(default_factory=list)
    new: asyncio.Event = field(default_factory=asyncio.Event)
    is_reading: asyncio.Event = field(default_factory=asyncio.Event)
    is_away: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    async def open(self) -> "Stream":
        """Send the request and wait for the head and the first bytes, or for a refusal."""
        self.is_reading.set()
        plain, _, query = self.path.partition("?")
        path = plain if self.workspace == WORKSPACE else f"/w/{self.workspace}{plain}"
        raw = [(name.encode(), value.encode()) for name, value in {"host": "localhost", **self.headers}.items()]
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
        }
        scope |= {"headers": raw, "client": ("127.0.0.1", 1), "scheme": "http", "query_string": query.encode()}
        self.task = asyncio.ensure_future(self.app(scope, self._receive, self._send))
        await self.until(lambda: len(self.messages) >= 2)
        return self

    async def _receive(self) -> Message:
        await self.is_away.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.messages.append(message)
        self.new.set()
        await self.is_reading.wait()

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self.new.clear()
                await self.new.wait()

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.messages).decode()

    @property
    def code(self) -> str:
        return str(orjson.loads(self.text)["code"])

    async def hears(self, text: str) -> None:
        await self.until(lambda: text in self.text)

    async def ends(self) -> bool:
        """Wait for the end; return whether the answer was finished properly."""
        assert self.task is not None
        await asyncio.wait_for(self.task, 10)
        return not self.messages[-1].get("more_body", False)

    async def leave(self) -> None:
        self.is_away.set()
        await self.ends()
