"""Whose numbers somebody may see: everybody's, or those of the own apps alone, as a publisher does."""

from typing import Annotated

from sampan.platform.artifacts.apps_repository import find_app
from sampan.platform.artifacts.problems import AppUnknown
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import needs

READ = "insight:read"
Reader = Annotated[Actor, needs(READ, scoped=True)]


async def require_app(tx: Transaction, actor: Actor, app_id: str) -> None:
    """Let pass who may see every app's numbers, or this one's; raise `AppUnknown`.

    What is counted for a part of an app, under `<app>@<sequence>`, is the app's.
    """
    if actor.may(READ):
        return
    app_id = app_id.partition("@")[0]
    app = await find_app(tx, app_id)
    if app is None or not actor.may(READ, publisher=app.publisher_id, app=app_id):
        raise AppUnknown("There is no app of this id here that you may see.")
