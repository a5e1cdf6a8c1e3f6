"""The JSON forms of the trust console API."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from sampan.platform.operators.console_bodies import Body, Milliseconds, Note
from sampan.platform.trust.asking import Asked
from sampan.platform.trust.ceremonies import Rebuilt, Signed, Waiting
from sampan.platform.trust.ceremony_rows import Pending, Request
from sampan.platform.trust.folding import Progress
from sampan.platform.trust.key_rows import KeyRecord, Purpose
from sampan.platform.trust.metadata_rows import BodyLine
from sampan.platform.trust.overview import TreeStatus

ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}$")]
ProfilePath = Annotated[str, Path(pattern=r"^[a-z]{1,16}$")]
KeyText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
KeyPath = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
RolePath = Annotated[str, Path(pattern=r"^[a-z0-9.-]{1,210}$")]
AppPath = Annotated[str, Path(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=200)]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2,1024}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)]


class NewKey(Body):
    """A public key to register; officers' keys serve every tree and name no profile."""

    pem: Annotated[str, StringConstraints(max_length=4096)] = Field(description="SPKI PEM (BEGIN PUBLIC KEY).")
    purpose: Purpose
    profile: Annotated[str, StringConstraints(pattern=r"^[a-z]{0,16}$")] = ""
    owner: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=80)]
    label: Line = ""


class Why(Body):
    """Why this is done."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Officers(Body):
    """The ids of exactly three registered officers' keys."""

    officers: list[KeyText] = Field(min_length=3, max_length=3)
    note: Note = ""


class Renewal(Body):
    """Which of the officers' two roles gets another year."""

    role: Annotated[str, StringConstraints(pattern=r"^(root|targets)$")]


class Rotation(Body):
    """Which of the server's keys is made anew."""

    purpose: Purpose


class AppKeys(Body):
    """An app's next publisher (or adoption) key in one tree, and its published body signed by that key."""

    profile: ProfileName
    publisher_key: KeyText
    body: Annotated[str, StringConstraints(max_length=4 * 2**20)] = Field(
        "",
        description="The app's role body, one version on, as the exact text that was signed; empty before the first.",
    )


class NewSignature(Body):
    """An officer's signature over the signed part of a waiting body."""

    key: KeyText
    signature: Hex


class KeyView(BaseModel):
    """A registered public key."""

    id: str
    algorithm: str
    pem: str
    purpose: str
    profile: str
    owner: str
    label: str
    state: str
    reason: str
    created_ms: Milliseconds
    changed_ms: Milliseconds


class RequestView(BaseModel):
    """What the officers are asked for."""

    id: str
    profile: str
    kind: str
    state: str
    app: str
    publisher_key: str
    countersigner_key: str
    key: str
    officers: list[str]
    asked_by: str
    created_ms: Milliseconds


class ProgressView(BaseModel):
    """Who may sign, who has, and whether that suffices."""

    may_sign: list[str]
    have_signed: list[str]
    is_complete: bool


class PendingLine(BaseModel):
    """A body that waits or waited for signatures, without its text."""

    id: str
    profile: str
    role: str
    version: int
    state: str
    created_ms: Milliseconds
    changed_ms: Milliseconds


class WaitingView(PendingLine):
    """A body that waits: `body` is the exact text to be signed, `requests` what it carries out."""

    body: str
    progress: ProgressView
    requests: list[RequestView]


class RebuiltView(BaseModel):
    """A body that waits anew; `voided_signatures` of the one before it must be given again."""

    role: str
    pending: str
    voided_signatures: int


class AskedView(BaseModel):
    """A request, and the bodies that wait because of it."""

    request: RequestView | None
    rebuilt: list[RebuiltView]


class SignedView(BaseModel):
    """What a signature led to; `in_force` are the roles that took effect with it."""

    pending: str
    progress: ProgressView
    in_force: list[str]


class RoleView(BaseModel):
    """One role; `signer` says who keeps it alive, `is_due` that they should act."""

    role: str
    version: int
    exposed_version: int
    expires_ms: Milliseconds
    signer: str
    is_due: bool


