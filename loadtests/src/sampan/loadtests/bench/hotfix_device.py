"""A device that syncs whenever the live stream wakes it, and notes when it first has which content of a file."""

import http.client
import threading
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sampan.loadtests.bench.harness import CannotRun
from sampan.loadtests.device import SimulatedDevice
from sampan.offline_packages.opened_package import StoreDamaged

_LIVE = "/client/v1/live"
_SILENCE_SECONDS = 60
_EVENT = b"event: revision"


class AwakeDevice:
    """Use it as a context manager: after a first round everything is the stream's doing, in a thread of its own."""

    def __init__(self, device: SimulatedDevice, app: str, path: str) -> None:
        self._device, self._app, self._path = device, app, path
        self._changed = threading.Condition()
        self._had: dict[bytes, float] = {}
        self._problem = ""
        self._url = urlsplit(device.calls.url(_LIVE))
        self._stream = http.client.HTTPConnection(self._url.netloc, timeout=_SILENCE_SECONDS)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._device.run(open_apps=False)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream.sock is not None:
            self._stream.sock.shutdown(2)
        self._thread.join(_SILENCE_SECONDS)

    def wait_for(self, content: bytes, seconds: float) -> float:
        """Return when the device first had this content, by `time.monotonic`; raise `CannotRun` when it does not."""
        with self._changed:
            self._changed.wait_for(lambda: content in self._had or self._problem != "", seconds)
            if content not in self._had:
                raise CannotRun(f"The device did not have it within {seconds} s. {self._problem}")
            return self._had[content]

    def _listen(self) -> None:
        try:
            headers = {"authorization": f"Bearer {self._device.session.kept.access_token}"}
            self._stream.request("GET", self._url.path, headers=headers)
            with self._stream.getresponse() as answer:
                while line := answer.readline():
                    if line.startswith(_EVENT):
                        self._device.sync()
                        self._look()
            ended = "The live stream ended."
        except Exception as problem:  # whatever ends the thread is told by whoever waits for it
            ended = f"{type(problem).__name__}: {problem}"
        with self._changed:
            self._problem = ended
            self._changed.notify_all()

    def _look(self) -> None:
        try:
            with self._device.store.open(self._app) as package:
                content = package.read(self._path)
        except StoreDamaged:
            return  # nothing is installed yet
        with self._changed:
            self._had.setdefault(content, time.monotonic())
            self._changed.notify_all()
