"""The kinds of change that elevate somebody: each is approved by a second administrator and leaves bonds.

Whoever created, elevated or reset an account, the maker and every checker, cannot pair with it for seven
days: a made-up colleague is no second person.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Invalid
from sampan.platform.ids import new_id
from sampan.platform.operators import operator_rows as rows
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.change_rows import approvals_of
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, Words
from sampan.platform.operators.operator_rows import GrantRow, OperatorState
from sampan.platform.operators.people_errors import (
    BuiltInRoleFixed,
    OperatorExists,
    OperatorNotFound,
    UnknownPermission,
    UnknownRole,
)
from sampan.platform.operators.permissions import Permission

if TYPE_CHECKING:
    from sampan.platform.core import Core

SETUP_ALLOWED_MS = 7 * 24 * 3600 * 1000
GRANT_FIELDS = frozenset({"role", "client_app", "publisher", "app"})
MAX_GRANTS = 50
ABSENT = "absent"
STATES = {
    "disabled": Words("已停用", "disabled"),
    "active": Words("启用", "active"),
    "allowed": Words("允许", "allowed"),
}
Payload = dict[str, Any]


class BadGrant(Invalid):
    """A grant names a role and, where it is limited, a client app, a publisher or a mini-app."""

    code = "bad_grant"


async def check_grants(tx: Transaction, grants: Any) -> None:
    """Raise `BadGrant` or `UnknownRole` unless every grant could be stored."""
    if not isinstance(grants, list) or not 1 <= len(grants) <= MAX_GRANTS:
        raise BadGrant(f"Name 1 to {MAX_GRANTS} grants.", field="grants")
    known = {role.name for role in await rows.list_roles(tx)}
    for grant in grants:
        if not isinstance(grant, dict) or not set(grant) <= GRANT_FIELDS:
            raise BadGrant("A grant has role and, optionally, client_app, publisher and app.", field="grants")
        role = grant.get("role")
        if not isinstance(role, str) or role not in known:
            raise UnknownRole(f"There is no role {role!r} in this workspace.", field="grants")
        limits = [value for name, value in grant.items() if name != "role" and value is not None]
        if not all(isinstance(value, str) and 0 < len(value) <= 64 for value in limits):
            raise BadGrant("A limit of a grant is an id of at most 64 characters.", field="grants")


async def add_grants(tx: Transaction, operator_id: str, grants: Iterable[Payload], *, now_ms: int) -> None:
    """Insert checked grants."""
    for grant in grants:
        row = GrantRow(
            new_id("grt"),
            operator_id,
            grant["role"],
            grant.get("client_app"),
            grant.get("publisher"),
            grant.get("app"),
        )
        await rows.add_grant(tx, row, now_ms=now_ms)


async def _bond_all(core: "Core", tx: Transaction, change: Change, person_ids: Iterable[str], reason: str) -> None:
    deciders = {approval.approver_person_id for approval in await approvals_of(tx, change)}
    for person_id in person_ids:
        await rows.bond(tx, [change.maker_person_id, *deciders], person_id, reason=reason, now_ms=core.now_ms())


async def _operator_base(tx: Transaction, operator_id: str) -> str:
    operator = await rows.operator_by_id(tx, operator_id)
    if operator is None:
        return ABSENT
    grants = await rows.grants_of(tx, [operator_id])
    return digest(canonical_json([str(operator.state), *sorted(grant.id for grant in grants)]))


async def _existing(tx: Transaction, operator_id: str) -> rows.Operator:
    operator = await rows.operator_by_id(tx, operator_id)
    if operator is None:
        raise OperatorNotFound(f"There is no operator {operator_id!r} in this workspace.")
    return operator


def _grant_lines(payload: Payload) -> list[DiffLine]:
    lines = []
    for grant in payload["grants"]:
        limits = [f"{name}={grant[name]}" for name in sorted(GRANT_FIELDS - {"role"}) if grant.get(name)]
        lines.append(DiffLine("授予角色", "Role", after=" ".join([grant["role"], *limits])))
    return lines


async def _person_base(tx: Transaction, person_id: str) -> str:
    operator = await rows.operator_of_person(tx, person_id)
    return operator.id if operator else ABSENT


async def _check_create(_core: "Core", tx: Transaction, _actor: Actor, target: str, payload: Payload) -> None:
    await check_grants(tx, payload["grants"])
    if await rows.operator_of_person(tx, target) is not None:
        raise OperatorExists("This person has an account here already. Propose grants for it instead.")


async def _apply_create(core: "Core", tx: Transaction, change: Change, actor: Actor) -> None:
    now_ms = core.now_ms()
    operator_id = new_id("opr")
    until_ms = 0 if change.payload["existing"] else now_ms + SETUP_ALLOWED_MS
    await rows.add_operator(
        tx, operator_id=operator_id, person_id=change.target, setup_allowed_until_ms=until_ms, now_ms=now_ms
    )
    await check_grants(tx, change.payload["grants"])
    await add_grants(tx, operator_id, change.payload["grants"], now_ms=now_ms)
    await _bond_all(core, tx, change, [change.target], "created")
    detail = {"person": change.target, "grants": change.payload["grants"], "change": change.id}
    await record(tx, actor, "operator.create", target=operator_id, detail=detail, now_ms=now_ms)


def _new_name(_target: str, payload: Payload) -> str:
    return f"{payload['name']} <{payload['email']}>"


def _describe_create(payload: Payload) -> list[DiffLine]:
    lines = [
        DiffLine("新账号", "New account", after=_new_name("", payload)),
        *_grant_lines(payload),
    ]
    if payload["existing"]:
        home = payload["home_workspace"]
        lines.append(DiffLine("已有人员，来自工作区", "Existing person, from workspace", after=home))
    return lines


async def _check_grant(_core: "Core", tx: Transaction, _actor: Actor, target: str, payload: Payload) -> None:
    await _existing(tx, target)
    await check_grants(tx, payload.get("grants"))


async def _apply_grant(core: "Core", tx: Transaction, change: Change, actor: Actor) -> None:
    operator = await _existing(tx, change.target)
    await check_grants(tx, change.payload["grants"])
    await add_grants(tx, operator.id, change.payload["grants"], now_ms=core.now_ms())
    await _bond_all(core, tx, change, [operator.person_id], "elevated")
    detail = {"grants": change.payload["grants"], "change": change.id}
    await record(tx, actor, "grant.add", target=operator.id, detail=detail, now_ms=core.now_ms())


async def _check_target(_core: "Core", tx: Transaction, _actor: Actor, target: str, payload: Payload) -> None:
    await _existing(tx, target)
    if payload:
        raise BadGrant("This kind of change takes no payload.", field="payload")


async def _apply_enable(core: "Core", tx: Transaction, change: Change, actor: Actor) -> None:
    operator = await _existing(tx, change.target)
    await rows.set_operator_state(tx, operator.id, OperatorState.ACTIVE)
    await _bond_all(core, tx, change, [operator.person_id], "enabled")
    await record(tx, actor, "operator.enable", target=operator.id, detail={"change": change.id}, now_ms=core.now_ms())


async def _apply_reset(core: "Core", tx: Transaction, change: Change, actor: Actor) -> None:
    operator = await _existing(tx, change.target)
    now_ms = core.now_ms()
    await rows.allow_setup(tx, operator.id, until_ms=now_ms + SETUP_ALLOWED_MS)
    await _bond_all(core, tx, change, [operator.person_id], "reset")
    await record(tx, actor, "operator.reset", target=operator.id, detail={"change": change.id}, now_ms=now_ms)


async def _role_base(tx: Transaction, name: str) -> str:
    role = await rows.role_by_name(tx, name)
    return digest(canonical_json(sorted(role.permissions))) if role else ABSENT


async def _check_role(core: "Core", tx: Transaction, _actor: Actor, target: str, payload: Payload) -> None:
    role = await rows.role_by_name(tx, target)
    if role is not None and role.built_in:
        raise BuiltInRoleFixed(f"{target} is built in. Make a role of your own.")
    before, after = payload.get("before"), payload.get("after")
    if set(payload) != {"before", "after"} or not _are_names(before) or not _are_names(after):
        raise UnknownPermission("The payload lists the permissions before and after.", field="payload")
    if sorted(role.permissions if role else ()) != sorted(before or []):
        raise UnknownPermission("`before` is not what the role has now. Read it again.", field="payload.before")
    unknown = set(after or []) - {permission.name for permission in core.contributions(Permission)}
    if unknown:
        raise UnknownPermission(f"No such permissions: {', '.join(sorted(unknown))}.", field="payload.after")


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(value) <= 500


def _describe_role(payload: Payload) -> list[DiffLine]:
    before, after = set(payload["before"]), set(payload["after"])
    return [
        *(DiffLine("增加权限", "Permission added", after=name) for name in sorted(after - before)),
        *(DiffLine("去除权限", "Permission removed", before=name) for name in sorted(before - after)),
    ]


def _lowers_role(payload: Payload) -> bool:
    return set(payload["after"]) <= set(payload["before"])


async def _apply_role(core: "Core", tx: Transaction, change: Change, actor: Actor) -> None:
    await rows.put_custom_role(tx, change.target, change.payload["after"])
    if not _lowers_role(change.payload):
        await _bond_all(core, tx, change, await rows.persons_with_role(tx, change.target), "elevated")
    detail = {"permissions": sorted(change.payload["after"]), "change": change.id}
    await record(tx, actor, "role.change", target=change.target, detail=detail, now_ms=core.now_ms())


CREATE = ChangeKind(
    name="operator.create",
    zh="新建账号",
    en="New account",
    propose="operator:propose",
    approve="operator:approve",
    base=_person_base,
    apply=_apply_create,
    describe=_describe_create,
    check=_check_create,
    named=_new_name,
)
GRANT = ChangeKind(
    name="operator.grant",
    zh="增加授权",
    en="More rights for a person",
    propose="operator:propose",
    approve="operator:approve",
    base=_operator_base,
    apply=_apply_grant,
    describe=_grant_lines,
    check=_check_grant,
    by_hand=True,
)
ENABLE = ChangeKind(
    name="operator.enable",
    zh="启用账号",
    en="Enable an account",
    propose="operator:propose",
    approve="operator:approve",
    base=_operator_base,
    apply=_apply_enable,
    describe=lambda _payload: [DiffLine("账号状态", "Account", "disabled", "active", STATES)],
    check=_check_target,
    by_hand=True,
)
RESET = ChangeKind(
    name="operator.reset",
    zh="重置账号",
    en="Reset an account",
    propose="operator:propose",
    approve="operator:approve",
    base=_operator_base,
    apply=_apply_reset,
    describe=lambda _payload: [
        DiffLine("重设密码与动态口令", "New password and second factor", None, "allowed", STATES)
    ],
    check=_check_target,
)
ROLE = ChangeKind(
    name="role.change",
    zh="修改角色",
    en="Change a role",
    propose="operator:propose",
    approve="operator:approve",
    base=_role_base,
    apply=_apply_role,
    describe=_describe_role,
    check=_check_role,
    lowers_risk=_lowers_role,
    by_hand=True,
)
KINDS = (CREATE, GRANT, ENABLE, RESET, ROLE)
