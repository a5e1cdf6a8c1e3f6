"""Upgrades ready to be told: which one `decide` gives a client, and what its answer says. Pure."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import orjson
from msgspec import Struct

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.versions import Key, parse_version, version_key
from sampan.platform.release.decide import Context, DeliverableSnapshot, decide
from sampan.platform.release.repository import Release
from sampan.platform.release.snapshot import candidate_of
from sampan.platform.upgrades.part import KIND
from sampan.platform.upgrades.repository import Mode, Upgrade


class Told(Struct, frozen=True):
    """An upgrade as clients read it: as it is, and for a client that does not say what it has."""

    key: Key
    body: bytes
    to_unknown: bytes


class CompiledUpgrades(Struct, frozen=True):
    """What is released, by client app, and what each release tells.

    `moments_ms` are the times at which an audience may change by itself, `has_tags` is whether one names a tag or a
    saved audience.
    """

    by_app: Mapping[str, DeliverableSnapshot]
    told: Mapping[str, Told]
    moments_ms: Sequence[int]
    has_tags: bool

    def answer(self, facts: Facts, host_version: int) -> bytes:
        """Return the JSON of the upgrade that this client should have; empty when there is none.

        A client that does not tell a version that can be compared is reminded at most: it may have the version.
        """
        snapshot = self.by_app.get(facts.client_app)
        if snapshot is None:
            return b""
        candidate = decide(facts, Context(host_version), snapshot).candidate
        if candidate is None:
            return b""
        told, has = self.told[candidate.release_id], version_key(facts.app_version)
        if has is None:
            return told.to_unknown
        return told.body if has < told.key else b""


def compile_upgrades(releases: Sequence[Release], upgrades: Mapping[tuple[str, int], Upgrade]) -> CompiledUpgrades:
    """Compile what is read: releases in the order of client app and falling build."""
    told, by_app = {}, {}
    for app, group in groupby(releases, key=lambda each: each.deliverable_id):
        living = [each for each in group if (app, each.sequence) in upgrades]
        by_app[app] = DeliverableSnapshot(KIND, app, [candidate_of(each) for each in living])
        for each in living:
            told[each.id] = _told(upgrades[app, each.sequence], each)
    rules = [candidate.audience for snapshot in by_app.values() for candidate in snapshot.candidates]
    moments = sorted({moment for rule in rules for moment in rule.moments_ms})
    return CompiledUpgrades(by_app, told, moments, any(rule.tags or rule.audiences for rule in rules))


def _told(upgrade: Upgrade, release: Release) -> Told:
    body = upgrade.told() | {"release": release.id}
    return Told(parse_version(upgrade.version), orjson.dumps(body), orjson.dumps(body | {"mode": str(Mode.REMINDER)}))
