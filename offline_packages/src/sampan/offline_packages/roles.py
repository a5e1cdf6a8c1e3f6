"""The names in a trust tree, and an app role read into versions (docs/protocols/trust.md).

Shared by whoever makes bodies, whoever checks them and whoever obeys them, so that the three cannot differ.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from tuf.api.metadata import Signed, TargetFile, Targets

from sampan.offline_packages.limits import MAX_SEQUENCE
from sampan.offline_packages.trust_errors import BodyMalformed, NotListed, RoleMismatch
from sampan.platform.ids import APP_ID

CONTROL_ROLE = "control"
ROLE_FIELD = "x-sampan-role"
TREE_FIELD = "x-sampan-tree"
FLOOR_FIELD = "x-sampan-floor"
VERSION_FIELD = "x-sampan-version"
AUDIT_FIELD = "x-sampan-audit"
ENVELOPE_FIELD = "x-sampan-envelope"

OFFICERS_NEEDED = 2
APP_SIGNATURES = 2

ROOT_LIFE = TARGETS_LIFE = APP_LIFE = timedelta(days=365)
ARCHIVED_LIFE = timedelta(days=3650)
SNAPSHOT_LIFE = timedelta(days=7)
TIMESTAMP_LIFE = timedelta(hours=24)
CONTROL_LIFE = timedelta(days=1)

_SEQUENCE = re.compile(r"[1-9][0-9]{0,15}")
_HOTFIX = re.compile(r"hotfix-([1-9][0-9]{0,3})\.(json|bin)")


def tree_id(workspace: str, profile: str) -> str:
    """Return the name of a tree as signed bodies carry it: `<workspace>/<profile>`."""
    return f"{workspace}/{profile}"


def app_role(app_id: str) -> str:
    """Return the TUF role name of an app."""
    return f"app.{checked_app_id(app_id)}"


def app_paths(app_id: str) -> list[str]:
    """Return the only path pattern that an app's role may cover."""
    return [f"apps/{checked_app_id(app_id)}/*/*"]


def index_path(app_id: str, sequence: int) -> str:
    """Return the target path of a version's content index."""
    return f"apps/{app_id}/{sequence}/index.json"


def package_path(app_id: str, sequence: int) -> str:
    """Return the target path of a version's archive."""
    return f"apps/{app_id}/{sequence}/package.ma"


def hotfix_paths(app_id: str, sequence: int, n: int) -> tuple[str, str]:
    """Return the target paths of a hotfix: its document and its content."""
    start = f"apps/{app_id}/{sequence}/hotfix-{n}"
    return f"{start}.json", f"{start}.bin"


def control_path(app_id: str) -> str:
    """Return the target path of an app's control file."""
    return f"control/{checked_app_id(app_id)}.json"


def checked_app_id(app_id: str) -> str:
    """Return the id, or raise `BodyMalformed`: an id with a slash or a star would widen a path pattern."""
    if APP_ID.fullmatch(app_id) is None:
        raise BodyMalformed(f"{app_id!r} is no app id; write reverse DNS such as bank.demo.coupons.")
    return app_id


