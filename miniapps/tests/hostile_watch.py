"""Who sees what a browser sends: a listener nobody should call, and a wire in front of the server that keeps requests.

Both listen on 127.0.0.1 alone.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

HEAD = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[^\r\n]* HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*", re.ASCII)
CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Sent:
    """The head of one request as it came over the wire."""

    head: str

    @property
    def target(self) -> str:
        """Path and query."""
        return self.head.split(" ", 2)[1]

    def header(self, name: str) -> str:
        """Return a header's value, or the empty text."""
        found = re.search(rf"(?im)^{name}: *(.*?)\r?$", self.head)
        return found[1] if found else ""


@dataclass
class Listener:
    """A place of the attacker's: what comes in is kept, one entry for each connection; nothing is answered."""

    received: list[bytes] = field(default_factory=list)
    _socket: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        """The port of both TCP and its address."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Listen in a thread of its own."""
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.received.append(b"")
                at = len(self.received) - 1
                threading.Thread(target=self._receive, args=(connection, at), daemon=True).start()

    def _receive(self, connection: socket.socket, at: int) -> None:
        with connection, contextlib.suppress(OSError):
            self.received[at] = connection.recv(CHUNK_BYTES)


@dataclass
class Wire:
    """Passes bytes on to the server's port and keeps what browsers sent, connection by connection."""

    server_port: int
    _streams: list[bytearray] = field(default_factory=list)
    _socket: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        """The port that browsers use."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Pass on in threads of its own."""
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections; those that are open end with their sides."""
        self._socket.close()

    def sent(self) -> Iterator[Sent]:
        """Return the heads of all requests so far."""
        for stream in list(self._streams):
            for found in HEAD.finditer(bytes(stream)):
                yield Sent(found[0].decode("latin-1"))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                far = socket.create_connection(("127.0.0.1", self.server_port))
                stream = bytearray()
                self._streams.append(stream)
                threading.Thread(target=_pass_on, args=(near, far, stream), daemon=True).start()
                threading.Thread(target=_pass_on, args=(far, near, None), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            if kept is not None:
                kept += data
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    source.close()
