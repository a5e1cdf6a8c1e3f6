"""What people and the command line send and get about hotfixes."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field, StringConstraints

from sampan.hotfix.reviewing import Base, Detail, Shown
from sampan.hotfix.submitting import Sent
from sampan.offline_packages.hotfix import Change, HotfixMalformed
from sampan.platform.artifacts.comparing import FileChange
from sampan.platform.artifacts.console_comparison import FileDiffOut
from sampan.platform.artifacts.console_requests import BodiesIn
from sampan.platform.artifacts.console_views import FindingOut, HistoryOut, finding_out
from sampan.platform.artifacts.states import VersionState
from sampan.platform.crypto.canonical import NotCanonical, canonical_json
from sampan.platform.operators.console_bodies import Body, example
from sampan.platform.release.states import ReleaseState

Title = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", strip_whitespace=True)]
Cause = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class HotfixIn(BodiesIn):
    """A hotfix: its document, the upload with the content of its files, and the bodies that list it."""

    hotfix: dict[str, Any] = Field(description="The document, as in hotfix-<n>.json.")
    upload: Annotated[str, StringConstraints(max_length=40)] = Field(
        "", description="Upload with hotfix-<n>.bin; empty when it has no byte, and when it is signed anew."
    )
    title: Title = Field("", description="What is mended, in a few words, for reviewers.")

    def sent(self) -> Sent:
        """Return what the use case takes; raise `HotfixMalformed`."""
        try:
            document = canonical_json(self.hotfix)
        except (NotCanonical, RecursionError) as problem:
            raise HotfixMalformed(f"The hotfix is not of the documented form: {str(problem)[:200]}.") from problem
        return Sent(document, self.raw(), self.upload, self.title)


class WithdrawIn(Body):
    """Why devices leave it."""

    model_config = example({"cause": "It signs customers out."})

    cause: Cause


class HotfixState(StrEnum):
    """Where a hotfix stands; `withdrawn` from wherever it stood."""

    IN_REVIEW = "in_review"
    NEEDS_SIGNATURE = "needs_signature"
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ChangeOut(BaseModel):
    """One file of a hotfix; sizes in bytes, null where it is not there."""

    path: str
    change: Literal[FileChange.ADDED, FileChange.REMOVED, FileChange.CHANGED]
    old_size: int | None
    old_digest: str | None
    size: int | None
    digest: str | None


class WithdrawnOut(BaseModel):
    """When, by whom and why it was withdrawn."""

    at_ms: int
    by: str
    cause: str


class ReleaseRef(BaseModel):
    """A release of a hotfix; it stands at stage `stage` of `stages`, from 0."""

    id: str
    state: ReleaseState
    stage: int
    stages: int
    started_ms: int


class HotfixOut(BaseModel):
    """A hotfix of a version as it stands.

    `stack` is what it is applied with now, itself last, and `digest` the package that results. When it is withdrawn,
    `dependents` fall with it, and `survivors`, which were made on it too, are applied without it. `bytes` is its own
    content; `devices` is on how many it runs, alone or below others, by what each last said.
    """

    app: str
    sequence: int
    n: int
    title: str
    state: HotfixState
    cause: str
    on: list[int]
    stack: list[int]
    digest: str
    review_digest: str
    bytes: int
    changes: list[ChangeOut]
    dependents: list[int]
    survivors: list[int]
    releases: list[ReleaseRef]
    devices: int
    submitted_by: str
    submitted_ms: int
    decided_by: str | None
    decided_ms: int | None
    published_ms: int | None
    withdrawn: WithdrawnOut | None


class HotfixDetailOut(HotfixOut):
    """A hotfix with what its reviewer needs; `document` is what is signed."""

    document: dict[str, Any]
    findings: list[FindingOut]
    history: list[HistoryOut]


class HotfixDiffOut(FileDiffOut):
    """The changed lines of a file; of JSON also `patch`, the operations of RFC 6902 from the one to the other.

    `taken` has an entry for each of them: the JSON text of the value that it removes or replaces, else null.
    """

    patch: list[dict[str, Any]] | None
    taken: list[str | None] | None


class BaseHotfixOut(BaseModel):
    """A hotfix to build on: its document; its content has a route of its own."""

    n: int
    document: dict[str, Any]


class HotfixBaseOut(BaseModel):
    """What the next hotfix is made on: the version's package digest, the number to take, the stack to build on."""

    app: str
    sequence: int
    version: str
    base: str
    next: int
    on: list[int]
    hotfixes: list[BaseHotfixOut]


def hotfix_out(shown: Shown) -> HotfixOut:
    """Return a hotfix as the API shows it."""
    return HotfixOut(**_fields(shown))


def detail_out(detail: Detail) -> HotfixDetailOut:
    """Return a hotfix with all that belongs to it."""
    return HotfixDetailOut(
        **_fields(detail.shown),
        document=_document(detail.shown.record.document),
        findings=[finding_out(each) for each in detail.findings],
        history=[
            HistoryOut(at_ms=each.at_ms, state=each.state, cause=each.cause, who=each.who, note=each.note)
            for each in detail.history
        ],
    )


def base_out(base: Base) -> HotfixBaseOut:
    """Return what a hotfix is made on as the API shows it."""
    package = base.version.package
    return HotfixBaseOut(
        app=package.app_id,
        sequence=package.sequence,
        version=package.version,
        base=package.package_digest,
        next=base.following,
        on=[each.n for each in base.stack],
        hotfixes=[BaseHotfixOut(n=each.n, document=_document(each.document)) for each in base.stack],
    )


def _document(document: bytes) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(document)
    return value


def _fields(shown: Shown) -> dict[str, Any]:
    record = shown.record
    withdrawn = None
    if record.withdrawn_ms is not None:
        withdrawn = WithdrawnOut(at_ms=record.withdrawn_ms, by=record.withdrawn_by, cause=record.withdrawn_cause)
    return {
        "app": record.app_id,
        "sequence": record.sequence,
        "n": record.n,
        "title": record.title,
        "state": _state(record.state, is_withdrawn=withdrawn is not None),
        "cause": record.cause,
        "on": list(record.hotfix.on),
        "stack": list(record.stack),
        "digest": record.digest,
        "review_digest": shown.review_digest,
        "bytes": record.hotfix.content_bytes,
        "changes": [_change(each) for each in record.hotfix.changes],
        "dependents": list(shown.dependents),
        "survivors": list(shown.survivors),
        "releases": [
            ReleaseRef(
                id=each.id, state=each.state, stage=each.stage, stages=len(each.stages), started_ms=each.started_ms
            )
            for each in shown.releases
        ],
        "devices": shown.devices,
        "submitted_by": record.submitted_by,
        "submitted_ms": record.submitted_ms,
        "decided_by": record.decided_by,
        "decided_ms": record.decided_ms,
        "published_ms": record.published_ms,
        "withdrawn": withdrawn,
    }


def _state(state: VersionState, *, is_withdrawn: bool) -> HotfixState:
    return HotfixState.WITHDRAWN if is_withdrawn else HotfixState(state.value)


def _change(change: Change) -> ChangeOut:
    before, after = change.before, change.after
    kind: Literal[FileChange.ADDED, FileChange.REMOVED, FileChange.CHANGED] = FileChange.CHANGED
    if before is None:
        kind = FileChange.ADDED
    elif after is None:
        kind = FileChange.REMOVED
    return ChangeOut(
        path=change.path,
        change=kind,
        old_size=before.size if before else None,
        old_digest=f"sha256:{before.sha256}" if before else None,
        size=after.size if after else None,
        digest=f"sha256:{after.sha256}" if after else None,
    )