def expiry(now_ms: int, life: timedelta) -> datetime:
    """Return the TUF expiry (whole seconds, UTC) of something signed now."""
    return datetime.fromtimestamp(now_ms // 1000, UTC) + life


def to_ms(moment: datetime) -> int:
    """Return a TUF time as milliseconds since the epoch."""
    return int(moment.timestamp()) * 1000


class SignedVersion(Struct, frozen=True):
    """One version as the app role lists it. `index_digest` is the package digest. Sizes in bytes."""

    app: str
    sequence: int
    version: str
    floor: int
    index_digest: str
    index_bytes: int
    package_digest: str
    package_bytes: int

    def targets(self) -> dict[str, TargetFile]:
        """Return the version's two targets by path."""
        index, package = index_path(self.app, self.sequence), package_path(self.app, self.sequence)
        custom = {FLOOR_FIELD: self.floor, VERSION_FIELD: self.version}
        return {
            index: TargetFile(self.index_bytes, _hashes(self.index_digest), index, {"custom": custom}),
            package: TargetFile(self.package_bytes, _hashes(self.package_digest), package),
        }


class SignedHotfix(Struct, frozen=True):
    """One hotfix of a version as the app role lists it: its document and its content. Sizes in bytes."""

    app: str
    sequence: int
    n: int
    doc_digest: str
    doc_bytes: int
    bin_digest: str
    bin_bytes: int

    def targets(self) -> dict[str, TargetFile]:
        """Return the hotfix's two targets by path."""
        document, content = hotfix_paths(self.app, self.sequence, self.n)
        return {
            document: TargetFile(self.doc_bytes, _hashes(self.doc_digest), document),
            content: TargetFile(self.bin_bytes, _hashes(self.bin_digest), content),
        }


class AppRole(Struct, frozen=True):
    """A verified app role: what its publisher and the reviewer both signed. `hotfixes` are by (sequence, n)."""

    app: str
    tree: str
    metadata_version: int
    expires_ms: int
    versions: Mapping[int, SignedVersion]
    hotfixes: Mapping[tuple[int, int], SignedHotfix] = {}

    @property
    def floor(self) -> int:
        """The security floor: the highest that any version carries, so that no later one lowers it."""
        return max((each.floor for each in self.versions.values()), default=0)

    @property
    def highest(self) -> int:
        """The highest published sequence, 0 before the first."""
        return max(self.versions, default=0)

    def version(self, sequence: int) -> SignedVersion:
        """Return one version; raise `NotListed`."""
        try:
            return self.versions[sequence]
        except KeyError:
            raise NotListed(f"{self.app} has no signed version with sequence {sequence}.", sequence=sequence) from None


def fields(role: str, tree: str) -> dict[str, str]:
    """Return the extra signed fields that say which role of which tree a body is for."""
    return {ROLE_FIELD: role, TREE_FIELD: tree}


def check_fields(body: Signed, role: str, tree: str) -> None:
    """Raise `RoleMismatch` unless the body says that it is this role of this tree.

    TUF verifies keys, and one publisher's key serves several apps: without this field a body signed for one
    app would verify as another's.
    """
    found = (body.unrecognized_fields.get(ROLE_FIELD), body.unrecognized_fields.get(TREE_FIELD))
    if found != (role, tree):
        raise RoleMismatch(
            f"The body is signed for role {found[0]!r} of tree {found[1]!r}, not for {role!r} of {tree!r}.",
            role=role,
            tree=tree,
        )


def read_app_role(body: Targets, app_id: str, tree: str) -> AppRole:
    """Read a verified body into versions and hotfixes; raise `RoleMismatch` or `BodyMalformed`.

    Targets with other file names are left aside, and so are paths of other apps, as every TUF client does.
    """
    check_fields(body, app_role(app_id), tree)
    prefix = f"apps/{app_id}/"
    found: dict[int, dict[str, TargetFile]] = {}
    fixes: dict[tuple[int, int], dict[str, TargetFile]] = {}
    for path, target in body.targets.items():
        sequence, _, name = path.removeprefix(prefix).partition("/")
        hotfix = _HOTFIX.fullmatch(name)
        if not path.startswith(prefix) or (hotfix is None and name not in {"index.json", "package.ma"}):
            continue
        if _SEQUENCE.fullmatch(sequence) is None or int(sequence) > MAX_SEQUENCE:
            raise BodyMalformed(f"The target {path!r} carries no sequence.")
        if hotfix is None:
            found.setdefault(int(sequence), {})[name] = target
        else:
            fixes.setdefault((int(sequence), int(hotfix[1])), {})[hotfix[2]] = target
    versions = {number: _version(app_id, number, pair) for number, pair in sorted(found.items())}
    hotfixes = {key: _hotfix(app_id, *key, pair) for key, pair in sorted(fixes.items()) if key[0] in versions}
    return AppRole(app_id, tree, body.version, to_ms(body.expires), versions, hotfixes)


def _version(app_id: str, sequence: int, pair: dict[str, TargetFile]) -> SignedVersion:
    index, package = pair.get("index.json"), pair.get("package.ma")
    if index is None or package is None:
        raise BodyMalformed(f"{app_id} sequence {sequence} lists one of its two targets only.")
    custom = index.custom if isinstance(index.custom, dict) else {}
    floor, version = custom.get(FLOOR_FIELD), custom.get(VERSION_FIELD)
    if type(floor) is not int or not 0 <= floor <= sequence or not isinstance(version, str):
        raise BodyMalformed(f"{app_id} sequence {sequence} carries no version, or no floor between 0 and its sequence.")
    return SignedVersion(
        app=app_id,
        sequence=sequence,
        version=version,
        floor=floor,
        index_digest=_digest(index),
        index_bytes=index.length,
        package_digest=_digest(package),
        package_bytes=package.length,
    )


def _hotfix(app_id: str, sequence: int, n: int, pair: dict[str, TargetFile]) -> SignedHotfix:
    document, content = pair.get("json"), pair.get("bin")
    if document is None or content is None:
        raise BodyMalformed(f"Hotfix {n} of {app_id} sequence {sequence} lists one of its two targets only.")
    return SignedHotfix(
        app=app_id,
        sequence=sequence,
        n=n,
        doc_digest=_digest(document),
        doc_bytes=document.length,
        bin_digest=_digest(content),
        bin_bytes=content.length,
    )


def _hashes(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}


def _digest(target: TargetFile) -> str:
    value = target.hashes.get("sha256")
    if value is None or re.fullmatch(r"[0-9a-f]{64}", value) is None:
        raise BodyMalformed(f"The target {target.path!r} has no sha256 digest.")
    return f"sha256:{value}"
