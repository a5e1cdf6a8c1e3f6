"""The CPU time that a process and its descendants have used. Linux only.

`/proc/<pid>/stat` counts in ticks of 10 ms, too coarse for one start-up or a thousand requests, and
`schedstat` forgets threads that ended. The kernel's CPU clock of a process has neither fault:
clock_getcpuclockid(3) names it.
"""

import os
import time
from pathlib import Path

_CPU_CLOCK_OF_PROCESS = 2  # CPUCLOCK_SCHED in the kernel's include/linux/posix-timers.h
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of `pid` and of its descendants, living or ended.

    A descendant that ends while we look counts once its parent has waited for it.
    """
    try:
        own = time.clock_gettime(~pid << 3 | _CPU_CLOCK_OF_PROCESS)
        return own + _ended_children(pid) + sum(cpu_seconds(child) for child in _children(pid))
    except (OSError, ValueError):
        return 0.0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        found.extend(map(int, listing.read_text().split()))
    return found


def _ended_children(pid: int) -> float:
    # The second field is the name in parentheses, which may itself hold blanks and parentheses (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / _TICKS_PER_SECOND
