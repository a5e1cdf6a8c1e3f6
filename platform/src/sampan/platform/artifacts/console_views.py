"""What this floor's console routes answer, and how records become it."""

from collections.abc import Sequence
from typing import Any, Literal

import orjson
from msgspec import to_builtins
from pydantic import BaseModel, Field

from sampan.platform.artifacts.apps_repository import Publisher, Tester
from sampan.platform.artifacts.apps_service import KnownApp
from sampan.platform.artifacts.candidates_repository import Candidate
from sampan.platform.artifacts.inspecting import Inspection
from sampan.platform.artifacts.notes_repository import Comment, Finding
from sampan.platform.artifacts.origins import Origin
from sampan.platform.artifacts.review_service import VersionDetail
from sampan.platform.artifacts.states import ALLOWED, VersionState
from sampan.platform.artifacts.uploads_repository import Upload
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.trust.key_rows import KeyRecord


class PublisherKeyOut(BaseModel):
    """A registered key; `state` is active, suspended or retired."""

    profile: str
    key_id: str
    state: str


class PublisherOut(BaseModel):
    """A publisher and its keys."""

    id: str
    name: str
    created_ms: int
    keys: list[PublisherKeyOut]


class PublishedOut(BaseModel):
    """A published version by its two names."""

    sequence: int
    version: str


class AppOut(BaseModel):
    """A registered app."""

    app: str
    kind: str
    publisher: str
    created_ms: int
    archived_ms: int | None
    name: str = Field(description="As its highest version calls it; empty before the first.")
    has_icon: bool
    published: PublishedOut | None = Field(description="The highest published version; null when there is none.")
    waiting: int = Field(description="Versions under review or waiting for it.")


class TesterOut(BaseModel):
    """One tester."""

    kind: Literal["device", "customer"]
    id: str
    added_ms: int


class UploadOut(BaseModel):
    """Bytes in quarantine; they live for a day."""

    upload: str
    size: int
    sha256: str


class RenewalOut(BaseModel):
    """A renewal; `review_digest` is what an approval names."""

    id: str
    kind: str
    state: VersionState
    cause: str
    submitted_by: str
    submitted_ms: int
    decided_by: str | None
    published_ms: int | None
    review_digest: str


class NextSequence(BaseModel):
    """The lowest sequence above all that the app has used."""

    sequence: int


class DependencyOut(BaseModel):
    """A shared package that the version mounts."""

    id: str
    digest: str | None
    min_sequence: int | None
    max_sequence: int | None


class VersionOut(BaseModel):
    """A version as it stands; `moves` are the states that it can go to."""

    app: str
    sequence: int
    version: str
    name: str
    kind: str
    state: VersionState
    cause: str
    moves: list[VersionState]
    urgent: bool
    trial: bool
    trial_note: str
    digest: str
    archive_digest: str
    size_bytes: int
    files: int
    min_host: int
    floor: int
    dependencies: list[DependencyOut]
    submitted_by: str
    submitted_ms: int
    decided_by: str | None
    decided_ms: int | None
    published_ms: int | None
    killed_code: str
    resequenced_from: int | None


class BodyOut(BaseModel):
    """A signed body: which version of the role it becomes, and the digest of its signed part."""

    profile: str
    role_version: int
    digest: str
    countersigned: bool
    exposed: bool


class FindingOut(BaseModel):
    """What a check found; `severity` is error, warning or info."""

    code: str
    severity: str
    message: str
    file: str
    line: int | None
    source: str


class InspectionOut(BaseModel):
    """What an upload holds. `ok` says that no finding stops it; `index` is what the publisher's signature is about.

    `known` is the state of the version that has exactly these bytes already, or null.
    """

    app: str
    sequence: int
    version: str
    name: str
    digest: str
    archive_digest: str
    size_bytes: int
    files: int
    ok: bool
    known: VersionState | None
    findings: list[FindingOut]
    index: dict[str, Any]


class CommentOut(BaseModel):
    """What somebody said."""

    id: str
    at_ms: int
    author: str
    text: str
    file: str
    line: int | None


class HistoryOut(BaseModel):
    """One change of state."""

    at_ms: int
    state: VersionState
    cause: str
    who: str
    note: str


class OriginOut(BaseModel):
    """Where a promoted version was approved before, as `claimed_by` said; this server did not check it."""

    server: str
    workspace: str
    approved_by: str
    approved_ms: int
    claimed_by: str
    claimed_ms: int


class VersionDetailOut(VersionOut):
    """A version with all that its reviewer needs; `review_digest` is what an approval names."""

    review_digest: str
    trial_link: str
    trial_url: str
    bodies: list[BodyOut]
    findings: list[FindingOut]
    comments: list[CommentOut]
    history: list[HistoryOut]
    origin: OriginOut | None


def publisher_out(publisher: Publisher, keys: Sequence[KeyRecord]) -> PublisherOut:
    """Return a publisher as the API shows it."""
    shown = [PublisherKeyOut(profile=key.profile, key_id=key.key_id, state=key.state.value) for key in keys]
    return PublisherOut(id=publisher.id, name=publisher.name, created_ms=publisher.created_ms, keys=shown)


