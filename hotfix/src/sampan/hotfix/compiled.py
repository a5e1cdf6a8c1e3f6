"""Hotfixes ready to be told: which one `decide` gives a subject for each version, whatever is installed."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import orjson
from msgspec import Struct

from sampan.hotfix.names import KIND, version_named
from sampan.hotfix.repository import Record, hotfixes_in
from sampan.platform.artifacts.published import find_published
from sampan.platform.audience.facts import Facts
from sampan.platform.engines.database import Transaction
from sampan.platform.insight.tickets import Offered, Tickets
from sampan.platform.release.decide import Context, DeliverableSnapshot, decide
from sampan.platform.release.repository import Release, read_release_rows, releases
from sampan.platform.release.snapshot import candidate_of
from sampan.platform.release.states import OFFERING

Version = tuple[str, int]


class Rows(Struct, frozen=True):
    """What the part is compiled from: releases that were ever started, and the live hotfixes of published versions."""

    releases: Sequence[Release]
    live: Mapping[Version, Sequence[Record]]


class Told(Struct, frozen=True):
    """A release's hotfix as clients read it, up to its ticket, and what the ticket is about."""

    body: bytes
    offered: Offered


class CompiledHotfixes(Struct, frozen=True):
    """What is released, by version, and what each release tells.

    `by_digest` is under which id and number it is counted what devices tell of a package; `moments_ms` are the times at
    which an audience may change by itself, `has_tags` is whether one names a tag or a saved audience.
    """

    snapshots: Sequence[DeliverableSnapshot]
    told: Mapping[str, Told]
    by_digest: Mapping[tuple[str, int, str], tuple[str, int]]
    moments_ms: Sequence[int]
    has_tags: bool

    def answer(self, facts: Facts, host_version: int, tickets: Tickets, device_id: str) -> bytes:
        """Return the JSON list of what this subject should have; empty when there is nothing."""
        context = Context(host_version)
        given = [
            self.told[candidate.release_id]
            for snapshot in self.snapshots
            if (candidate := decide(facts, context, snapshot).candidate) is not None
        ]
        if not given:
            return b""
        entries = [b'{%b,"ticket":"%b"}' % (each.body, tickets.one(device_id, each.offered).encode()) for each in given]
        return b"[%b]" % b",".join(entries)


async def read_rows(tx: Transaction) -> Rows:
    """Read what the part is compiled from."""
    found = await read_release_rows(tx, (releases.c.kind == KIND) & (releases.c.started_ms > 0))
    versions = {version for each in found if (version := version_named(each.deliverable_id)) is not None}
    return Rows(found, await hotfixes_in(tx, set(await find_published(tx, versions))))


def compile_hotfixes(rows: Rows) -> CompiledHotfixes:
    """Compile the rows."""
    live = {(app, sequence, each.n): each for (app, sequence), records in rows.live.items() for each in records}
    offering, by_digest = [], {}
    told: dict[str, Told] = {}
    for release in sorted(rows.releases, key=lambda each: (each.deliverable_id, -each.sequence, each.id)):
        version = version_named(release.deliverable_id)
        if version is None:
            continue
        by_digest[(*version, release.digest)] = (release.deliverable_id, release.sequence)
        record = live.get((*version, release.sequence))
        is_given = release.state in OFFERING and release.is_exposed
        if is_given and record is not None and record.digest == release.digest:
            offering.append(release)
            told[release.id] = _told(release, record)
    snapshots = [
        DeliverableSnapshot(KIND, name, [candidate_of(each) for each in group])
        for name, group in groupby(offering, key=lambda each: each.deliverable_id)
    ]
    rules = [candidate.audience for snapshot in snapshots for candidate in snapshot.candidates]
    moments = sorted({moment for rule in rules for moment in rule.moments_ms})
    return CompiledHotfixes(snapshots, told, by_digest, moments, any(rule.tags or rule.audiences for rule in rules))


def _told(release: Release, record: Record) -> Told:
    body = {
        "app": record.app_id,
        "sequence": record.sequence,
        "n": record.n,
        "patches": [str(n) for n in record.stack],
        "digest": record.digest,
        "size": record.size_bytes,
        "release": release.id,
        "update": release.update_mode,
    }
    offered = Offered(release.id, record.app_id, record.sequence, record.digest)
    return Told(orjson.dumps(body)[1:-1], offered)
