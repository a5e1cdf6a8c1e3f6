"""What `sampan doctor` looks at in the deployment itself; floors and components contribute their own checks.

Every finding says what is wrong and what to do. Pure looking: a doctor changes nothing.
"""

import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sampan.platform import migrations
from sampan.platform.component import DoctorCheck, Finding, Port, PortNeed
from sampan.platform.core import Core
from sampan.platform.settings import Settings

LEAST_FREE_BYTES = 2 * 2**30
CLOCK_FLOOR_SECONDS = 1_780_000_000  # a clock before this program was written is wrong


def look_at_folder(settings: Settings) -> Sequence[Finding]:
    """Return findings about the data folder, before anything in it is opened."""
    return list(_folder(settings))


async def look(core: Core) -> Sequence[Finding]:
    """Return the findings of all checks, the worst first."""
    findings = [*_clock(), *_ports(core)]
    for check in core.contributions(DoctorCheck):
        findings.extend(await check.run(core))
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda finding: order[finding.severity])


def _folder(settings: Settings) -> Iterator[Finding]:
    database = settings.data / "sampan.sqlite"
    if not database.exists():
        yield Finding(
            "no_data",
            "error",
            f"There is no database in {settings.data}.",
            "Name the folder with --data or SAMPAN_DATA, or make one with `sampan init`.",
        )
        return
    version = migrations.present_version(database)
    if version != migrations.HEAD:
        yield Finding(
            "schema_not_current",
            "error",
            f"The schema is at {version}; this program expects {migrations.HEAD}.",
            "Stop the server, copy the folder, then run `sampan migrate`.",
        )
    free = shutil.disk_usage(settings.data).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            "disk_nearly_full",
            "error",
            f"{free // 2**20} MiB are free beside the data.",
            "Free room or grow the disk: on a full one nothing can be published, and changes are refused.",
        )
    for path in (settings.data, settings.data / "keys", *(settings.data / "keys").rglob("*")):
        if path.exists() and _is_open_to_others(path):
            yield Finding(
                "readable_by_others",
                "error",
                f"Other accounts can read {path}.",
                f"Run `chmod -R go= {settings.data}`.",
            )


def _is_open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _clock() -> Iterator[Finding]:
    if time.time() < CLOCK_FLOOR_SECONDS:
        yield Finding(
            "clock_wrong",
            "error",
            "This machine's clock is in the past; devices will find every signature expired.",
            "Set the clock and keep it by NTP, then restart the server.",
        )


def _ports(core: Core) -> Iterator[Finding]:
    implemented = {port.protocol for port in core.contributions(Port)}
    for need in core.contributions(PortNeed):
        if need.protocol not in implemented:
            yield Finding(
                "port_missing",
                "error",
                f"No component implements {need.protocol.__name__}: {need.why}.",
                "Install the bank's component that does (docs/operations/ports.md); without it nothing starts.",
            )
