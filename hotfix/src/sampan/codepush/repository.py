"""Rows of CodePush, and all SQL on them but the reports'."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Table, and_, delete, func, insert, or_, select, update

from sampan.codepush.records import (
    EVERYBODY,
    App,
    Count,
    Deployment,
    Difference,
    Method,
    Release,
    State,
    Stored,
    files_text,
)
from sampan.codepush.tables import apps, bundles, clients, counts, deployments, differences, releases
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.operators.change_rows import change_requests

KEPT = 50
"""How many approved labels of a deployment an answer to a device looks back on."""
SHOWN = 200
"""How many labels the tools' history lists."""
AT_ONCE = 500
"""How many bundles one round of collecting looks at."""
_A, _D, _B, _F, _R, _C = apps.c, deployments.c, bundles.c, differences.c, releases.c, counts.c
BY_NAME = Order("name", (_A.name,))
DEPLOYMENT_NAME = Order("name", (_D.name,))
NEWEST = Order("-label", (_R.n,), descending=True)
COUNT_LABEL = Order("label", (_C.label,))


def _columns(table: Table, kind: type[Any]) -> list[Any]:
    return [table.c[name] for name in kind.__struct_fields__]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


async def add_app(tx: Transaction, app: App) -> None:
    """Store a new app."""
    await tx.execute(insert(apps).values(workspace_id=tx.workspace_id, **_fields(app)))


async def rename_app(tx: Transaction, app_id: str, name: str) -> None:
    """Give an app another name."""
    await tx.execute(update(apps).where(_A.workspace_id == tx.workspace_id, _A.id == app_id).values(name=name))


async def delete_app(tx: Transaction, app_id: str) -> None:
    """Delete an app that has no deployments."""
    await tx.execute(delete(apps).where(_A.workspace_id == tx.workspace_id, _A.id == app_id))


async def find_app(tx: Transaction, name: str) -> App | None:
    """Return an app by its name."""
    statement = select(*_columns(apps, App)).where(_A.workspace_id == tx.workspace_id, _A.name == name)
    row = (await tx.execute(statement)).one_or_none()
    return App(**row._asdict()) if row else None


async def page_apps(tx: Transaction, paging: Paging) -> Found[App]:
    """Return a page of apps, by name."""
    statement = select(*_columns(apps, App)).where(_A.workspace_id == tx.workspace_id)
    return await read_page(tx, statement, BY_NAME, paging, lambda row: App(**_of(row, App)))


async def list_apps(tx: Transaction) -> list[App]:
    """Return all apps, by name."""
    statement = select(*_columns(apps, App)).where(_A.workspace_id == tx.workspace_id).order_by(_A.name)
    return [App(**row._asdict()) for row in await tx.execute(statement)]


async def add_deployment(tx: Transaction, deployment: Deployment) -> None:
    """Store a new deployment."""
    await tx.execute(insert(deployments).values(workspace_id=tx.workspace_id, **_fields(deployment)))


async def change_deployment(tx: Transaction, deployment_id: str, **values: object) -> None:
    """Change name, key or number of a deployment."""
    await tx.execute(
        update(deployments).where(_D.workspace_id == tx.workspace_id, _D.id == deployment_id).values(**values)
    )


async def delete_deployment(tx: Transaction, deployment_id: str) -> None:
    """Delete a deployment that never released anything, with what devices reported of their binaries."""
    await tx.execute(delete(counts).where(_C.workspace_id == tx.workspace_id, _C.deployment_id == deployment_id))
    own = (clients.c.workspace_id == tx.workspace_id, clients.c.deployment_id == deployment_id)
    await tx.execute(delete(clients).where(*own))
    await tx.execute(delete(deployments).where(_D.workspace_id == tx.workspace_id, _D.id == deployment_id))


async def next_number(tx: Transaction, deployment_id: str) -> int:
    """Take and return the number of the next label; it is never given out again."""
    statement = (
        update(deployments)
        .where(_D.workspace_id == tx.workspace_id, _D.id == deployment_id)
        .values(last_n=_D.last_n + 1)
        .returning(_D.last_n)
    )
    return int((await tx.execute(statement)).scalar_one())


