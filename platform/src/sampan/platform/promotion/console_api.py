"""Promotion for people and for the command line: typed bodies, one use case."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from sampan.platform.audience.audiences_service import MAX_NAME, MAX_NOTE
from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Signed, Workspace
from sampan.platform.operators.console_bodies import Body, Note, example
from sampan.platform.promotion import service
from sampan.platform.promotion.planning import Claim, Source, Wanted, WantedAudience, WantedSwitch

MAX_THINGS = 100
Edition = Annotated[int, Field(ge=0, le=2**31 - 1, description="The edition here that it replaces; 0 where none is.")]
AudienceId = Annotated[str, StringConstraints(pattern=r"^aud_[0-9a-f]{32}$")]
Printable = r"^[^\x00-\x1f\x7f]*$"


class SourceIn(Body):
    """Where things come from, as the promoting person says."""

    server: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=300)]
    workspace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=64)]


class ClaimIn(Body):
    """What is said of a thing there; this server cannot check it."""

    edition: Annotated[int, Field(ge=1, le=2**31 - 1)]
    approved_by: Annotated[str, StringConstraints(pattern=Printable, max_length=200)]
    approved_ms: Annotated[int, Field(ge=0, le=253_402_300_799_999)]

    def claim(self) -> Claim:
        """Return what the use case takes."""
        return Claim(self.edition, self.approved_by, self.approved_ms)


class SwitchIn(Body):
    """A switch as it is there."""

    definition: dict[str, Any]
    edition: Edition
    claim: ClaimIn


class SavedAudienceIn(Body):
    """A saved audience as it is there."""

    id: AudienceId
    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=Printable)]
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE)] = ""
    audience: dict[str, Any]
    edition: Edition
    claim: ClaimIn


class PromotionIn(Body):
    """Switches and saved audiences of another workspace; rules name saved audiences by their ids there."""

    model_config = example(
        {
            "source": {"server": "https://sampan.sit.example", "workspace": "sit"},
            "switches": [
                {
                    "definition": {
                        "key": "transfer.new-look",
                        "type": "boolean",
                        "variants": {"on": True, "off": False},
                        "default": "off",
                    },
                    "edition": 0,
                    "claim": {"edition": 2, "approved_by": "reviewer@bank.example", "approved_ms": 1790000000000},
                }
            ],
            "audiences": [],
            "names": {},
        }
    )

    source: SourceIn
    switches: list[SwitchIn] = Field(default_factory=list, max_length=MAX_THINGS)
    audiences: list[SavedAudienceIn] = Field(default_factory=list, max_length=MAX_THINGS)
    names: dict[AudienceId, Annotated[str, StringConstraints(max_length=MAX_NAME)]] = Field(
        default_factory=dict, description="What saved audiences are called that rules name by their ids there."
    )
    note: Note = ""

    def wanted(self) -> Wanted:
        """Return what the use case takes."""
        return Wanted(
            Source(self.source.server, self.source.workspace),
            tuple(WantedSwitch(each.definition, each.edition, each.claim.claim()) for each in self.switches),
            tuple(
                WantedAudience(each.id, each.name, each.note, each.audience, each.edition, each.claim.claim())
                for each in self.audiences
            ),
            dict(self.names),
        )


class PromotedOut(BaseModel):
    """What becomes of each thing: `unchanged`, or `waits` in the change request."""

    done: dict[str, str]
    change: str | None
    digest: str | None
    already: bool = Field(description="The change request was waiting before.")


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["promotion"])

    @router.post("/promotions")
    async def promote(workspace_id: Workspace, actor: Signed, body: PromotionIn) -> PromotedOut:
        """Propose switches and saved audiences of another workspace here, in one change request."""
        found = await service.promote(core, workspace_id, actor, body.wanted(), note=body.note)
        change = found.change
        return PromotedOut(
            done=dict(found.done),
            change=change.id if change else None,
            digest=change.digest if change else None,
            already=found.already,
        )

    return router
