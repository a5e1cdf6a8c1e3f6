"""Use cases of publishers, apps and testers; and who may know of which app.

Whoever may not see a thing is told that it does not exist, in the same words as when it does not.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sampan.platform.artifacts import apps_repository as repository
from sampan.platform.artifacts import problems
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.apps_repository import BY_ID, App, AppFilter, Publisher, Reach, Tester
from sampan.platform.artifacts.kinds import kind_of
from sampan.platform.artifacts.published import PART
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.trial_part import TRIAL_PART
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging
from sampan.platform.ids import APP_ID, new_id
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.key_rows import KeyRecord, KeyState, Purpose, keys_of_owners, list_keys
from sampan.platform.trust.profiles import PROFILES, profile_named
from sampan.platform.trust.service import register_key_in, request_delegation
from sampan.platform.workspaces.revisions import raise_revision

READ = "app:read"
MAX_APP_ID = 128
MAX_TESTERS = 1000
Subject = tuple[str, str]  # kind (`device` or `customer`) and id


@dataclass(frozen=True, slots=True)
class KnownApp:
    """An app with its highest version, its highest published one, and how many wait for a review."""

    app: App
    newest: Version | None
    published: Version | None
    waiting: int


def reach_of(actor: Actor) -> Reach:
    """Return what the actor may see of apps and their versions."""
    if actor.may(READ):
        return Reach(everything=True)
    grants = actor.reach(READ)
    publishers = frozenset(grant.publisher for grant in grants if grant.publisher and not grant.app)
    apps = frozenset(grant.app for grant in grants if grant.app)
    return Reach(everything=False, publishers=publishers, apps=apps)


async def visible_app(tx: Transaction, actor: Actor, app_id: str, permission: str = READ) -> App:
    """Return an app that the actor may see and act on; raise `AppUnknown`, then `MissingPermission`."""
    app = await repository.find_app(tx, app_id)
    if app is None or not actor.may(READ, publisher=app.publisher_id, app=app.app_id):
        raise problems.AppUnknown(f"There is no app {app_id[:MAX_APP_ID]!r} here that you may see.")
    actor.require(permission, publisher=app.publisher_id, app=app.app_id)
    return app


async def register_publisher(
    core: Core, workspace_id: str, actor: Actor, *, name: str, keys: Mapping[str, str]
) -> Publisher:
    """Make a publisher with one public key (PEM) per tree profile; keys may follow later."""
    actor.require("publisher:manage")
    publisher = Publisher(new_id("pub"), name, core.now_ms(), actor.label)
    async with core.store.workspace(workspace_id).write() as tx:
        if not await repository.insert_publisher(tx, publisher):
            raise problems.PublisherNameTaken(f"There is a publisher called {name!r} already; choose another name.")
        await audit.record(tx, actor, "publisher.register", target=publisher.id, now_ms=publisher.created_ms)
        for profile, pem in keys.items():
            await _register_key(core, tx, actor, publisher, profile, pem)
    return publisher


async def add_publisher_key(
    core: Core, workspace_id: str, actor: Actor, publisher_id: str, *, profile: str, pem: str
) -> None:
    """Register the key with which a publisher signs in one tree."""
    actor.require("publisher:manage")
    async with core.store.workspace(workspace_id).write() as tx:
        publisher = await repository.find_publisher(tx, publisher_id)
        if publisher is None:
            raise _publisher_unknown()
        await _register_key(core, tx, actor, publisher, profile, pem)


async def list_publishers(
    core: Core, workspace_id: str, actor: Actor, paging: Paging, *, search: str | None = None
) -> Found[tuple[Publisher, list[KeyRecord]]]:
    """Return a page of the publishers that the actor may see, by name, with their keys."""
    reach = reach_of(actor)
    ids = None if reach.everything else reach.publishers
    async with core.store.workspace(workspace_id).read() as tx:
        found = await repository.page_publishers(tx, paging, ids=ids, search=search)
        keys = await keys_of_owners(tx, Purpose.PUBLISHER, [each.id for each in found.items])
    return found.shown(lambda each: (each, [key for key in keys if key.owner == each.id]))


async def get_publisher(
    core: Core, workspace_id: str, actor: Actor, publisher_id: str
) -> tuple[Publisher, list[KeyRecord]]:
    """Return one publisher that the actor may see, with its keys; raise `PublisherUnknown`."""
    async with core.store.workspace(workspace_id).read() as tx:
        found = await repository.find_publisher(tx, publisher_id)
        keys = await keys_of_owners(tx, Purpose.PUBLISHER, [publisher_id])
    if found is None or not actor.may(READ, publisher=publisher_id):
        raise _publisher_unknown()
    return found, keys


async def create_app(core: Core, workspace_id: str, actor: Actor, *, app_id: str, kind: str, publisher_id: str) -> App:
    """Register an app and ask the officers for its role in every tree; it can publish once they have signed."""
    async with core.store.workspace(workspace_id).read() as tx:
        publisher = await repository.find_publisher(tx, publisher_id)
    if publisher is None or not actor.may(READ, publisher=publisher_id):
        raise _publisher_unknown(field="publisher")
    actor.require("app:create", publisher=publisher_id, app=app_id)
    if APP_ID.fullmatch(app_id) is None or len(app_id) > MAX_APP_ID:
        raise problems.BadAppId(
            "An app id is reverse DNS in lower case, such as bank.demo.coupons, of at most 128 characters.",
            field="app",
        )
    app = App(app_id, kind_of(core, kind).name, publisher_id, core.now_ms(), actor.label, None)
    async with core.store.workspace(workspace_id).write() as tx:
        if not await repository.insert_app(tx, app):
            raise problems.AppIdTaken(f"The id {app_id} is or was in use; ids are never reused. Choose another one.")
        keys = await active_keys(tx, publisher_id, PROFILES)
        await request_delegation(core, tx, app_id, keys, actor)
        detail = {"kind": kind, "publisher": publisher_id}
        await audit.record(tx, actor, "app.create", target=app_id, detail=detail, now_ms=app.created_ms)
        await raise_revision(tx, PART)
    return app


async def active_keys(tx: Transaction, publisher_id: str, profiles: Collection[str]) -> dict[str, str]:
    """Return the publisher's active key id by profile; raise `PublisherKeyMissing`."""
    keys = await list_keys(tx, purpose=Purpose.PUBLISHER, state=KeyState.ACTIVE, owner=publisher_id)
    by_profile = {key.profile: key.key_id for key in keys}
    for profile in profiles:
        if profile not in by_profile:
            raise problems.PublisherKeyMissing(
                f"The publisher has no active key for the tree {profile}. Make one with `sampan keygen` and have an "
                "administrator register its public part.",
                profile=profile,
            )
    return {profile: by_profile[profile] for profile in profiles}


