"""What options of `sampan release create` and `edit` describe: whom a release means, and its stages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampan.platform.errors import Invalid

if TYPE_CHECKING:
    from sampan.platform.cli.api import Api

MINIAPP, HOTFIX = "miniapp", "hotfix"


class BadPlan(Invalid):
    """The file with the stages of a release cannot be read."""

    code = "bad_plan"


class AudienceNeeded(Invalid):
    """A release was asked for, and nothing says whom it means, or the file with the rule cannot be read."""

    code = "audience_needed"


class WhatToRelease(Invalid):
    """Neither a version nor a hotfix was named, or both were."""

    code = "what_to_release"


def what_to_release(
    kind: str, app: str | None, sequence: int | None, hotfix: str | None, n: int | None
) -> tuple[str, str, int]:
    """Return kind, id and sequence of what is released; raise `WhatToRelease`."""
    if hotfix is None:
        if app is None or sequence is None or n is not None:
            raise WhatToRelease("Name what is released: APP SEQUENCE, or --hotfix APP@SEQUENCE --n N.")
        return kind, app, sequence
    if app is not None or n is None or kind not in (MINIAPP, HOTFIX):
        raise WhatToRelease("For a hotfix write --hotfix APP@SEQUENCE --n N, and no APP, SEQUENCE or --kind besides.")
    name, _, version = hotfix.rpartition("@")
    if not name or not version.isdecimal():
        raise WhatToRelease(f"{hotfix} names no version: write APP@SEQUENCE, such as bank.demo.coupons@3.")
    return HOTFIX, hotfix, n


def audience_of(api: "Api", tiers: Sequence[str], tags: Sequence[str], named: str | None) -> dict[str, Any] | None:
    """Return the rule that all of the options describe together; None without any.

    Several tiers mean each of them, several tags who has one of them. `named` is a file with a rule, else a saved
    audience by its name. Raises `AudienceNeeded` and `AudienceUnknown`.
    """
    rules: list[dict[str, Any]] = []
    if tiers:
        rules.append({"attr": "tier", "op": "in", "values": list(tiers)})
    if tags:
        rules.append({"attr": "tag", "op": "in", "values": list(tags)})
    if named is not None:
        rules.append(_rule_in(Path(named)) if Path(named).is_file() else _saved(api, named))
    return {"all": rules} if len(rules) > 1 else next(iter(rules), None)


def stages_of(
    percents: Sequence[float],
    minutes: int | None,
    plan: Path | None,
    *,
    is_watched: bool = True,
    healthy: float | None = None,
) -> Any:
    """Return the stages that the options describe, each but the last with a gate; None for everybody at once.

    What is not `is_watched` has no gates: devices report on packages alone. `healthy` is the percentage of failing
    devices that counts as healthy when there is no version before.
    """
    if (plan is not None and percents) or (healthy is not None and not percents):
        raise BadPlan("--healthy is for the stages of --percent, and a file with --plan takes the place of both.")
    if plan is not None:
        try:
            return json.loads(plan.read_text())
        except (OSError, ValueError) as problem:
            raise BadPlan(f"{plan} is no readable JSON: {problem}. docs/operations/releases.md shows one.") from problem
    gate = {} if healthy is None else {"most_basis_points": round(healthy * 100)}
    return [
        {
            "name": f"{percent:g} %",
            "basis_points": round(percent * 100),
            "advance": "person" if minutes is None else "auto",
            "min_minutes": minutes or 0,
            "gate": gate if percent < 100 and is_watched else None,
        }
        for percent in percents
    ] or None


def _rule_in(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise AudienceNeeded(f"{file} cannot be read as JSON: {problem}.") from problem
    if not isinstance(found, dict):
        raise AudienceNeeded(f"{file} holds no rule. docs/operations/audiences.md shows one.")
    return found


def _saved(api: "Api", name: str) -> dict[str, Any]:
    from sampan.platform.audience.problems import AudienceUnknown

    ids = [each["id"] for each in api.items("/audiences", search=name) if each["name"] == name]
    if len(ids) != 1:
        raise AudienceUnknown(
            f"There is no file {name} here, and {'no' if not ids else 'more than one'} saved audience of that name."
        )
    return {"attr": "audience", "op": "in", "values": ids}
