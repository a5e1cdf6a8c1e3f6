"""`sampan up --demo`: the server with the demo's people; the rest is seeded by a process of its own, over HTTP.

The server's process is given the folder `server/` and the people's first passwords, and nothing of the officers or
the publisher: their keys are made and used by the seeding process alone.
"""

import subprocess
import sys
from typing import TYPE_CHECKING

from sampan.platform.cli.demo_folder import PEOPLE, WORKSPACE, DemoFolder, DemoPerson

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.settings import Settings

SEED = "from sampan.platform.cli import main; main()"
SEED_ENDS_SECONDS = 5


def serve_demo(settings: "Settings", folder: DemoFolder) -> None:
    """Serve the demo until a signal; seeds it, once, while it serves."""
    from sampan.platform.serving import serve

    cast = folder.cast()
    seeding = _Seeding(folder)

    async def prepare(core: "Core") -> None:
        await make_people(core, cast)

    try:
        serve(settings, prepare=None if folder.is_seeded() else prepare, ready=seeding.start)
    finally:
        seeding.stop()


async def make_people(core: "Core", cast: list[DemoPerson]) -> None:
    """Make the demo's workspace and the people who run it, those that are missing."""
    from sampan.platform.operators.first_people import create_ready_operator
    from sampan.platform.operators.people_door import read_people
    from sampan.platform.operators.person_rows import person_by_email
    from sampan.platform.workspaces.service import create_workspace

    staff = {email for email, _, _ in PEOPLE}
    async with read_people(core, WORKSPACE) as tx:
        missing = [each for each in cast if each.email in staff and await person_by_email(tx, each.email) is None]
    if missing:
        await create_workspace(core, WORKSPACE, "Demo Bank")
    for each in missing:
        await create_ready_operator(
            core,
            WORKSPACE,
            email=each.email,
            name=each.name,
            grants=[{"role": each.role}],
            password=each.password,
            totp_secret=each.totp_secret,
        )


class _Seeding:
    """The seeding process: started when the server is ready, ended with it."""

    def __init__(self, folder: DemoFolder) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, address: str) -> None:
        """Seed, or when that was done before, print the sign-ins."""
        self._folder.remember_address(address)
        if self._folder.is_seeded():
            from sampan.platform.cli.demo_summary import summary

            sys.stdout.write(summary(self._folder, address) + "\n")
            sys.stdout.flush()
            return
        data = ["--data", str(self._folder.root), "--server", address]
        command = [sys.executable, "-c", SEED, "demo", "seed", *data]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command

    def stop(self) -> None:
        """End the seeding; the next start resumes it."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(SEED_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
