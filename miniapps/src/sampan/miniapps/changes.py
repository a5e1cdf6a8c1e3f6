"""The two kinds of change requests: an app's place in the catalogue, and the policy for packages.

The payload carries what was before and what shall be, so that everybody can see whether it lets more through;
`check` makes sure that "before" is the truth.
"""

from typing import Any

from sampan.miniapps import policy as policies
from sampan.miniapps import policy_repository, repository
from sampan.miniapps.catalogue import BadEntry, is_no_wider, read_entry
from sampan.miniapps.part import PART
from sampan.platform.audience.words import TIERS
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Invalid
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, Words
from sampan.platform.workspaces.revisions import raise_revision

ENTRY_CHANGE, POLICY_CHANGE = "catalogue.entry", "miniapps.policy"
POLICY = "policy"
LABELS = {
    "is_listed": ("上架", "Listed"),
    "see_tier": ("可见的最低等级", "Lowest tier that sees it"),
    "open_tier": ("可打开的最低等级", "Lowest tier that may open it"),
    "category": ("分类", "Category"),
    "position": ("顺序", "Position"),
    "name_zh": ("中文名称", "Chinese name"),
    "name_en": ("英文名称", "English name"),
    "text_zh": ("中文说明", "Chinese text"),
    "text_en": ("英文说明", "English text"),
    "allowed_domains": ("允许的域名", "Allowed domains"),
    "locales": ("必需的语言", "Languages wanted"),
    "max_package_bytes": ("包大小上限（字节）", "Largest package in bytes"),
    "max_file_bytes": ("单文件大小上限（字节）", "Largest file in bytes"),
    "max_files": ("文件数上限", "Most files"),
}
WORDS = {
    "is_listed": {"true": Words("是", "yes"), "false": Words("否", "no")},
    "see_tier": TIERS,
    "open_tier": TIERS,
}


class CategoryUnknown(Invalid):
    """No heading of this id."""

    code = "category_unknown"


class ChangedMeanwhile(Conflict):
    """What the change starts from is not what stands there."""

    code = "changed_meanwhile"


def describe(payload: dict[str, Any]) -> list[DiffLine]:
    """Return one line for every member that changes."""
    before, after = payload["before"] or {}, payload["after"]
    return [
        DiffLine(*LABELS[name], _shown(before.get(name)), _shown(after[name]), WORDS.get(name, {}))
        for name in LABELS
        if name in after and before.get(name) != after[name]
    ]


def entry_lowers_risk(payload: dict[str, Any]) -> bool:
    """Whether nobody sees or opens more than before."""
    before = payload["before"]
    return is_no_wider(read_entry(before) if before else None, read_entry(payload["after"]))


def policy_lowers_risk(payload: dict[str, Any]) -> bool:
    """Whether the policy lets nothing more through."""
    return policies.is_no_wider(policies.read_policy(payload["before"]), policies.read_policy(payload["after"]))


async def _check_entry(_core: Core, tx: Transaction, _actor: Actor, target: str, payload: dict[str, Any]) -> None:
    _check_form(payload)
    present = await repository.find_entry(tx, target)
    _same(present.as_json() if present else None, payload["before"])
    entry = read_entry(payload["after"])
    if entry.app_id != target:
        raise BadEntry("The entry is of another app than the change.", field="app")
    if entry.category not in {each.id for each in await repository.list_categories(tx)}:
        raise CategoryUnknown(f"There is no category {entry.category!r}; make it first.", field="category")


async def _apply_entry(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    entry, now_ms = read_entry(change.payload["after"]), core.now_ms()
    await repository.put_entry(tx, entry, now_ms=now_ms)
    detail = {"change": change.id, "after": entry.as_json()}
    await audit.record(tx, actor, "catalogue.edit", target=entry.app_id, detail=detail, now_ms=now_ms)
    await raise_revision(tx, PART)


async def _check_policy(_core: Core, tx: Transaction, _actor: Actor, _target: str, payload: dict[str, Any]) -> None:
    _check_form(payload)
    _same((await policy_repository.current_policy(tx)).as_json(), payload["before"])
    if policies.read_policy(payload["after"]).as_json() != payload["after"]:
        raise policies.BadPolicy("Lists are sorted and without doubles, and there is nothing beside the members.")


async def _apply_policy(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    policy, now_ms = policies.read_policy(change.payload["after"]), core.now_ms()
    await policy_repository.put_policy(tx, policy, now_ms=now_ms)
    detail = {"change": change.id, "after": policy.as_json()}
    await audit.record(tx, actor, "miniapps.policy", target=POLICY, detail=detail, now_ms=now_ms)


async def _policy_base(tx: Transaction, _target: str) -> str:
    return await policy_repository.policy_revision(tx)


def _entry_scope(target: str, _payload: dict[str, Any]) -> dict[str, str]:
    return {"app": target}


def _check_form(payload: dict[str, Any]) -> None:
    """Raise unless the payload has the form that `service` gives it; its maker may have edited it by hand."""
    if set(payload) != {"before", "after"} or not isinstance(payload["after"], dict):
        raise BadEntry("The payload has two members: before, as it is now, and after.")


def _same(present: object, before: object) -> None:
    if present != before:
        raise ChangedMeanwhile("Somebody has changed this since you looked at it. Look again, then propose.")


def _shown(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


CHANGES = (
    ChangeKind(
        ENTRY_CHANGE,
        zh="修改目录条目",
        en="Catalogue entry",
        propose="catalogue:edit",
        approve="catalogue:approve",
        base=repository.entry_revision,
        apply=_apply_entry,
        describe=describe,
        lowers_risk=entry_lowers_risk,
        check=_check_entry,
        scope=_entry_scope,
    ),
    ChangeKind(
        POLICY_CHANGE,
        zh="修改包规则",
        en="Rules for packages",
        propose="miniapps:policy",
        approve="miniapps:policy",
        base=_policy_base,
        apply=_apply_policy,
        describe=describe,
        lowers_risk=policy_lowers_risk,
        check=_check_policy,
    ),
)
