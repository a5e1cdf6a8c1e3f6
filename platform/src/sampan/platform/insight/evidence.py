"""How a version fares on devices, as evidence that a gate may act on: devices count, each once, never events.

Only devices that proved by a ticket that they were offered the release, and that were registered before it began: who
wants to stop a release by forged failures has to have had that many devices in it. A device has told how the version
fares when it booted or failed, or when somebody opened the app there and no boot was reported. A ratio of two types of
events asks those that reported either. Of one network (`limits.network_of`) no more than a share counts, and hardly
more failures than the others let expect, so that one place cannot speak for all.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import BigInteger, Column, ColumnElement, Index, String, and_, or_, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.repository_devices import devices
from sampan.platform.insight.delivery_rows import BOOTED, INSTALLED, device_stages
from sampan.platform.insight.health import BY_EVENT, HealthReport, Metric
from sampan.platform.insight.retired_rows import is_retired

DELIVERY_FAILED = "delivery_failed"
LEAST_OF_A_NETWORK = 3
NETWORK_SHARE = 10  # one tenth
TIMES_OTHERS = 3

device_signals = scoped_table(
    "device_signals",
    Column("app", String(200), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("signal", String(64), primary_key=True),
    Column("device_id", String(40), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)
Index("ix_device_signals_age", device_signals.c.workspace_id, device_signals.c.at_ms)
_D, _S, _G = devices.c, device_stages.c, device_signals.c


class Fared(Struct, frozen=True):
    """How many devices told how a version fares, and on how many of them it failed."""

    devices: int
    failures: int


EventType = Annotated[str, Meta(min_length=1, max_length=64)]


class Ratio(Struct, frozen=True, forbid_unknown_fields=True):
    """Devices that reported events of the type `failed`, of those that reported these or events of the type `of`."""

    failed: EventType
    of: EventType


class _Told(Struct, frozen=True):
    network: str
    failed: bool


def signal_of(event_type: str) -> str:
    """Return the name under which it is remembered that a device reported an event of this type."""
    return str(BY_EVENT.get(event_type, event_type))


async def note_signals(tx: Transaction, reports: Iterable[HealthReport]) -> None:
    """Remember which devices reported what of a version, and when they did last."""
    found = {
        (each.app_id, each.sequence, each.signal, each.device_id): each.at_ms for each in reports if each.device_id
    }
    if found:
        names = ("app", "sequence", "signal", "device_id")
        rows = [
            {"workspace_id": tx.workspace_id, **dict(zip(names, key, strict=True)), "at_ms": at_ms}
            for key, at_ms in sorted(found.items())
        ]
        statement = insert_or(tx, device_signals)
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id", *names],
            set_={"at_ms": statement.excluded.at_ms},
            where=_G.at_ms < statement.excluded.at_ms,
        )
        await tx.execute(statement, rows)


async def of_release(
    tx: Transaction,
    release_id: str,
    app: str,
    sequence: int,
    signals: Collection[str],
    ratios: Collection[Ratio] = (),
    *,
    registered_before_ms: int,
    told_from_ms: int,
) -> Fared:
    """Return how a release fared on devices that were registered before a time, from what they told from a time on."""
    only = (_S.release_id == release_id, _D.created_ms < registered_before_ms)
    return await _fared(tx, app, sequence, signals, ratios, only, told_from_ms)


async def of_version(
    tx: Transaction, app: str, sequence: int, signals: Collection[str], ratios: Collection[Ratio] = ()
) -> Fared:
    """Return how a version fared on all devices that any release of it was offered to.

    Nothing is known of a version whose signals are no longer kept: without them it would look healthy.
    """
    if await is_retired(tx, app, sequence):
        return Fared(0, 0)
    return await _fared(tx, app, sequence, signals, ratios)


async def _fared(
    tx: Transaction,
    app: str,
    sequence: int,
    signals: Collection[str],
    ratios: Collection[Ratio],
    only: Iterable[ColumnElement[bool]] = (),
    told_from_ms: int = 0,
) -> Fared:
    def signalled(names: Iterable[str]) -> ColumnElement[bool]:
        theirs = (_G.workspace_id == tx.workspace_id, _G.app == app, _G.sequence == sequence)
        since = (_G.at_ms >= told_from_ms, _G.signal.in_(sorted(names)))
        return _S.device_id.in_(select(_G.device_id).where(*theirs, *since))

    has_opened_in_vain = and_(_S.stage == INSTALLED, signalled([Metric.OPEN]))
    broke = and_(_S.failed, _S.stage < BOOTED)
    failing = set(signals) - {DELIVERY_FAILED} | {signal_of(each.failed) for each in ratios}
    has_failed = signalled(failing)
    if DELIVERY_FAILED in signals:
        has_failed = or_(has_failed, broke, has_opened_in_vain)
    has_told: list[ColumnElement[bool]] = []
    if signals:
        has_told += [broke, _S.stage == BOOTED, has_opened_in_vain]
    asked = {signal_of(name) for each in ratios for name in (each.failed, each.of)}
    if ratios:
        has_told.append(signalled(asked))
    statement = (
        select(_S.device_id, _D.network, has_failed.label("failed"))
        .select_from(device_stages.join(devices, and_(_D.workspace_id == _S.workspace_id, _D.id == _S.device_id)))
        .where(
            _S.workspace_id == tx.workspace_id,
            _D.workspace_id == tx.workspace_id,
            _S.app == app,
            _S.sequence == sequence,
            or_(*has_told),
            # Where it ran before, it is judged by how it goes on: whoever opens it again tells of it, well or not.
            or_(_S.at_ms >= told_from_ms, signalled({Metric.OPEN, *failing, *asked})),
            *only,
        )
    )
    told: dict[str, _Told] = {}
    for row in await tx.execute(statement):
        before = told.get(row.device_id)
        told[row.device_id] = _Told(row.network, bool(row.failed) or (before is not None and before.failed))
    return _capped(told)


def _capped(told: Mapping[str, _Told]) -> Fared:
    """Count the devices, no more of a network than its share."""
    networks: dict[str, list[bool]] = {}
    for each in told.values():
        networks.setdefault(each.network, []).append(each.failed)
    all_failures = sum(each.failed for each in told.values())
    counted = failures = 0
    for network, failed in networks.items():
        # Measured on the others: a crowd of its own would only raise its own bound.
        others = Fared(len(told) - len(failed), all_failures - sum(failed))
        part = _share_of(failed, others) if network else Fared(len(failed), sum(failed))
        counted, failures = counted + part.devices, failures + part.failures
    return Fared(counted, failures)


def _share_of(failed: Sequence[bool], others: Fared) -> Fared:
    """Return what counts of one network, healthy devices and failures in proportion.

    A version that breaks does so in all networks; what fails in one alone is that place's, or a forger's.
    """
    devices = min(len(failed), max(LEAST_OF_A_NETWORK, others.devices // (NETWORK_SHARE - 1)))
    failures = -(-sum(failed) * devices // len(failed))
    expected = devices * others.failures / others.devices if others.devices else 0
    most = LEAST_OF_A_NETWORK + int(TIMES_OTHERS * expected)
    return Fared(devices - max(0, failures - most), min(failures, most))
