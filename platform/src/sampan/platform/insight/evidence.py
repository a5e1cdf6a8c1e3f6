"""How a version fares on devices, as evidence that a gate may act on: devices count, each once, never events.

Only devices that proved by a ticket that they were offered the release, and that were registered before it began: who
wants to stop a release by forged failures has to have had that many devices in it. A device has told how the version
fares when it booted or failed, or when somebody opened the app there and no boot was reported. A ratio of two types of
events asks those that reported either. Of one network (`limits.network_of`) no more than a share counts, and hardly
more failures than the others let expect, so that one place cannot speak for all.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import BigInteger, Column, ColumnElement, Index, String, and_, case, func, or_, select
from sqlalchemy.sql.selectable import Subquery

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


class _Alike(Struct, frozen=True):
    """So many networks of which as many devices told, and failed; `is_known` false: of devices without one."""

    is_known: bool
    networks: int
    each: Fared


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
    told = (
        select(_D.network, func.max(case((has_failed, 1), else_=0)).label("failed"))
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
        .group_by(_S.device_id, _D.network)
        .subquery()
    )
    return _capped(await _alike(tx, told))


async def _alike(tx: Transaction, told: Subquery) -> list[_Alike]:
    """Return the networks, those with the same numbers as one: a look at a million devices reads some hundred rows."""
    networks = (
        select(
            (told.c.network != "").label("is_known"),
            func.count().label("devices"),
            func.sum(told.c.failed).label("failures"),
        )
        .group_by(told.c.network)
        .subquery()
    )
    columns = (networks.c.is_known, networks.c.devices, networks.c.failures)
    rows = await tx.execute(select(*columns, func.count().label("networks")).group_by(*columns))
    return [_Alike(bool(row.is_known), row.networks, Fared(row.devices, row.failures)) for row in rows]


def _capped(told: Sequence[_Alike]) -> Fared:
    """Count the devices, no more of a network than its share."""
    all_devices = sum(alike.networks * alike.each.devices for alike in told)
    all_failures = sum(alike.networks * alike.each.failures for alike in told)
    counted = failures = 0
    for alike in told:
        # Measured on the others: a crowd of its own would only raise its own bound.
        others = Fared(all_devices - alike.each.devices, all_failures - alike.each.failures)
        part = _share_of(alike.each, others) if alike.is_known else alike.each
        counted, failures = counted + alike.networks * part.devices, failures + alike.networks * part.failures
    return Fared(counted, failures)


def _share_of(own: Fared, others: Fared) -> Fared:
    """Return what counts of one network, healthy devices and failures in proportion.

    A version that breaks does so in all networks; what fails in one alone is that place's, or a forger's.
    """
    devices = min(own.devices, max(LEAST_OF_A_NETWORK, others.devices // (NETWORK_SHARE - 1)))
    failures = -(-own.failures * devices // own.devices)
    expected = devices * others.failures / others.devices if others.devices else 0
    most = LEAST_OF_A_NETWORK + int(TIMES_OTHERS * expected)
    return Fared(devices - max(0, failures - most), min(failures, most))
