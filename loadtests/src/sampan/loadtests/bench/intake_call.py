"""Takes one upload in, a number of times, and prints what that cost this process: run by the bench `intake`.

It is a process of its own so that imports stay out of the CPU time and nothing else is in the peak memory.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from sampan.offline_packages import intake


def main(upload: Path, calls: int) -> dict[str, float]:
    """Return CPU milliseconds a call, and how far memory rose above what the imports took."""
    before_mb = memory_mb("VmRSS")
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as folder:
        began = time.process_time()
        for call in range(calls):
            intake(upload, Path(folder, f"accepted-{call}.ma"))
        used = time.process_time() - began
    return {"cpu_ms": used * 1000 / calls, "rss_growth_mb": memory_mb("VmHWM") - before_mb}


def memory_mb(field: str) -> float:
    """Return a memory figure of this process (proc(5)); getrusage keeps the parent's peak across exec."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