def app_out(known: KnownApp) -> AppOut:
    """Return an app as the API shows it."""
    app, newest, published = known.app, known.newest, known.published
    shown = published or newest
    return AppOut(
        name=shown.package.name if shown else "",
        has_icon=any(each is not None and each.package.icon_digest for each in (published, newest)),
        published=PublishedOut(sequence=published.sequence, version=published.package.version) if published else None,
        waiting=known.waiting,
        app=app.app_id,
        kind=app.kind,
        publisher=app.publisher_id,
        created_ms=app.created_ms,
        archived_ms=app.archived_ms,
    )


def tester_out(tester: Tester) -> TesterOut:
    """Return a tester as the API shows it."""
    kind: Literal["device", "customer"] = "device" if tester.kind == "device" else "customer"
    return TesterOut(kind=kind, id=tester.subject_id, added_ms=tester.added_ms)


def upload_out(upload: Upload) -> UploadOut:
    """Return an upload as the API shows it."""
    return UploadOut(upload=upload.id, size=upload.size_bytes, sha256=upload.sha256)


def renewal_out(candidate: Candidate, digest: str) -> RenewalOut:
    """Return a renewal as the API shows it."""
    return RenewalOut(
        id=candidate.id,
        kind=candidate.kind,
        state=candidate.state,
        cause=candidate.cause,
        submitted_by=candidate.submitted_by,
        submitted_ms=candidate.submitted_ms,
        decided_by=candidate.decided_by,
        published_ms=candidate.published_ms,
        review_digest=digest,
    )


def version_out(version: Version) -> VersionOut:
    """Return a version as the API shows it."""
    return VersionOut(**_version_fields(version))


def detail_out(detail: VersionDetail, *, trial_link: str, trial_url: str) -> VersionDetailOut:
    """Return a version with all that belongs to it."""
    return VersionDetailOut(
        **_version_fields(detail.version),
        review_digest=detail.review_digest,
        trial_link=trial_link,
        trial_url=trial_url,
        bodies=[
            BodyOut(
                profile=body.profile,
                role_version=body.role_version,
                digest=body.body_digest,
                countersigned=body.is_countersigned,
                exposed=body.is_exposed,
            )
            for body in detail.bodies
        ],
        findings=[finding_out(each) for each in detail.findings],
        comments=[comment_out(each) for each in detail.comments],
        history=[
            HistoryOut(at_ms=each.at_ms, state=each.state, cause=each.cause, who=each.who, note=each.note)
            for each in detail.history
        ],
        origin=origin_out(detail.origin) if detail.origin else None,
    )


def origin_out(origin: Origin) -> OriginOut:
    """Return a claimed origin as the API shows it."""
    return OriginOut(**to_builtins(origin.claim), claimed_by=origin.claimed_by, claimed_ms=origin.claimed_ms)


def finding_out(finding: Finding) -> FindingOut:
    """Return a finding as clients get it."""
    return FindingOut(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        file=finding.file,
        line=finding.line,
        source=finding.source,
    )


def inspection_out(found: Inspection) -> InspectionOut:
    """Return what an upload holds as clients get it."""
    accepted = found.taken.accepted
    index = accepted.index
    return InspectionOut(
        app=index.app,
        sequence=index.sequence,
        version=index.version,
        name=accepted.manifest.name,
        digest=accepted.digest,
        archive_digest=f"sha256:{index.archive.sha256}",
        size_bytes=index.archive.size,
        files=len(index.files),
        ok=found.is_good,
        known=found.known_state,
        findings=[finding_out(each) for each in found.taken.findings],
        index=orjson.loads(accepted.index_bytes),
    )


def comment_out(comment: Comment) -> CommentOut:
    """Return a comment as the API shows it."""
    return CommentOut(
        id=comment.id,
        at_ms=comment.at_ms,
        author=comment.author,
        text=comment.text,
        file=comment.file,
        line=comment.line,
    )


def _version_fields(version: Version) -> dict[str, Any]:
    package = version.package
    return {
        "app": package.app_id,
        "sequence": package.sequence,
        "version": package.version,
        "name": package.name,
        "kind": package.kind,
        "state": version.state,
        "cause": version.cause,
        "moves": sorted(ALLOWED[version.state]),
        "urgent": version.is_urgent,
        "trial": version.is_trial,
        "trial_note": version.trial_note,
        "digest": package.package_digest,
        "archive_digest": package.archive_digest,
        "size_bytes": package.archive_bytes,
        "files": package.files,
        "min_host": package.min_host,
        "floor": package.floor,
        "dependencies": [
            DependencyOut(
                id=each.id, digest=each.digest, min_sequence=each.min_sequence, max_sequence=each.max_sequence
            )
            for each in package.dependencies
        ],
        "submitted_by": version.submitted_by,
        "submitted_ms": version.submitted_ms,
        "decided_by": version.decided_by,
        "decided_ms": version.decided_ms,
        "published_ms": version.published_ms,
        "killed_code": version.killed_code,
        "resequenced_from": version.resequenced_from,
    }
