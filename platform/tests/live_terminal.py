"""A command at a real terminal, for tests of what it asks."""

import os
import pty
import select
import subprocess

from sampan.platform.testing_cli import COMMAND, Person

WAIT_SECONDS = 60.0


class Terminal:
    """A command at a real terminal: what it shows is read, and answered."""

    def __init__(self, person: Person, *arguments: str) -> None:
        person.folder.mkdir(parents=True, exist_ok=True)
        env = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
        env |= {"SAMPAN_HOME": str(person.folder / "home"), "TERM": "dumb", "COLUMNS": "200"} | person.environment
        self._screen, inside = pty.openpty()
        self._process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=inside, stdout=inside, stderr=inside, env=env, cwd=person.folder
        )
        os.close(inside)
        self.shown, self._seen = "", 0

    def answer(self, prompt: str, text: str) -> None:
        """Wait for a prompt, whole as it is shown once input is read, and type."""
        while prompt not in self.shown[self._seen :]:
            assert self._read(), f"no {prompt!r} in {self.shown!r}"
        self._seen = len(self.shown)
        os.write(self._screen, text.encode() + b"\n")

    def end(self) -> int:
        """Return the exit status, once everything it showed was read."""
        while self._read():
            pass
        os.close(self._screen)
        return self._process.wait(WAIT_SECONDS)

    def _read(self) -> bool:
        if not select.select([self._screen], [], [], WAIT_SECONDS)[0]:
            return False
        try:
            data = os.read(self._screen, 4096)
        except OSError:  # the other end is closed: the command has ended
            return False
        self.shown += data.decode()
        return bool(data)