async def find_deployment(tx: Transaction, app_id: str, name: str) -> Deployment | None:
    """Return a deployment of an app by its name."""
    return await _deployment(tx, and_(_D.app_id == app_id, _D.name == name))


async def deployment_by_id(tx: Transaction, deployment_id: str) -> Deployment | None:
    """Return a deployment."""
    return await _deployment(tx, _D.id == deployment_id)


async def deployment_by_key(tx: Transaction, key: str) -> Deployment | None:
    """Return the deployment of a deployment key."""
    return await _deployment(tx, _D.key == key)


async def _deployment(tx: Transaction, where: Any) -> Deployment | None:
    statement = select(*_columns(deployments, Deployment)).where(_D.workspace_id == tx.workspace_id, where)
    row = (await tx.execute(statement)).one_or_none()
    return Deployment(**row._asdict()) if row else None


async def page_deployments(tx: Transaction, app_id: str, paging: Paging) -> Found[Deployment]:
    """Return a page of an app's deployments, by name."""
    statement = select(*_columns(deployments, Deployment)).where(
        _D.workspace_id == tx.workspace_id, _D.app_id == app_id
    )
    return await read_page(tx, statement, DEPLOYMENT_NAME, paging, lambda row: Deployment(**_of(row, Deployment)))


async def list_deployments(tx: Transaction, app_id: str | None = None) -> list[Deployment]:
    """Return the deployments of an app, or of all, by name."""
    statement = select(*_columns(deployments, Deployment)).where(_D.workspace_id == tx.workspace_id)
    if app_id is not None:
        statement = statement.where(_D.app_id == app_id)
    return [Deployment(**row._asdict()) for row in await tx.execute(statement.order_by(_D.name))]


async def add_bundle(tx: Transaction, bundle: Stored) -> None:
    """Store a bundle's row; the same ZIP once more changes nothing."""
    values = _fields(bundle) | {"files": files_text(bundle.files)}
    await tx.execute(insert_or_ignore(tx, bundles).values(workspace_id=tx.workspace_id, **values))


async def find_bundles(tx: Transaction, wanted: Collection[str]) -> dict[str, Stored]:
    """Return bundles by the SHA-256 of their ZIP."""
    statement = select(*_columns(bundles, Stored)).where(
        _B.workspace_id == tx.workspace_id, _B.sha256.in_(sorted(wanted))
    )
    found = [Stored(**row._asdict() | {"files": json.loads(row.files)}) for row in await tx.execute(statement)]
    return {each.sha256: each for each in found}


async def find_object_ids(tx: Transaction, wanted: Collection[str]) -> dict[str, str]:
    """Return where bundles stand in the object store, by the SHA-256 of their ZIP."""
    statement = select(_B.sha256, _B.object_id).where(_B.workspace_id == tx.workspace_id, _B.sha256.in_(sorted(wanted)))
    return {row.sha256: row.object_id for row in await tx.execute(statement)}


async def object_ids(tx: Transaction) -> frozenset[str]:
    """Return what all bundles and differences are called in the object store."""
    of_bundles = select(_B.object_id).where(_B.workspace_id == tx.workspace_id)
    of_differences = select(_F.object_id).where(_F.workspace_id == tx.workspace_id)
    return frozenset((await tx.execute(of_bundles.union_all(of_differences))).scalars())


async def given_up(tx: Transaction, *, before_ms: int) -> list[str]:
    """Return bundles all labels of which were refused, or waited in vain, and that since before this time."""
    change = change_requests.c
    moment = func.coalesce(change.decided_ms, change.expires_ms)
    kept = (
        select(_R.bundle)
        .outerjoin(change_requests, and_(change.workspace_id == tx.workspace_id, change.id == _R.change_id))
        .where(
            _R.workspace_id == tx.workspace_id,
            _R.bundle.is_not(None),
            or_(_R.state == State.APPROVED, moment.is_(None), moment >= before_ms),
        )
    )
    statement = select(_B.sha256).where(_B.workspace_id == tx.workspace_id, _B.sha256.not_in(kept)).limit(AT_ONCE)
    return list((await tx.execute(statement)).scalars())


