"""The update check: which release a device gets, from memory. Pure; the rules are microsoft/code-push-server's.

One rule is ours: every unfinished rollout is drawn for itself, by the platform's buckets with a salt of the release,
so a device keeps its place while the rollout rises, and one that is not drawn is answered as if it did not exist.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
from msgspec import Struct

from sampan.codepush.records import EVERYBODY, Deployment, Difference, Release
from sampan.codepush.versions import Range, Version, padded, parse_range, parse_version
from sampan.platform.audience.buckets import STEPS, murmur3

KEPT_ANSWERS, KEPT_BYTES = 4096, 2 * 1024 * 1024  # of each deployment; descriptions have up to 10,000 letters
BUNDLES = "/v0.1/public/codepush/bundles/"
_STEPS_PER_PERCENT = STEPS // EVERYBODY
UNKNOWN = "?"


class Ask(Struct, frozen=True):
    """What a device asks with; a label or hash that is none of the deployment's is `UNKNOWN`."""

    app_version: str
    package_hash: str
    label: str
    is_companion: bool


class Given(Struct, frozen=True):
    """A release as answers need it. `differences` are (SHA-256, size) of the ZIP by the hash that a device has."""

    label: str
    package_hash: str
    range_text: str
    range: Range
    description: str
    is_disabled: bool
    is_mandatory: bool
    sha256: str
    size_bytes: int
    rollout: int
    salt: bytes
    differences: Mapping[str, tuple[str, int]]


