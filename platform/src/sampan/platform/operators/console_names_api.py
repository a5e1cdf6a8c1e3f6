"""Console route: what colleagues are called, for whoever is signed in and reads a list or a history with ids."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from sampan.platform.operators.console_auth import Signed, TheCore, Workspace
from sampan.platform.operators.names import names_of

if TYPE_CHECKING:
    from sampan.platform.core import Core

PersonId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,4}_[0-9a-f]{32}$")]
Ids = Annotated[
    list[PersonId],
    Query(alias="id", default_factory=list, max_length=100, description="Of operators and persons; repeat for more."),
]


class NamesView(BaseModel):
    """What people are called, by the id that was asked for."""

    names: dict[str, str]


def build(_core: "Core") -> APIRouter:
    """Return the route /names."""
    router = APIRouter(tags=["people"])
    router.add_api_route("/names", get_names, methods=["GET"], summary="Tell what people are called")
    return router


async def get_names(core: TheCore, workspace: Workspace, _actor: Signed, ids: Ids) -> NamesView:
    """Name colleagues; an id of nobody with an account here is left out."""
    return NamesView(names=await names_of(core, workspace, frozenset(ids)))
