"""`sampan promote`: what one workspace approved, proposed in the next one and approved there anew."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampan.platform.cli.publisher_commands_versions import DEFAULT_KEY, KeyFile, Unlock

if TYPE_CHECKING:
    from sampan.platform.cli.promotion_apps import AppPlan
    from sampan.platform.cli.promotion_places import Side
    from sampan.platform.cli.promotion_rules import RulesPlan

SWITCH, AUDIENCE = "switch:", "audience:"


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(promote)


def promote(
    context: typer.Context,
    items: Annotated[list[str], typer.Argument(metavar="ITEM...", help="APP@VERSION, switch:KEY or audience:NAME.")],
    source: Annotated[str, typer.Option("--from", help="Profile, or address: https://HOST/w/WORKSPACE.")],
    target: Annotated[str, typer.Option("--to", help="Profile, or address, of the workspace that is to get it.")],
    key: KeyFile = DEFAULT_KEY,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File with the key's passphrase [SAMPAN_PASSPHRASE, or asked].")
    ] = None,
    trial: Annotated[bool, typer.Option("--trial/--no-trial", help="Also for the target's named testers.")] = True,
    over: Annotated[bool, typer.Option("--over", help="Even where the target has what the source never had.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Show what would change, and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow versions until they are published or refused.")] = False,
    note: Annotated[str, typer.Option(help="What the approver should know.")] = "",
) -> None:
    """Take versions, switches and saved audiences to another workspace, where they are approved anew.

    The same package goes, signed with the publisher's key of the target. Again, it changes nothing.
    """
    from sampan.platform.cli.output import lined
    from sampan.platform.cli.promotion_apps import promote_app
    from sampan.platform.cli.promotion_places import sides

    there, here = sides(source, target)
    unlock = Unlock(key, passphrase_file, trial)
    apps, rules = _planned(items, there, here, unlock, is_over=over)
    lines = [line for each in apps for line in each.lines] + rules.lines
    if plan_only:
        context.obj.result({"plan": lines}, lined(lines))
        return
    context.obj.note(lined([f"From {there} to {here}:", *lines]))
    is_new = bool(rules.switches or rules.audiences) or not all(each.is_done for each in apps)
    if is_new and not yes:
        _confirm(was_shown=not context.obj.as_json)
    # Rules first: what the target refuses of them is refused before any package is on its way.
    asked = here.api.post("/promotions", rules.body(there, note)) if rules.switches or rules.audiences else None
    versions = [promote_app(context.obj, there, here, each, unlock, wait=wait) for each in apps]
    _tell(context, here, versions, asked)


def _planned(
    items: Sequence[str], source: "Side", target: "Side", unlock: Unlock, *, is_over: bool
) -> "tuple[list[AppPlan], RulesPlan]":
    """Look at everything before anything is changed."""
    from sampan.platform.cli.promotion_apps import plan_app
    from sampan.platform.cli.promotion_places import BadPromotionItem, require_right
    from sampan.platform.cli.promotion_rules import RulesPlan, RulesPlanner

    if len(set(items)) != len(items):
        raise BadPromotionItem("Something stands there twice.")
    apps: list[AppPlan] = []
    planner: RulesPlanner | None = None
    for item in items:
        if item.startswith((SWITCH, AUDIENCE)):
            planner = planner or RulesPlanner(source, target, is_over=is_over)
            what, _, name = item.partition(":")
            require_right(target, f"{what}:edit")
            (planner.add_switch if f"{what}:" == SWITCH else planner.add_audience)(name)
        elif "@" in item.strip("@"):
            along = [str(each.found["digest"]) for each in apps]
            apps.append(plan_app(source, target, item, unlock, is_over=is_over, along=along))
        else:
            raise BadPromotionItem(f"{item!r} is neither APP@VERSION, nor switch:KEY, nor audience:NAME.")
    return apps, planner.plan if planner else RulesPlan()


def _confirm(*, was_shown: bool) -> None:
    from sampan.platform.cli.promotion_places import PromotionUnconfirmed

    if not (was_shown and sys.stdin.isatty()):
        raise PromotionUnconfirmed("Nobody can be asked here. Look at it with --plan, then give --yes.")
    if not typer.confirm("Promote this?", err=True):
        raise PromotionUnconfirmed("Nothing was changed.")


def _tell(context: typer.Context, target: "Side", versions: list[dict[str, Any]], asked: dict[str, Any] | None) -> None:
    from sampan.platform.cli.output import said

    lines = []
    for each in versions:
        already = " already" if each.get("already") else ""
        lines.append(f"{each['app']} {each['version']}: {said(each['state'])}{already} in {target}")
    if asked is not None:
        lines += [f"{name}: {said(what)}" for name, what in asked["done"].items()]
        if asked["change"] is not None:
            waits = "Waits already" if asked["already"] else "Waits"
            lines += [
                f"{waits} for a second person in {target}:",
                f"  sampan change show {asked['change']}",
                f"  sampan change approve {asked['change']} --digest {asked['digest']}",
            ]
    is_done = all(each.get("already") for each in versions) and (
        asked is None or asked["already"] or asked["change"] is None
    )
    value = {"versions": versions, "rules": asked, **({"already": True} if is_done else {})}
    context.obj.result(value, "\n".join(lines))
