"""How a version fares on devices, as evidence that a gate may act on: devices count, each once, never events.

Only devices that proved by a ticket that they were offered the release, and that were registered before it began: who
wants to stop a release by forged failures has to have had that many devices in it. A device has told how the version
fares when it booted or failed, or when somebody opened the app there and no boot was reported. Of one network
(`limits.network_of`) no more than a share counts, so that one place cannot speak for all.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from sqlalchemy import BigInteger, Column, ColumnElement, String, and_, or_, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.repository_devices import devices
from sampan.platform.insight.health import HealthReport, Metric
from sampan.platform.insight.repository import device_stages
from sampan.platform.insight.schemas import STAGE_ORDER, Stage

DELIVERY_FAILED = "delivery_failed"
KEPT = frozenset({Metric.OPEN, Metric.WHITE_SCREEN, Metric.SCRIPT_ERROR, Metric.RESOURCE_FAILED})
INSTALLED, FAILED = STAGE_ORDER[Stage.INSTALLED], STAGE_ORDER[Stage.FAILED]
LEAST_OF_A_NETWORK = 3
NETWORK_SHARE = 10  # one tenth

device_signals = scoped_table(
    "device_signals",
    Column("app", String(200), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("signal", String(24), primary_key=True),
    Column("device_id", String(40), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)
_D, _S, _G = devices.c, device_stages.c, device_signals.c


class Fared(Struct, frozen=True):
    """How many devices told how a version fares, and on how many of them it failed."""

    devices: int
    failures: int


class _Told(Struct, frozen=True):
    network: str
    failed: bool


async def note_signals(tx: Transaction, reports: Iterable[HealthReport]) -> None:
    """Remember which devices reported what of a version, once each."""
    found = {
        (each.app_id, each.sequence, each.counter, each.device_id): each.at_ms
        for each in reports
        if each.device_id and each.counter in KEPT
    }
    if found:
        names = ("app", "sequence", "signal", "device_id")
        rows = [
            {"workspace_id": tx.workspace_id, **dict(zip(names, key, strict=True)), "at_ms": at_ms}
            for key, at_ms in sorted(found.items())
        ]
        await tx.execute(insert_or_ignore(tx, device_signals), rows)


async def of_release(
    tx: Transaction,
    release_id: str,
    app: str,
    sequence: int,
    signals: Collection[str],
    *,
    registered_before_ms: int,
    told_from_ms: int,
) -> Fared:
    """Return how a release fared on devices that were registered before a time, from what they told from a time on."""
    only = (_S.release_id == release_id, _D.created_ms < registered_before_ms, _S.at_ms >= told_from_ms)
    return await _fared(tx, app, sequence, signals, only)


async def of_version(tx: Transaction, app: str, sequence: int, signals: Collection[str]) -> Fared:
    """Return how a version fared on all devices that any release of it was offered to."""
    return await _fared(tx, app, sequence, signals)


async def _fared(
    tx: Transaction, app: str, sequence: int, signals: Collection[str], only: Iterable[ColumnElement[bool]] = ()
) -> Fared:
    def signalled(names: Iterable[str]) -> ColumnElement[bool]:
        theirs = (_G.workspace_id == tx.workspace_id, _G.app == app, _G.sequence == sequence)
        return _S.device_id.in_(select(_G.device_id).where(*theirs, _G.signal.in_(sorted(names))))

    has_opened_in_vain = and_(_S.stage == INSTALLED, signalled([Metric.OPEN]))
    has_failed = signalled(set(signals) - {DELIVERY_FAILED})
    if DELIVERY_FAILED in signals:
        has_failed = or_(has_failed, _S.stage == FAILED, has_opened_in_vain)
    statement = (
        select(_S.device_id, _D.network, has_failed.label("failed"))
        .select_from(device_stages.join(devices, and_(_D.workspace_id == _S.workspace_id, _D.id == _S.device_id)))
        .where(
            _S.workspace_id == tx.workspace_id,
            _D.workspace_id == tx.workspace_id,
            _S.app == app,
            _S.sequence == sequence,
            or_(_S.stage >= FAILED, has_opened_in_vain),
            *only,
        )
    )
    told: dict[str, _Told] = {}
    for row in await tx.execute(statement):
        before = told.get(row.device_id)
        told[row.device_id] = _Told(row.network, bool(row.failed) or (before is not None and before.failed))
    return _capped(told)


def _capped(told: Mapping[str, _Told]) -> Fared:
    """Count the devices; of a network with more than its share, healthy ones and failures go in proportion."""
    networks: dict[str, list[bool]] = {}
    for each in told.values():
        networks.setdefault(each.network, []).append(each.failed)
    counted = failures = 0
    for network, failed in networks.items():
        # Of those of the others: a crowd of its own would only raise its own bound.
        most = max(LEAST_OF_A_NETWORK, (len(told) - len(failed)) // (NETWORK_SHARE - 1))
        share = len(failed) if not network else min(len(failed), most)
        counted += share
        failures += -(-sum(failed) * share // len(failed))
    return Fared(counted, failures)
