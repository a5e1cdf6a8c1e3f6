"""The role bodies that come with a version: read, compared with what intake computed, and judged by the trust floor."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from tuf.api.metadata import Targets

from sampan.offline_packages.publishing import signed_version
from sampan.offline_packages.roles import SignedVersion, read_app_role, tree_id
from sampan.offline_packages.signed_bytes import body_digest, read_body
from sampan.offline_packages.trust_errors import SequenceSuperseded
from sampan.platform.artifacts.candidates_repository import Body
from sampan.platform.artifacts.moves import REVIEWED_PROFILES
from sampan.platform.artifacts.problems import BodyMissing, FloorsDiffer
from sampan.platform.core import Core
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.trust.body_checks import BaseMoved
from sampan.platform.trust.countersigning import check_candidate
from sampan.platform.trust.profiles import TRIAL, profile_named


class PackageFacts(Struct, frozen=True):
    """What the role must list for a version, as intake computed it."""

    app_id: str
    sequence: int
    version: str
    index: bytes
    archive_digest: str
    archive_bytes: int


class Judged(Struct, frozen=True):
    """Bodies that may be stored. `trial_note` is the code of what keeps the trial body out, empty when nothing does."""

    bodies: Sequence[Body]
    floor: int
    has_moved_base: bool
    trial_note: str

    @property
    def trial(self) -> Body | None:
        """The body for the trial tree, when it may be signed now."""
        return next((each for each in self.bodies if each.profile == TRIAL.name), None)


async def judge(
    core: Core,
    tx: Transaction,
    candidate_id: str,
    facts: PackageFacts,
    proposed: Mapping[str, bytes],
    *,
    needed: Sequence[str] = REVIEWED_PROFILES,
) -> Judged:
    """Check every body against the published one and the package; raise what `check_candidate` raises.

    A moved base is no refusal: the body is kept and must be signed anew. What is wrong with the trial body
    never holds the version itself up, except a broken signature or content.
    """
    for profile in needed:
        if profile not in proposed:
            raise BodyMissing(f"Send the signed body for the tree {profile} too.", field=f"bodies.{profile}")
    floor = _floor(tx.workspace_id, facts, proposed)
    has_moved, trial_note, bodies = False, "", []
    for profile, body in proposed.items():
        wanted = _signed_version(facts, floor)
        try:
            await check_candidate(core, tx, profile=profile_named(profile).name, version=wanted, body=body)
        except (BaseMoved, SequenceSuperseded) as problem:
            if profile == TRIAL.name:
                trial_note = problem.code
                continue
            if isinstance(problem, SequenceSuperseded):
                raise
            has_moved = True
        bodies.append(_body(candidate_id, profile, body))
    return Judged(bodies, floor, has_moved, trial_note)


def review_digest(package_digest: str, bodies: Sequence[Body]) -> str:
    """Return the digest that an approval names: of the package and of every body that the review key will sign."""
    reviewed = {each.profile: each.body_digest for each in bodies if each.profile in REVIEWED_PROFILES}
    return digest(canonical_json({"bodies": reviewed, "package": package_digest}))


def role_version_of(body: bytes) -> int:
    """Return the version of the role that a body would become."""
    return int(read_body(body, Targets).version)


def make_body(candidate_id: str, profile: str, body: bytes) -> Body:
    """Return the record of a body as it came."""
    return _body(candidate_id, profile, body)


def _floor(workspace_id: str, facts: PackageFacts, proposed: Mapping[str, bytes]) -> int:
    floors = set()
    for profile, body in proposed.items():
        role = read_app_role(read_body(body, Targets), facts.app_id, tree_id(workspace_id, profile))
        floors.add(role.version(facts.sequence).floor)
    if len(floors) > 1:
        raise FloorsDiffer(f"The bodies carry different security floors: {sorted(floors)}. Sign them with one.")
    return floors.pop() if floors else 0


def _signed_version(facts: PackageFacts, floor: int) -> SignedVersion:
    return signed_version(
        facts.app_id,
        facts.sequence,
        version=facts.version,
        index=facts.index,
        package_digest=facts.archive_digest,
        package_bytes=facts.archive_bytes,
        floor=floor,
    )


def _body(candidate_id: str, profile: str, body: bytes) -> Body:
    return Body(candidate_id, profile, role_version_of(body), body, body_digest(body), False, False)
