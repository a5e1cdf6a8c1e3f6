"""What devices report: how many run, fetched, installed or failed a label. Counts for people; nothing follows of them.

Anybody who has an app's deployment key can report anything, so no report stops or advances a release. A device that
names itself is counted once as long as it says the same of the same label, and again when it returns from another, for
it fetched and installed it again (docs/protocols/codepush.md); what is kept of its name is a keyed hash. Labels that
the deployment does not have are not counted, and of binary versions and devices only so many are kept.
"""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import func, select, update

from sampan.codepush.checking import CompiledDeployment
from sampan.codepush.problems import CodePushBusy, CodePushMalformed
from sampan.codepush.tables import clients, counts
from sampan.codepush.versions import BadRange, padded, parse_version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or, insert_or_ignore

MOST_WAITING = 2_000
MAX_BINARIES = 200
MAX_CLIENTS = 2_000_000
_LABEL = re.compile(r"v[1-9][0-9]*")
_C, _N = clients.c, counts.c


class Status(StrEnum):
    """What a device says of a label that it put in place."""

    SUCCEEDED = "DeploymentSucceeded"
    FAILED = "DeploymentFailed"


class Deployed(Struct, frozen=True):
    """A device runs `label`, or a binary version without one; or it tried the label and went back."""

    deployment: CompiledDeployment
    client: str
    label: str
    is_label: bool
    is_failed: bool
    previous: CompiledDeployment
    previous_label: str


class Downloaded(Struct, frozen=True):
    """A device fetched a label."""

    deployment: CompiledDeployment
    client: str
    label: str


class _Known(Struct, frozen=True):
    """What was last noted of a device."""

    running: str = ""
    downloaded: str = ""
    failed: str = ""


class Reports:
    """Writes reports, many in one COMMIT; refuses more than can wait. One per process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting = 0
        self._kept: dict[str, int] = {}

    async def deployed(self, workspace_id: str, report: Deployed) -> None:
        """Count a deploy report; durable on return."""
        if not _is_counted(report.deployment, report.label, is_label=report.is_label):
            return
        async with self._turn(workspace_id) as tx:
            await self._deployed(tx, report, self._name(workspace_id, report.client))

    async def downloaded(self, workspace_id: str, report: Downloaded) -> None:
        """Count a download; durable on return."""
        if not _is_counted(report.deployment, report.label, is_label=True):
            return
        async with self._turn(workspace_id) as tx:
            client, place = self._name(workspace_id, report.client), report.deployment.id
            known = await _known(tx, place, client)
            if known is not None and known.downloaded == report.label:
                return
            if not client or await self._note(tx, place, client, known, downloaded=report.label):
                await _add(tx, place, report.label, downloaded=1)

    @asynccontextmanager
    async def _turn(self, workspace_id: str) -> AsyncIterator[Transaction]:
        if self._waiting >= MOST_WAITING:
            raise CodePushBusy("The server is busy with other reports; send this one again.", retry_after_seconds=30)
        self._waiting += 1
        try:
            async with self._core.store.workspace(workspace_id).write() as tx:
                yield tx
        finally:
            self._waiting -= 1

    def _name(self, workspace_id: str, client: str) -> str:
        """Return what is kept of a device's name for itself; empty when it has none."""
        if not client:
            return ""
        secret = self._core.secret(f"codepush-clients/{workspace_id}")
        return hmac.new(secret, client.encode(errors="replace"), hashlib.sha256).hexdigest()[:32]

    async def _deployed(self, tx: Transaction, report: Deployed, client: str) -> None:
        place = report.deployment.id
        known = await _known(tx, place, client)
        if report.is_label and report.is_failed:
            if known is not None and known.failed == report.label:
                return
            if not client or await self._note(tx, place, client, known, failed=report.label):
                await _add(tx, place, report.label, failed=1)
            return
        if known is not None and known.running == report.label:
            return
        if client and not await self._note(tx, place, client, known, running=report.label, failed=""):
            return
        await _add(tx, place, report.label, active=1, installed=int(report.is_label))
        await self._leave(tx, report, client, known)

    async def _leave(self, tx: Transaction, report: Deployed, client: str, known: _Known | None) -> None:
        """Count the device off what it ran before: as was noted, or, without a name, as it says."""
        if known is not None and known.running:
            await _add(tx, report.deployment.id, known.running, active=-1)
        if not client:
            if report.previous_label:
                await _add(tx, report.previous.id, report.previous_label, active=-1)
        elif report.previous.id != report.deployment.id:
            before = await _known(tx, report.previous.id, client)
            if before is not None and before.running:
                await self._note(tx, report.previous.id, client, before, running="")
                await _add(tx, report.previous.id, before.running, active=-1)

    async def _note(
        self, tx: Transaction, deployment_id: str, client: str, known: _Known | None, **values: str
    ) -> bool:
        """Keep what a device said; False when it is new and no more devices are kept."""
        if known is not None:
            where = (_C.workspace_id == tx.workspace_id, _C.deployment_id == deployment_id, _C.client == client)
            await tx.execute(update(clients).where(*where).values(**values))
            return True
        if deployment_id not in self._kept:
            self._kept[deployment_id] = await _count_clients(tx, deployment_id)
        if self._kept[deployment_id] >= MAX_CLIENTS:
            return False
        self._kept[deployment_id] += 1
        row = {
            "running": "",
            "downloaded": "",
            "failed": "",
            "deployment_id": deployment_id,
            "client": client,
            **values,
        }
        await tx.execute(insert_or_ignore(tx, clients).values(workspace_id=tx.workspace_id, **row))
        return True


