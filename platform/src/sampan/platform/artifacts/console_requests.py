"""The typed bodies that this floor's console routes take."""

import json
from typing import Annotated, Any, Literal

from msgspec.structs import replace
from pydantic import Field, StringConstraints

from sampan.offline_packages.refusals import IndexNotCanonical
from sampan.platform.artifacts.admitting import Submission
from sampan.platform.artifacts.origins import OriginClaim
from sampan.platform.crypto.canonical import NotCanonical, canonical_json
from sampan.platform.operators.console_bodies import Body, example

Profile = Literal["intl", "trial"]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
SubjectId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,4}_[0-9a-f]{32}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
SignedBody = dict[str, Any]


class PublisherIn(Body):
    """A publisher to be registered."""

    model_config = example(
        {"name": "Harbour Apps", "keys": {"intl": "-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----\n"}}
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    keys: dict[Profile, Annotated[str, StringConstraints(max_length=4000)]] = Field(
        default_factory=dict, description="Public key in PEM by tree profile; one key for each."
    )


class PublisherKeyIn(Body):
    """The public key with which a publisher signs in one tree."""

    profile: Profile
    pem: Annotated[str, StringConstraints(max_length=4000)]


class AppIn(Body):
    """An app to be registered. Two officers sign its role before it can publish."""

    model_config = example(
        {"app": "bank.demo.coupons", "kind": "miniapp", "publisher": "pub_0190f0c0000070008000000000000000"}
    )

    app: Annotated[str, StringConstraints(max_length=200)]
    kind: Annotated[str, StringConstraints(max_length=32)] = "miniapp"
    publisher: Annotated[str, StringConstraints(max_length=40)]


class TestersIn(Body):
    """Who may open the app's trial versions."""

    model_config = example({"devices": ["dev_0190f0c0000070008000000000000000"], "customers": []})

    devices: list[SubjectId] = Field(default_factory=list, max_length=1000)
    customers: list[SubjectId] = Field(default_factory=list, max_length=1000)


class TestersChangeIn(Body):
    """Who more may open the app's trial versions, and who no longer; all others stay."""

    model_config = example({"add": {"devices": ["dev_0190f0c0000070008000000000000000"]}})

    add: TestersIn = Field(default_factory=TestersIn)
    remove: TestersIn = Field(default_factory=TestersIn)


class BodiesIn(Body):
    """Role bodies that the publisher signed, by tree profile."""

    bodies: dict[Profile, SignedBody]

    def raw(self) -> dict[str, bytes]:
        """Return the bodies in the one spelling that signatures are kept in."""
        return {
            profile: json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
            for profile, body in self.bodies.items()
        }


class ResequenceIn(BodiesIn):
    """The index of the same files under another sequence, and the bodies that list it."""

    index: dict[str, Any] = Field(description="The content index, as in index.json.")
    urgent: bool = Field(False, description="First in line for review, before other waiting versions of the app.")

    def submission(self) -> Submission:
        """Return what the use cases take; raise `IndexNotCanonical`."""
        try:
            index = canonical_json(self.index)
        except (NotCanonical, RecursionError) as problem:
            raise IndexNotCanonical(reason=str(problem)[:200]) from problem
        return Submission(index, self.raw(), self.urgent)


class OriginIn(Body):
    """Where exactly these bytes were approved before, as the promoting person says; this server cannot check it."""

    model_config = example(
        {
            "server": "https://sampan.sit.example",
            "workspace": "sit",
            "approved_by": "reviewer@bank.example",
            "approved_ms": 1790000000000,
        }
    )

    server: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=300)]
    workspace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=64)]
    approved_by: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)]
    approved_ms: Annotated[int, Field(ge=0, le=2**53 - 1)]

    def claim(self) -> OriginClaim:
        """Return what the use cases take."""
        return OriginClaim(self.server, self.workspace, self.approved_by, self.approved_ms)


class VersionIn(ResequenceIn):
    """A version: the upload it stands in, the index of its package and the bodies that list it."""

    upload: Annotated[str, StringConstraints(max_length=40)]
    origin: OriginIn | None = Field(None, description="Of a promoted version: shown as a claim, and not checked.")

    def submission(self) -> Submission:
        """Return what the use cases take; raise `IndexNotCanonical`."""
        return replace(super().submission(), origin=self.origin.claim() if self.origin else None)


class Note(Body):
    """Why, for the history."""

    note: Annotated[str, StringConstraints(max_length=4000)] = ""


class ApproveIn(Body):
    """The review digest that the reviewer saw."""

    digest: Digest


class RejectIn(ApproveIn):
    """The review digest that the reviewer saw, and what the publisher is told."""

    comment: Text


class CommentIn(Body):
    """A comment, about a line of a file if wanted."""

    model_config = example({"text": "Why does this ask for the camera?", "file": "manifest.json", "line": 12})

    text: Text
    file: Annotated[str, StringConstraints(max_length=1024)] = ""
    line: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class RenewalIn(BodiesIn):
    """Bodies that renew or empty the app's role."""

    kind: Literal["renewal", "archive"] = "renewal"