class Answer(Struct, frozen=True):
    """Both spellings of an answer, split where the server's address goes; the second half is empty when it has none."""

    snake: tuple[bytes, bytes]
    camel: tuple[bytes, bytes]

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about."""
        return sum(map(len, (*self.snake, *self.camel)))


class CompiledDeployment:
    """One deployment: its releases, the newest first, and the answers that were worked out so far."""

    def __init__(self, deployment_id: str, releases: Sequence[Given]) -> None:
        self.id = deployment_id
        self._releases = releases
        self.labels = frozenset(each.label for each in releases)
        self._hashes = frozenset(each.package_hash for each in releases)
        self._partial = [
            (1 << n, each.salt, each.rollout * _STEPS_PER_PERCENT)
            for n, each in enumerate(releases)
            if each.rollout < EVERYBODY and not each.is_disabled
        ]
        self._answers: dict[tuple[str, str, str, bool, int], Answer] = {}
        self._kept_bytes = 0

    def answer(self, app_version: str, package_hash: str, label: str, is_companion: bool, client: str) -> Answer:
        """Return the answer for a device; raise `BadRange` when its binary version is none."""
        hidden = 0
        for bit, salt, steps in self._partial:
            if not client or murmur3(salt + client.encode()) % STEPS >= steps:
                hidden |= bit
        if package_hash and package_hash not in self._hashes:
            package_hash = UNKNOWN
        if label and label not in self.labels:
            label = UNKNOWN
        key = (app_version, package_hash, label, is_companion, hidden)
        found = self._answers.get(key)
        if found is None:
            info = update_info(self._releases, Ask(app_version, package_hash, label, is_companion), hidden)
            found = self._answers[key] = _encoded(info)
            self._kept_bytes += found.size_bytes
            if len(self._answers) > KEPT_ANSWERS or self._kept_bytes > KEPT_BYTES:
                self._answers, self._kept_bytes = {}, 0  # strangers choose versions: what is remembered has a bound
        return found


class File(Struct, frozen=True):
    """A ZIP that may be fetched, and what it is called in the object store."""

    object_id: str
    size_bytes: int


class CodePushPart(Struct, frozen=True):
    """All deployments of a workspace, by deployment key, and the ZIPs that may be fetched."""

    by_key: Mapping[str, CompiledDeployment]
    files: Mapping[str, File]


def compile_part(
    deployments: Sequence[Deployment],
    releases: Sequence[Release],
    differences: Sequence[Difference],
    objects: Mapping[str, str],
) -> CodePushPart:
    """Compile what is read; releases come grouped by deployment, the newest first, `objects` by bundle."""
    leading: dict[str, dict[str, tuple[str, int]]] = {}
    for each in differences:
        leading.setdefault(each.target, {})[each.base_hash] = (each.sha256, each.size_bytes)
    given = {
        deployment_id: [_given(each, leading.get(each.bundle, {})) for each in group]
        for deployment_id, group in groupby(releases, key=lambda each: each.deployment_id)
    }
    files = {each.sha256: File(each.object_id, each.size_bytes) for each in differences}
    files |= {each.bundle: File(objects[each.bundle], each.size_bytes) for each in releases if each.is_given_out}
    return CodePushPart({each.key: CompiledDeployment(each.id, given.get(each.id, ())) for each in deployments}, files)


def _given(release: Release, differences: Mapping[str, tuple[str, int]]) -> Given:
    return Given(
        label=release.label,
        package_hash=release.package_hash,
        range_text=release.app_version,
        range=parse_range(release.app_version),
        description=release.description,
        is_disabled=release.is_disabled,
        is_mandatory=release.is_mandatory,
        sha256=release.bundle,
        size_bytes=release.size_bytes,
        rollout=release.rollout,
        salt=f"{release.salt}:".encode(),
        differences=differences,
    )


def is_drawn(salt: str, client: str, rollout: int) -> bool:
    """Whether a device is among the first `rollout` percent of a release."""
    return murmur3(f"{salt}:{client}".encode()) % STEPS < rollout * _STEPS_PER_PERCENT


def update_info(releases: Sequence[Given], ask: Ask, hidden: int = 0) -> dict[str, Any]:
    """Return the members of the answer; bit n of `hidden` leaves release n out. Raise `BadRange`."""
    version = parse_version(padded(ask.app_version))
    latest, satisfying, must = _scan(releases, ask, version, hidden)
    info: dict[str, Any] = {
        "downloadURL": "",
        "description": "",
        "isAvailable": False,
        "isMandatory": False,
        "appVersion": "",
        "packageHash": "",
        "label": "",
        "packageSize": 0,
        "updateAppVersion": False,
        "shouldRunBinaryVersion": satisfying is None,
    }
    if latest is None:
        return info
    if satisfying is None or satisfying.package_hash == ask.package_hash:
        # Nothing to fetch; still tell which binary versions the newest release is for, and whether the store has them.
        if latest.range.is_below(version):
            info["appVersion"] = latest.range_text
        elif not latest.range.has(version):
            info |= {"updateAppVersion": True, "appVersion": latest.range_text}
        return info
    sha256, size = satisfying.differences.get(ask.package_hash, (satisfying.sha256, satisfying.size_bytes))
    return info | {
        "downloadURL": f"{BUNDLES}{sha256}",
        "packageSize": size,
        "description": satisfying.description,
        "isMandatory": must or satisfying.is_mandatory,
        "isAvailable": True,
        "label": satisfying.label,
        "packageHash": satisfying.package_hash,
        "appVersion": ask.app_version,  # old plug-ins cannot read a range: the device's own version, as it wrote it
    }


def _scan(
    releases: Sequence[Given], ask: Ask, version: Version, hidden: int
) -> tuple[Given | None, Given | None, bool]:
    """Return the newest release, the newest for this binary, and whether one that the device skipped was mandatory."""
    latest = satisfying = None
    is_older = False
    for n, each in enumerate(releases):
        is_older = is_older or _is_running(each, ask)
        if each.is_disabled or hidden >> n & 1:
            continue
        latest = latest or each
        if not ask.is_companion and not each.range.has(version):
            continue
        satisfying = satisfying or each
        if is_older:
            return latest, satisfying, False
        if each.is_mandatory:
            return latest, satisfying, True
    return latest, satisfying, False


def _is_running(release: Given, ask: Ask) -> bool:
    """Whether the device runs this release; without label and hash nobody knows, and only the newest one counts."""
    if ask.label:
        return release.label == ask.label
    return not ask.package_hash or release.package_hash == ask.package_hash


def _encoded(info: Mapping[str, Any]) -> Answer:
    info = {**info, "target_binary_range": info["appVersion"]}
    snake = {_SNAKE.get(name, name): value for name, value in info.items()}
    return Answer(_split({"update_info": snake}), _split({"updateInfo": info}))


def _split(body: Mapping[str, Mapping[str, Any]]) -> tuple[bytes, bytes]:
    """Return the JSON up to the address of the download, which is its first member, and from there."""
    text = orjson.dumps(body)
    (info,) = body.values()
    place = text.index(b':"') + 2 if info["isAvailable" if "isAvailable" in info else "is_available"] else len(text)
    return text[:place], text[place:]


_SNAKE = {
    "downloadURL": "download_url",
    "isAvailable": "is_available",
    "isMandatory": "is_mandatory",
    "appVersion": "app_version",
    "packageHash": "package_hash",
    "packageSize": "package_size",
    "updateAppVersion": "update_app_version",
    "shouldRunBinaryVersion": "should_run_binary_version",
}