async def list_apps(
    core: Core, workspace_id: str, actor: Actor, wanted: AppFilter, paging: Paging, order: Order = BY_ID
) -> Found[KnownApp]:
    """Return a page of the apps that the actor may see, with what is known of their versions."""
    async with core.store.workspace(workspace_id).read() as tx:
        found = await repository.page_apps(tx, reach_of(actor), wanted, paging, order)
        known = await _known(tx, found.items)
    return found.shown(lambda app: known[app.app_id])


async def get_app(core: Core, workspace_id: str, actor: Actor, app_id: str) -> KnownApp:
    """Return one app that the actor may see, with what is known of its versions."""
    async with core.store.workspace(workspace_id).read() as tx:
        app = await visible_app(tx, actor, app_id)
        return (await _known(tx, [app]))[app_id]


async def _known(tx: Transaction, apps: Sequence[App]) -> dict[str, KnownApp]:
    ids = [app.app_id for app in apps]
    newest = await versions.latest_versions(tx, ids)
    published = await versions.latest_versions(tx, ids, [VersionState.PUBLISHED])
    waiting = await versions.count_by_app(tx, ids, [VersionState.UPLOADED, VersionState.IN_REVIEW])
    return {
        app.app_id: KnownApp(app, newest.get(app.app_id), published.get(app.app_id), waiting.get(app.app_id, 0))
        for app in apps
    }


async def get_testers(core: Core, workspace_id: str, actor: Actor, app_id: str, paging: Paging) -> Found[Tester]:
    """Return a page of who may open the app's trial versions."""
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        return await repository.page_testers(tx, app_id, paging)


async def set_testers(
    core: Core, workspace_id: str, actor: Actor, app_id: str, *, devices: Sequence[str], customers: Sequence[str]
) -> None:
    """Name exactly these devices and customers as testers of the app."""
    async with core.store.workspace(workspace_id).write() as tx:
        await visible_app(tx, actor, app_id, "trial:manage")
        await _put_testers(core, tx, actor, app_id, subjects_of(devices, customers))


async def change_testers(
    core: Core,
    workspace_id: str,
    actor: Actor,
    app_id: str,
    *,
    add: Collection[Subject],
    remove: Collection[Subject],
) -> None:
    """Name some more testers and take others from the list; whoever is in neither stays what they are."""
    async with core.store.workspace(workspace_id).write() as tx:
        await visible_app(tx, actor, app_id, "trial:manage")
        now = {(each.kind, each.subject_id) for each in await repository.list_testers(tx, app_id)}
        await _put_testers(core, tx, actor, app_id, (now - set(remove)) | set(add))


def subjects_of(devices: Iterable[str], customers: Iterable[str]) -> set[Subject]:
    """Return these as subjects that testers are."""
    return {("device", each) for each in devices} | {("customer", each) for each in customers}


async def _put_testers(core: Core, tx: Transaction, actor: Actor, app_id: str, named: Collection[Subject]) -> None:
    if len(named) > MAX_TESTERS:
        raise problems.TooManyTesters(f"One app may have {MAX_TESTERS} testers; a wider circle is a release.")
    now_ms = core.now_ms()
    known = {(each.kind, each.subject_id): each for each in await repository.list_testers(tx, app_id)}
    wanted = [known.get(each) or Tester(app_id, *each, now_ms, actor.label) for each in sorted(named)]
    await repository.replace_testers(tx, app_id, wanted)
    detail = {f"{kind}s": sorted(subject for of, subject in named if of == kind) for kind in ("device", "customer")}
    await audit.record(tx, actor, "app.testers", target=app_id, detail=detail, now_ms=now_ms)
    await raise_revision(tx, TRIAL_PART)


async def _register_key(
    core: Core, tx: Transaction, actor: Actor, publisher: Publisher, profile: str, pem: str
) -> None:
    await register_key_in(
        core,
        tx,
        actor,
        pem=pem,
        purpose=Purpose.PUBLISHER,
        profile=profile_named(profile).name,
        owner=publisher.id,
        label=publisher.name,
    )


def _publisher_unknown(**facts: str) -> problems.PublisherUnknown:
    return problems.PublisherUnknown("There is no such publisher here that you may see.", **facts)