async def give_up_bundles(tx: Transaction, gone: Collection[str]) -> None:
    """Delete bundles and the differences to them; their labels are refused, and have none."""
    for each in gone:
        of_it = (_R.workspace_id == tx.workspace_id, _R.bundle == each)
        await tx.execute(update(releases).where(*of_it).values(state=State.REFUSED, bundle=None))
        await tx.execute(delete(differences).where(_F.workspace_id == tx.workspace_id, _F.target == each))
        await tx.execute(delete(bundles).where(_B.workspace_id == tx.workspace_id, _B.sha256 == each))


async def waiting_bundles(tx: Transaction) -> set[str]:
    """Return the bundles of what waits for a second person."""
    statement = select(_R.bundle).where(
        _R.workspace_id == tx.workspace_id, _R.state == State.WAITING, _R.bundle.is_not(None)
    )
    return set((await tx.execute(statement)).scalars())


async def forget_differences(tx: Transaction, needed: Collection[str], *, now_ms: int, unneeded_before_ms: int) -> bool:
    """Delete differences to bundles that were not needed for so long; note since when the others are not."""
    own = _F.workspace_id == tx.workspace_id
    listed = list(await tx.execute(select(_F.target, _F.unneeded_ms).where(own).distinct()))
    again = [row.target for row in listed if row.unneeded_ms and row.target in needed]
    no_more = [row.target for row in listed if not row.unneeded_ms and row.target not in needed]
    for targets, since_ms in ((again, 0), (no_more, now_ms)):
        where = (own, _F.target.in_(targets[:AT_ONCE]))
        await tx.execute(update(differences).where(*where).values(unneeded_ms=since_ms))
    old = (_F.unneeded_ms > 0, _F.unneeded_ms < unneeded_before_ms)
    return (await tx.execute(delete(differences).where(own, *old))).rowcount > 0


async def add_difference(tx: Transaction, difference: Difference) -> None:
    """Store a difference's row."""
    values = _fields(difference)
    await tx.execute(insert_or_ignore(tx, differences).values(workspace_id=tx.workspace_id, **values))


async def find_differences(tx: Transaction, targets: Collection[str]) -> list[Difference]:
    """Return the differences that lead to these bundles."""
    statement = select(*_columns(differences, Difference)).where(
        _F.workspace_id == tx.workspace_id, _F.target.in_(sorted(targets))
    )
    return [Difference(**row._asdict()) for row in await tx.execute(statement)]


async def add_release(tx: Transaction, release: Release) -> None:
    """Store a new label."""
    await tx.execute(insert(releases).values(workspace_id=tx.workspace_id, **_fields(release)))


async def change_release(tx: Transaction, release: Release, **values: object) -> None:
    """Change a label."""
    where = (_R.workspace_id == tx.workspace_id, _R.deployment_id == release.deployment_id, _R.n == release.n)
    await tx.execute(update(releases).where(*where).values(**values))


async def find_release(tx: Transaction, deployment_id: str, n: int) -> Release | None:
    """Return a label of a deployment."""
    statement = select(*_columns(releases, Release)).where(
        _R.workspace_id == tx.workspace_id, _R.deployment_id == deployment_id, _R.n == n
    )
    row = (await tx.execute(statement)).one_or_none()
    return _release(row) if row else None


async def page_releases(tx: Transaction, deployment_id: str, paging: Paging) -> Found[Release]:
    """Return a page of a deployment's labels, the newest first."""
    statement = select(*_columns(releases, Release)).where(
        _R.workspace_id == tx.workspace_id, _R.deployment_id == deployment_id
    )
    return await read_page(tx, statement, NEWEST, paging, _release)


