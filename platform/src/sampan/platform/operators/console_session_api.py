"""Console routes: signing in and out, who am I, proving the second factor again, using a set-up link."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from sampan.platform.operators.actor import ActorKind
from sampan.platform.operators.console_auth import (
    TheCore,
    WithSession,
    Workspace,
    refuse_foreign_origin,
)
from sampan.platform.operators.console_bodies import Body, Code, Email, Milliseconds, Secret
from sampan.platform.operators.enrolment import begin_setup, finish_setup
from sampan.platform.operators.people_door import read_people, workspaces_of_person
from sampan.platform.operators.person_rows import person_by_id
from sampan.platform.operators.session_cookie import cookie_name
from sampan.platform.operators.session_rows import Session, SessionKind
from sampan.platform.operators.sign_in import change_password, confirm, sign_in, sign_out, sign_out_everywhere
from sampan.platform.operators.signed_in import FACTOR_MS, IDLE_MS, LIFETIME_MS, SessionEnded, SignedIn

if TYPE_CHECKING:
    from sampan.platform.core import Core


class SignIn(Body):
    """Address, password and one-time code; `bearer` is for the command line, `cookie` for browsers."""

    email: Email
    password: Secret
    totp: Code
    kind: SessionKind = SessionKind.COOKIE


class SignedInView(BaseModel):
    """The new session; `secret` only for `bearer`."""

    session: str
    operator: str
    expires_ms: Milliseconds
    secret: str | None = None


class TotpBody(Body):
    """A fresh one-time code."""

    totp: Code


class ConfirmedView(BaseModel):
    """Until when dangerous acts are open."""

    confirmed_until_ms: Milliseconds


class PasswordBody(Body):
    """The present password, the new one, and a fresh one-time code."""

    password: Secret
    new_password: Secret
    totp: Code


class LinkBody(Body):
    """The secret of a set-up link."""

    link: Secret


class FinishBody(LinkBody):
    """The chosen password and a code of the enrolled app."""

    password: Secret
    totp: Code


class EnrolmentView(BaseModel):
    """Whose account it is, and what the authenticator app scans."""

    email: str
    name: str
    totp_secret: str
    totp_uri: str


class LimitedView(BaseModel):
    """Permissions that hold only for one client app, publisher or mini-app."""

    permissions: list[str]
    client_app: str | None
    publisher: str | None
    app: str | None


class WorkspaceChoice(BaseModel):
    """A workspace where the person has an active account; each has a sign-in of its own."""

    id: str
    name: str


class MeView(BaseModel):
    """Who is signed in and what they may do, for menus; the server checks every request anyway."""

    workspace: str
    kind: str
    person: str
    operator: str
    name: str
    email: str
    permissions: list[str]
    limited: list[LimitedView]
    roles: list[str]
    workspaces: list[WorkspaceChoice]
    session: str | None
    expires_ms: Milliseconds | None
    idle_expires_ms: Milliseconds | None = Field(description="When the session ends unless it is used again.")
    confirmed_until_ms: Milliseconds | None = Field(
        description="Until when dangerous acts are open without another one-time code."
    )


def build(_core: "Core") -> APIRouter:
    """Return the routes below /session and /setup."""
    router = APIRouter(tags=["session"])
    router.add_api_route("/session", post_session, methods=["POST"], status_code=201, summary="Sign in")
    router.add_api_route("/session", get_session, methods=["GET"], summary="Who am I")
    router.add_api_route("/session", delete_session, methods=["DELETE"], status_code=204, summary="Sign out")
    router.add_api_route(
        "/session/everywhere", delete_everywhere, methods=["DELETE"], status_code=204, summary="Sign out everywhere"
    )
    router.add_api_route("/session/totp", post_totp, methods=["POST"], summary="Prove the second factor again")
    router.add_api_route(
        "/session/password", post_password, methods=["POST"], status_code=204, summary="Change the own password"
    )
    router.add_api_route("/setup/begin", post_setup_begin, methods=["POST"], summary="Open a set-up link")
    router.add_api_route(
        "/setup/finish", post_setup_finish, methods=["POST"], status_code=204, summary="Use a set-up link"
    )
    return router


async def post_session(
    core: TheCore, workspace: Workspace, request: Request, response: Response, body: SignIn
) -> SignedInView:
    """Sign in; wrong, locked and unknown accounts get the same answer."""
    if body.kind is SessionKind.COOKIE:
        refuse_foreign_origin(request)  # or a foreign page could sign its victim in to the attacker's account
    made = await sign_in(
        core,
        workspace,
        email=body.email,
        password=body.password,
        totp=body.totp,
        source=source_of(request),
        kind=body.kind,
    )
    response.headers["cache-control"] = "no-store"
    view = SignedInView(session=made.session.id, operator=made.session.operator_id, expires_ms=made.session.expires_ms)
    if body.kind is SessionKind.BEARER:
        return view.model_copy(update={"secret": made.secret})
    response.set_cookie(
        cookie_name(workspace),
        made.secret,
        max_age=LIFETIME_MS // 1000,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
    return view


async def get_session(core: TheCore, workspace: Workspace, found: WithSession, response: Response) -> MeView:
    """Tell who is signed in and what they may do."""
    response.headers["cache-control"] = "no-store"
    actor, session = found.actor, found.session
    async with read_people(core, workspace) as tx:
        person = await person_by_id(tx, actor.person_id)
        choices = await workspaces_of_person(tx, actor.person_id)
    if person is None:
        raise SessionEnded("Your account is gone. Sign in again.")
    if actor.kind != ActorKind.OPERATOR:
        choices = [choice for choice in choices if choice.id == workspace]
    is_everywhere = [grant.covers() for grant in actor.grants]
    unlimited = {
        name for grant, full in zip(actor.grants, is_everywhere, strict=True) if full for name in grant.permissions
    }
    return MeView(
        workspace=workspace,
        kind=str(actor.kind),
        person=person.id,
        operator=actor.operator_id,
        name=person.name,
        email=person.email,
        permissions=sorted(unlimited),
        limited=[
            LimitedView(
                permissions=sorted(grant.permissions),
                client_app=grant.client_app,
                publisher=grant.publisher,
                app=grant.app,
            )
            for grant, full in zip(actor.grants, is_everywhere, strict=True)
            if not full
        ],
        roles=sorted({grant.role for grant in actor.grants}),
        workspaces=[WorkspaceChoice(id=choice.id, name=choice.name) for choice in choices],
        session=session.id if session else None,
        idle_expires_ms=min(session.seen_ms + IDLE_MS[session.kind], session.expires_ms) if session else None,
        expires_ms=session.expires_ms if session else None,
        confirmed_until_ms=session.factor_ms + FACTOR_MS if session else None,
    )


async def delete_session(core: TheCore, workspace: Workspace, found: WithSession, response: Response) -> None:
    """End this session."""
    await sign_out(core, workspace, found.actor, _session_of(found).id)
    _forget_cookie(response, workspace)


async def delete_everywhere(core: TheCore, workspace: Workspace, found: WithSession, response: Response) -> None:
    """End all sessions of this person, in every workspace."""
    _session_of(found)
    await sign_out_everywhere(core, workspace, found.actor)
    _forget_cookie(response, workspace)


async def post_totp(
    core: TheCore, workspace: Workspace, found: WithSession, request: Request, body: TotpBody
) -> ConfirmedView:
    """Open dangerous acts for five minutes."""
    given_ms = await confirm(core, workspace, _session_of(found), totp=body.totp, source=source_of(request))
    return ConfirmedView(confirmed_until_ms=given_ms + FACTOR_MS)


async def post_password(
    core: TheCore, workspace: Workspace, found: WithSession, request: Request, body: PasswordBody
) -> None:
    """Change the own password; all other sessions end."""
    await change_password(
        core,
        workspace,
        _session_of(found),
        password=body.password,
        new_password=body.new_password,
        totp=body.totp,
        source=source_of(request),
    )


async def post_setup_begin(
    core: TheCore, workspace: Workspace, request: Request, response: Response, body: LinkBody
) -> EnrolmentView:
    """Show what to scan."""
    response.headers["cache-control"] = "no-store"
    shown = await begin_setup(core, workspace, body.link, source=source_of(request))
    return EnrolmentView(email=shown.email, name=shown.name, totp_secret=shown.totp_secret, totp_uri=shown.totp_uri)


async def post_setup_finish(core: TheCore, workspace: Workspace, request: Request, body: FinishBody) -> None:
    """Choose the password; the link is spent."""
    await finish_setup(core, workspace, body.link, password=body.password, totp=body.totp, source=source_of(request))


def source_of(request: Request) -> str:
    """Return the caller's address, as the server in front of the application gave it."""
    return request.client.host if request.client else "unknown"


def _session_of(found: SignedIn) -> Session:
    if found.session is None:
        raise SessionEnded("This takes a person who is signed in; a machine token has no session.")
    return found.session


def _forget_cookie(response: Response, workspace: str) -> None:
    response.delete_cookie(cookie_name(workspace), path="/", secure=True, httponly=True, samesite="strict")