class TreeView(BaseModel):
    """One tree as clients see it, and what is due."""

    profile: str
    is_started: bool
    waiting: int
    timestamp_version: int
    exposed_ms: Milliseconds
    is_up_to_date: bool
    roles: list[RoleView]


class BodyView(BaseModel):
    """One stored version of a role."""

    role: str
    version: int
    sha256: str
    expires_ms: Milliseconds
    created_ms: Milliseconds


def key_view(record: KeyRecord) -> KeyView:
    """Return the form of a key."""
    return KeyView(
        id=record.key_id,
        algorithm=record.key.algorithm,
        pem=record.key.pem(),
        purpose=record.purpose,
        profile=record.profile,
        owner=record.owner,
        label=record.label,
        state=record.state,
        reason=record.reason,
        created_ms=record.created_ms,
        changed_ms=record.changed_ms,
    )


def request_view(request: Request) -> RequestView:
    """Return the form of a request."""
    facts = request.facts
    return RequestView(
        id=request.id,
        profile=request.profile,
        kind=request.kind,
        state=request.state,
        app=facts.app,
        publisher_key=facts.publisher,
        countersigner_key=facts.countersigner,
        key=facts.key,
        officers=list(facts.officers),
        asked_by=request.asked_by,
        created_ms=request.created_ms,
    )


def pending_line(pending: Pending) -> PendingLine:
    """Return the form of a body without its text."""
    return PendingLine(
        id=pending.id,
        profile=pending.profile,
        role=pending.role,
        version=pending.version,
        state=pending.state,
        created_ms=pending.created_ms,
        changed_ms=pending.changed_ms,
    )


def waiting_view(waiting: Waiting) -> WaitingView:
    """Return the form of a body that waits."""
    return WaitingView(
        **pending_line(waiting.pending).model_dump(),
        body=waiting.pending.body.decode(),
        progress=progress_view(waiting.progress),
        requests=[request_view(each) for each in waiting.requests],
    )


def progress_view(progress: Progress) -> ProgressView:
    """Return the form of how far the signing is."""
    return ProgressView(
        may_sign=list(progress.may_sign), have_signed=list(progress.have_signed), is_complete=progress.is_complete
    )


def rebuilt_view(rebuilt: Rebuilt) -> RebuiltView:
    """Return the form of a body that waits anew."""
    return RebuiltView(role=rebuilt.role, pending=rebuilt.pending_id, voided_signatures=rebuilt.voided)


def asked_view(asked: Asked | None) -> AskedView:
    """Return the form of a request and its bodies; nothing waits for None."""
    if asked is None:
        return AskedView(request=None, rebuilt=[])
    return AskedView(request=request_view(asked.request), rebuilt=[rebuilt_view(each) for each in asked.rebuilt])


def signed_view(signed: Signed) -> SignedView:
    """Return the form of what a signature led to."""
    return SignedView(pending=signed.pending_id, progress=progress_view(signed.progress), in_force=list(signed.stored))


def tree_view(status: TreeStatus) -> TreeView:
    """Return the form of a tree's state."""
    tree = status.tree
    return TreeView(
        profile=tree.profile,
        is_started=status.is_started,
        waiting=status.waiting,
        timestamp_version=tree.exposed_timestamp,
        exposed_ms=tree.exposed_ms,
        is_up_to_date=(tree.changed, tree.made_timestamp) == (tree.exposed_changed, tree.exposed_timestamp),
        roles=[
            RoleView(
                role=each.role,
                version=each.version,
                exposed_version=each.exposed_version,
                expires_ms=each.expires_ms,
                signer=each.signer,
                is_due=each.is_due,
            )
            for each in status.roles
        ],
    )


def body_view(line: BodyLine) -> BodyView:
    """Return the form of one stored version."""
    return BodyView(
        role=line.role,
        version=line.version,
        sha256=line.sha256,
        expires_ms=line.expires_ms,
        created_ms=line.created_ms,
    )