async def latest_releases(tx: Transaction, deployment_id: str, most: int = KEPT) -> list[Release]:
    """Return a deployment's newest labels, the newest first."""
    return await _releases(tx, deployment_id, most)


async def latest_approved(tx: Transaction, deployment_id: str) -> list[Release]:
    """Return the labels that devices are or were given, the newest first; what waits pushes none of them out."""
    return await _releases(tx, deployment_id, KEPT, _R.state == State.APPROVED)


async def unfinished_releases(tx: Transaction, deployment_id: str) -> list[Release]:
    """Return the labels that go to a part of the devices."""
    partly = (_R.state == State.APPROVED, _R.is_disabled.is_(False), _R.rollout < EVERYBODY)
    return await _releases(tx, deployment_id, KEPT, *partly)


async def latest_for(tx: Transaction, deployment_id: str, app_version: str) -> Release | None:
    """Return the newest label for these binary versions that was not refused."""
    found = await _releases(tx, deployment_id, 1, _R.state != State.REFUSED, _R.app_version == app_version)
    return found[0] if found else None


async def _releases(tx: Transaction, deployment_id: str, most: int, *where: Any) -> list[Release]:
    statement = (
        select(*_columns(releases, Release))
        .where(_R.workspace_id == tx.workspace_id, _R.deployment_id == deployment_id, *where)
        .order_by(_R.n.desc())
        .limit(most)
    )
    return [_release(row) for row in await tx.execute(statement)]


async def newest_of(tx: Transaction, deployment_ids: Sequence[str]) -> dict[str, Release]:
    """Return the newest label of each deployment that has one."""
    newest = (
        select(_R.deployment_id, func.max(_R.n).label("n"))
        .where(_R.workspace_id == tx.workspace_id, _R.deployment_id.in_(deployment_ids))
        .group_by(_R.deployment_id)
        .subquery()
    )
    statement = (
        select(*_columns(releases, Release))
        .select_from(releases)
        .join(newest, and_(newest.c.deployment_id == _R.deployment_id, newest.c.n == _R.n))
        .where(_R.workspace_id == tx.workspace_id)
    )
    return {row.deployment_id: _release(row) for row in await tx.execute(statement)}


async def approved_releases(tx: Transaction) -> list[Release]:
    """Return the last approved labels of every deployment, the newest first."""
    place = func.row_number().over(partition_by=_R.deployment_id, order_by=_R.n.desc()).label("place")
    ranked = (
        select(*_columns(releases, Release), place)
        .where(_R.workspace_id == tx.workspace_id, _R.state == State.APPROVED)
        .subquery()
    )
    statement = select(ranked).where(ranked.c.place <= KEPT).order_by(ranked.c.deployment_id, ranked.c.n.desc())
    return [_release(row) for row in await tx.execute(statement)]


async def page_counts(tx: Transaction, deployment_id: str, paging: Paging) -> Found[Count]:
    """Return a page of what devices reported, by label."""
    statement = select(*_columns(counts, Count)).where(
        _C.workspace_id == tx.workspace_id, _C.deployment_id == deployment_id
    )
    return await read_page(tx, statement, COUNT_LABEL, paging, lambda row: Count(**_of(row, Count)))


async def list_counts(tx: Transaction, deployment_id: str) -> list[Count]:
    """Return all that devices reported of a deployment; as many as it has labels and known binary versions."""
    statement = select(*_columns(counts, Count)).where(
        _C.workspace_id == tx.workspace_id, _C.deployment_id == deployment_id
    )
    return [Count(**row._asdict()) for row in await tx.execute(statement)]


def _of(row: Any, kind: type[Any]) -> dict[str, Any]:
    """Return a record's own columns; a page's rows carry the place too."""
    return {name: getattr(row, name) for name in kind.__struct_fields__}


def _release(row: Any) -> Release:
    return Release(
        **_of(row, Release) | {"state": State(row.state), "method": Method(row.method), "bundle": row.bundle or ""}
    )
