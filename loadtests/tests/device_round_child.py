"""One round of a simulated device that kills itself with SIGKILL at the first occurrence of a step.

python device_round_child.py FOLDER SERVER WORKSPACE NOW_MS STEP [STEP ...]

FOLDER/<STEP> is the device of each step; a device whose round went through without that step makes it fail.
"""

import os
import signal
import sys
from pathlib import Path

from sampan.loadtests.device import SimulatedDevice


def main(folder: str, server: str, workspace: str, now_ms: str, *steps: str) -> None:
    for name in steps:
        child = os.fork()
        if child == 0:

            def step(reached: str, wanted: str = name) -> None:
                if reached == wanted:
                    os.kill(os.getpid(), signal.SIGKILL)

            device = SimulatedDevice(
                Path(folder) / name,
                server=server,
                workspace=workspace,
                client_app="retail",
                now_ms=lambda: int(now_ms),
                step=step,
            )
            device.run()
            os._exit(1)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"the round never came to {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
