"""Runs one scenario on copies of a device, killing itself with SIGKILL at step 0, 1, 2 ... until none is left.

    python device_kill_child.py SCENARIO TEMPLATE WORK BASE_URL TREE ROOT HINT_JSON NOW_MS

Each copy lies in WORK/<n>; the names of the steps that were hit are printed as one JSON list.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import msgspec

from sampan.offline_packages.device import Device, Hint, StackHint
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.fetching import HttpFetch
from sampan.offline_packages.verifier import TrustedTree


def scenario(name: str, device: Device, told: str, now_ms: int) -> None:
    if name == "hotfix":
        stack = msgspec.json.decode(told, type=StackHint)
        device.sync(now_ms=now_ms, listed=[stack.app])
        device.apply_hotfixes(stack)
        with device.open(stack.app, now_ms=now_ms):
            device.booted(stack.app)
        return
    hint = msgspec.json.decode(told, type=Hint)
    if name == "update":
        device.sync(now_ms=now_ms, listed=[hint.id])
        device.apply(hint)
        with device.open(hint.id, now_ms=now_ms):
            device.booted(hint.id)
    elif name == "withdrawn":
        device.sync(now_ms=now_ms)
        device.open(hint.id, now_ms=now_ms).package.close()
    elif name == "watchdog":
        with device.open(hint.id, now_ms=now_ms):
            device.booted(hint.id)
    elif name == "remove":
        device.store.remove(hint.id)


def main(name: str, template: str, work: str, base_url: str, tree: str, root: str, hint: str, now_ms: str) -> None:
    hit: list[str] = []
    while True:
        folder = Path(work) / str(len(hit))
        shutil.copytree(template, folder, symlinks=True)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            count = 0

            def step(found: str, told: int = writer) -> None:
                nonlocal count
                if count == len(hit):
                    os.write(told, found.encode())
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1

            fetch = HttpFetch()
            trusted = TrustedTree(
                folder / "trust", base_url=base_url, tree=tree, root=Path(root).read_bytes(), fetch=fetch, step=step
            )
            device = Device(trusted, DeviceStore(folder / "store", step=step), fetch)
            scenario(name, device, hint, int(now_ms))
            os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        named = os.read(reader, 100).decode()
        os.close(reader)
        if os.WIFEXITED(status):
            sys.exit(f"the scenario failed with {status}") if status else print(json.dumps(hit))  # noqa: T201 - read by the parent
            return
        hit.append(named)


if __name__ == "__main__":
    main(*sys.argv[1:])
