"""HTTP/1.1 as uvicorn reads it, with a bound that its fast parser lacks: on the request line and the headers."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024  # many times what any client of ours sends


class BoundedHttp(HttpToolsProtocol):
    """Cuts a connection off whose request line and headers do not end; nobody is asked who they are before that."""

    _is_in_head = True
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what arrived; when the head goes on after it, it counts."""
        super().data_received(data)
        if self._is_in_head and self.transport is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The request line and the headers are too large.")

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Count no more: bodies have bounds of their own."""
        self._is_in_head = False
        super().on_headers_complete()