def _is_counted(deployment: CompiledDeployment, label: str, *, is_label: bool) -> bool:
    if is_label:
        return label in deployment.labels
    try:
        parse_version(padded(label))
    except BadRange as problem:
        raise CodePushMalformed(
            "A deploy status report must contain a valid appVersion and deploymentKey."
        ) from problem
    return len(label) <= 64


async def _known(tx: Transaction, deployment_id: str, client: str) -> _Known | None:
    if not client:
        return None
    statement = select(_C.running, _C.downloaded, _C.failed).where(
        _C.workspace_id == tx.workspace_id, _C.deployment_id == deployment_id, _C.client == client
    )
    row = (await tx.execute(statement)).one_or_none()
    return _Known(*row) if row else None


async def _count_clients(tx: Transaction, deployment_id: str) -> int:
    where = (_C.workspace_id == tx.workspace_id, _C.deployment_id == deployment_id)
    return int((await tx.execute(select(func.count()).select_from(clients).where(*where))).scalar_one())


async def _add(
    tx: Transaction,
    deployment_id: str,
    label: str,
    *,
    active: int = 0,
    downloaded: int = 0,
    installed: int = 0,
    failed: int = 0,
) -> None:
    """Add to the counts of a label; nobody is counted off where nobody is counted."""
    where = (_N.workspace_id == tx.workspace_id, _N.deployment_id == deployment_id)
    change = (
        update(counts)
        .where(*where, _N.label == label)
        .values(
            active=func.max(_N.active + active, 0) if tx.dialect == "sqlite" else func.greatest(_N.active + active, 0),
            downloaded=_N.downloaded + downloaded,
            installed=_N.installed + installed,
            failed=_N.failed + failed,
        )
    )
    if (await tx.execute(change)).rowcount or active < 0:
        return
    number = (await tx.execute(select(func.count()).select_from(counts).where(*where))).scalar_one()
    if _LABEL.fullmatch(label) is None and number >= MAX_BINARIES:
        return
    row = {"active": active, "downloaded": downloaded, "installed": installed, "failed": failed}
    await tx.execute(
        insert_or(tx, counts).values(workspace_id=tx.workspace_id, deployment_id=deployment_id, label=label, **row)
    )
