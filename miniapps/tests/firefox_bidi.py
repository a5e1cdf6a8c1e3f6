"""A Firefox of the machine, driven over WebDriver BiDi (W3C) with nothing but the standard library.

Only what the tests of the container need: start on a profile, go somewhere, run script in the page or in its frame.
"""

import base64
import itertools
import json
import os
import re
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE_SECONDS = 60
# Runs as a function of (code, args); whatever the code returns or throws comes back as one text of JSON.
_RUN = """async (code, args) => {
  try {
    const value = await new (async () => {}).constructor("args", code)(JSON.parse(args));
    return JSON.stringify({ value: value ?? null });
  } catch (problem) {
    return JSON.stringify({ code: problem?.code ?? String(problem) });
  }
}"""


def firefox() -> str | None:
    """Return the machine's Firefox, or None."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class FirefoxFailed(Exception):
    """Firefox answered with an error; the text is its own."""


class Firefox:
    """One browser process with one tab. Use it as a context manager."""

    def __init__(self, profile: Path) -> None:
        profile.mkdir(exist_ok=True)
        command = [
            str(firefox()),
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
            "--remote-debugging-port",
            "0",
        ]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._ids = itertools.count(1)
        self._wire = _Wire(self._port())
        self._send("session.new", capabilities={})
        self._tab: str = self._send("browsingContext.getTree", maxDepth=0)["contexts"][0]["context"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._send("browser.close")
            self._process.wait(PATIENCE_SECONDS)
        finally:
            self._wire.close()
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()

    def goto(self, url: str) -> None:
        """Show a page and wait for its load event."""
        self._send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def run(self, code: str, **args: Any) -> Any:
        """Return the value of `code` in the page, the body of an async function of `args`; fails when it throws."""
        return self._evaluated(self._tab, code, args)

    def in_app(self, code: str) -> Any:
        """The same, inside the app's frame: the last one of the page."""
        (tree,) = self._send("browsingContext.getTree", root=self._tab)["contexts"]
        return self._evaluated(tree["children"][-1]["context"], code, {})

    def _evaluated(self, context: str, code: str, args: dict[str, Any]) -> Any:
        found = self._send(
            "script.callFunction",
            functionDeclaration=_RUN,
            arguments=[{"type": "string", "value": text} for text in (code, json.dumps(args))],
            target={"context": context},
            awaitPromise=True,
        )
        if found["type"] != "success":
            raise FirefoxFailed(json.dumps(found["exceptionDetails"])[:1000])
        answer = json.loads(found["result"]["value"])
        if "code" in answer:
            raise FirefoxFailed(answer["code"])
        return answer["value"]

    def _send(self, method: str, **parameters: Any) -> Any:
        number = next(self._ids)
        self._wire.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._wire.receive())
            if answer.get("id") != number:
                continue  # an event
            if answer["type"] == "error":
                raise FirefoxFailed(f"{method}: {answer['error']}: {answer['message']}")
            return answer["result"]

    def _port(self) -> int:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = re.search(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)", line)
            if found:
                return int(found[1])
        raise FirefoxFailed(f"Firefox ended with {self._process.wait()} before it listened.")


class _Wire:
    """The client's end of a WebSocket (RFC 6455): text messages, no extensions."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._reader = self._socket.makefile("rb")
        if b" 101 " not in self._reader.readline():
            raise FirefoxFailed("Firefox opened no WebSocket.")
        while self._reader.readline().strip():
            pass

    def send(self, text: str) -> None:
        data = text.encode()
        short = len(data) if len(data) < 126 else 126 if len(data) < 65_536 else 127
        length = b"" if short < 126 else struct.pack(">H" if short == 126 else ">Q", len(data))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._socket.sendall(bytes([0x81, 0x80 | short]) + length + mask + masked)

    def receive(self) -> str:
        """Return the next text message, whole."""
        message = b""
        while True:
            head = self._reader.read(2)
            if len(head) < 2:
                raise FirefoxFailed("Firefox ended the connection.")
            first, second = head
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(self._reader.read(2 if size == 126 else 8))
            data = self._reader.read(size)
            if first & 0x0F == 8:
                raise FirefoxFailed("Firefox closed the connection.")
            if first & 0x0F in (0, 1):
                message += data
                if first & 0x80:
                    return message.decode()

    def close(self) -> None:
        self._reader.close()
        self._socket.close()
