"""Where a promotion goes from and to: a workspace, on whatever server, as the promoting person is signed in there."""

import os
import re
from dataclasses import dataclass
from typing import Any

import httpx2

from sampan.platform.cli.api import Api, ServerRefused, ServerUnreachable
from sampan.platform.cli.home import NotSignedIn, SignIn, all_signed_in, signed_in_as
from sampan.platform.errors import Conflict, Invalid, NotFound
from sampan.platform.operators.actor import MissingPermission

ADDRESS = re.compile(r"(https?://[^/?#@\s]+)/w/([a-z0-9-]+)/?")


class BadPromotionPlace(Invalid):
    """A side of a promotion is neither a profile nor the address of a workspace."""

    code = "bad_promotion_place"


class PromotionToItself(Invalid):
    """Both sides of a promotion are the same workspace."""

    code = "promotion_to_itself"


class BadPromotionItem(Invalid):
    """What is to be promoted is neither `app@version`, `switch:KEY` nor `audience:NAME`, or stands there twice."""

    code = "bad_promotion_item"


class PromotionUnknown(NotFound):
    """What is to be promoted is not in the workspace that it is to come from."""

    code = "promotion_unknown"


class PromotionNotInForce(Conflict):
    """What is to be promoted is not published, or not served, in the workspace that it is to come from."""

    code = "promotion_not_in_force"


class PromotionDiverged(Conflict):
    """What stands in the target was not made in the source: promoting would take it away; `--over` does."""

    code = "promotion_diverged"


class PromotionUnconfirmed(Conflict):
    """The person who was asked did not want it, or nobody could be asked."""

    code = "promotion_unconfirmed"


@dataclass(frozen=True, slots=True)
class Side:
    """A workspace as whoever promotes is signed in there; `name` is `source` or `target`."""

    name: str
    sign_in: SignIn
    api: Api

    @classmethod
    def at(cls, name: str, place: str, token: str | None) -> "Side":
        """Return a side for a profile, or for an address with the sign-in or the token for it."""
        sign_in = _sign_in(place, token)
        return cls(name, sign_in, SideApi(name, sign_in))

    def __str__(self) -> str:
        return f"{self.sign_in.workspace} on {self.sign_in.server}"


class SideApi(Api):
    """The console API of one side: its refusals say which side refused."""

    def __init__(self, name: str, sign_in: SignIn) -> None:
        super().__init__(sign_in.server, sign_in.workspace, secret=sign_in.secret)
        self._side, self._where = name, f"{sign_in.workspace} on {sign_in.server}"

    def _answer(self, method: str, path: str, **options: Any) -> httpx2.Response:
        try:
            return super()._answer(method, path, **options)
        except ServerRefused as problem:
            told = f"The {self._side} ({self._where}) refuses: {problem.detail}"
            facts = {**problem.facts, "side": self._side}
            raise ServerRefused(problem.status, problem.code, told, **facts) from problem
        except ServerUnreachable as problem:
            raise ServerUnreachable(f"The {self._side}: {problem.detail}", side=self._side) from problem


def sides(source: str, target: str) -> tuple[Side, Side]:
    """Return both sides; raise `BadPromotionPlace`, `NotSignedIn` or `PromotionToItself`."""
    found = (
        Side.at("source", source, os.environ.get("SAMPAN_FROM_TOKEN")),
        Side.at("target", target, os.environ.get("SAMPAN_TO_TOKEN")),
    )
    first, second = (each.sign_in for each in found)
    if (first.server, first.workspace) == (second.server, second.workspace):
        raise PromotionToItself(f"Both sides are {found[0]}. Name another workspace with --to.")
    return found


def require_right(side: Side, permission: str, *, publisher: str | None = None, app: str | None = None) -> None:
    """Raise `MissingPermission` unless whoever promotes holds the permission for the thing on this side."""
    me = side.api.get("/session")
    limits = [each for each in me["limited"] if permission in each["permissions"]]
    if permission in me["permissions"] or any(_holds(each, publisher=publisher, app=app) for each in limits):
        return
    raise MissingPermission(
        f"The {side.name} ({side}) gives you no {permission!r} for this. An administrator gives it there; versions are "
        "promoted by a person of the app's publisher.",
        permission=permission,
        side=side.name,
    )


def _holds(limit: dict[str, Any], **thing: str | None) -> bool:
    return limit["client_app"] is None and all(limit[name] in (None, thing[name]) for name in ("publisher", "app"))


def found_or_none(side: Side, path: str) -> Any:
    """GET what may not be there."""
    try:
        return side.api.get(path)
    except ServerRefused as problem:
        if problem.status == 404:
            return None
        raise


def name_of(side: Side, person: str) -> str:
    """Return what a side calls one of its people; their id there means nothing elsewhere."""
    names: dict[str, str] = side.api.get("/names", id=[person])["names"] if "_" in person else {}
    return names.get(person, person)


def _sign_in(place: str, token: str | None) -> SignIn:
    address = ADDRESS.fullmatch(place)
    if address is None:
        if "/" in place:
            raise BadPromotionPlace(f"{place} is not the address of a workspace: https://HOST/w/WORKSPACE.")
        return signed_in_as(place)
    server, workspace = address[1], address[2]
    if token:
        return SignIn(server, workspace, "", token)
    for each in all_signed_in():
        if (each.server, each.workspace) == (server, workspace):
            return each
    raise NotSignedIn(
        f"Nobody is signed in to {workspace} on {server} here. Run `sampan --profile {workspace} login --server "
        f"{server} --workspace {workspace}`, or give a machine token in SAMPAN_FROM_TOKEN or SAMPAN_TO_TOKEN."
    )
