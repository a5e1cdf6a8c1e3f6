"""From the upload of a hotfix to the first device that has it: still signed, still approved by a second person.

The publisher has made and signed it (`sampan hotfix publish --out`), as for the console. The clock starts with the
first byte of the upload: upload and submission, a reviewer's approval, a release to everybody by a release manager, and
the reviewer's approval of that; all act as their browsers would, over the console API, without a pause. It ends when a
device, woken by the live stream, has synced, verified the tree, derived the mended package, placed it and read the new
file from it. People's own time is not in it; everything else that an emergency needs is. In the last round the clock
starts with the command `sampan hotfix publish`, which starts a process, brings the tree up to date and signs, too.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from sampan.loadtests.bench.demo_bank import seeded_demo
from sampan.loadtests.bench.harness import CannotRun, Session
from sampan.loadtests.bench.hotfix_device import AwakeDevice
from sampan.loadtests.bench.open_site import write_samples
from sampan.loadtests.bench.server import HOST
from sampan.loadtests.bench.visible_people import PUBLISHER, RELEASER, REVIEWER, DemoPeople
from sampan.loadtests.device import SimulatedDevice

APP, PATH = "bank.bench.mended", "main.css"
SIZE_BYTES = 200_000
LIMIT_SECONDS = 5.0
ROUNDS, QUICK_ROUNDS = 7, 2
_PATIENCE_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.02
_ALL = f"/apps/{APP}/versions/1/hotfixes"
_STEPS = ("sent", "approved", "published", "released", "on_device")


def measure(session: Session) -> None:
    """Mend an app again and again, and state what the slowest and the usual way took."""
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        folder = Path(made)
        write_samples(folder / "sites", {APP: SIZE_BYTES})
        with seeded_demo(folder, session.say, folder / "sites") as server:
            address = f"http://{HOST}:{server.port}"
            people = DemoPeople(folder / "demo", address, folder / "homes")
            device = SimulatedDevice(folder / "device", server=address, workspace="demo", client_app="retail")
            with AwakeDevice(device, APP, PATH) as awake:
                count = QUICK_ROUNDS if session.quick else ROUNDS
                ways = [_mend(session, people, awake, folder, n) for n in range(1, count + 1)]
                by_command = _mend(session, people, awake, folder, count + 1, by_command=True)
    for step in _STEPS:
        session.state(f"hotfix_{step}_after_s", statistics.median(each[step] for each in ways))
    session.state("hotfix_from_command_s", by_command["on_device"])
    session.state("upload_to_first_device_s", max(each["on_device"] for each in ways), at_most=LIMIT_SECONDS)


def _mend(
    session: Session, people: DemoPeople, awake: AwakeDevice, folder: Path, n: int, *, by_command: bool = False
) -> dict[str, float]:
    """Bring hotfix `n` to the device; returns the seconds until each step was done, from the upload on."""
    content, file, signed = folder / f"{n}.css", folder / f"{n}.hotfix", folder / f"{n}.json"
    content.write_text(f"/* mended {n} */\n")
    people.make_hotfix(APP, 1, PATH, content, file)
    people.publish_hotfix(file, "--out", str(signed))
    for email in (PUBLISHER, REVIEWER, RELEASER):
        people.sign_in(email)
    moments = {"began": time.monotonic()}
    sent = people.publish_hotfix(file) if by_command else _send(people, signed, content.read_bytes())
    moments["sent"] = time.monotonic()
    path = f"{_ALL}/{n}"
    people.call(REVIEWER, "POST", f"{path}/approve", {"digest": sent["review_digest"]})
    moments["approved"] = time.monotonic()
    _wait_until_published(people, path)
    moments["published"] = time.monotonic()
    draft = {"kind": "hotfix", "id": f"{APP}@1", "sequence": n, "audience": {"all": []}}
    release = people.call(RELEASER, "POST", "/releases", draft)["id"]
    asked = people.call(RELEASER, "POST", f"/releases/{release}/submit", {"cause": "mend it"})
    people.call(REVIEWER, "POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]})
    moments["released"] = time.monotonic()
    moments["on_device"] = awake.wait_for(content.read_bytes(), _PATIENCE_SECONDS)
    took = {step: moments[step] - moments["began"] for step in _STEPS}
    session.say(f"hotfix {n}: " + ", ".join(f"{step} after {took[step]:.2f} s" for step in _STEPS))
    return took


def _send(people: DemoPeople, signed: Path, content: bytes) -> dict[str, Any]:
    upload = people.call(PUBLISHER, "POST", "/uploads", content)["upload"]
    return people.call(PUBLISHER, "POST", _ALL, {**json.loads(signed.read_text()), "upload": upload})


def _wait_until_published(people: DemoPeople, path: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while people.call(REVIEWER, "GET", path)["state"] != "published":
        if time.monotonic() > deadline:
            raise CannotRun(f"The hotfix was not published within {_PATIENCE_SECONDS} s.")
        time.sleep(_LOOK_EVERY_SECONDS)
