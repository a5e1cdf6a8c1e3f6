"""What the release floor plugs in that no first answer to a device needs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sampan.platform.audience.words import rule_words
from sampan.platform.component import ConsoleRoutes, Jobs
from sampan.platform.operators.changes import ChangeKind, DiffLine, Words
from sampan.platform.operators.permissions import EVERYONE, Permission
from sampan.platform.release import starting, taking_effect
from sampan.platform.release.attention import SOURCES
from sampan.platform.release.began import BEGAN
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.forgetting import FORGETS
from sampan.platform.release.looks import look_job
from sampan.platform.release.plan_words import (
    HOTFIX,
    cap_words,
    client_rules_words,
    schedule_words,
    stage_words,
    version_words,
)
from sampan.platform.release.repository import release_revision
from sampan.platform.release.rules_in_use import RULES
from sampan.platform.trust.exposure import TreePublished

MANAGERS = frozenset({"admin", "release_manager"})
PERMISSIONS = (
    Permission("release:read", "查看发布", "See releases", EVERYONE),
    Permission("release:create", "新建发布", "Make drafts of releases", MANAGERS),
    Permission("release:submit", "提交、恢复和完成发布", "Submit, resume and complete releases", MANAGERS),
    Permission("release:approve", "批准发布", "Approve releases", MANAGERS | {"reviewer"}),
    Permission(
        "release:stop", "暂停、停止和回滚发布", "Pause, stop and roll back releases", MANAGERS | {"service_desk"}
    ),
    Permission("release:freeze", "设置冻结期", "Set times in which nothing is released", MANAGERS),
    Permission("release:policy", "设置设备检查间隔", "Set how often devices ask for updates", frozenset({"admin"})),
    Permission("release:kill", "禁用版本", "Forbid a version on every device", MANAGERS, dangerous=True),
)

CLIENT_APPS = {"*": Words("全部", "all")}
UPDATE_MODES = {
    "async": Words("下次打开时更新", "in the background, used at the next open"),
    "sync": Words("打开前先更新", "before it opens"),
}
STATES = {"paused": Words("已暂停", "paused"), "running": Words("进行中", "running")}


def describe_start(payload: dict[str, Any]) -> list[DiffLine]:
    """Return the readable form of a release that is to start."""
    audience = json.dumps(payload["audience"], ensure_ascii=False, sort_keys=True)
    content = [DiffLine.from_json(line) for line in payload["content"]]
    lines = [
        _version_line("版本", "Version", payload, payload["version"], payload["sequence"], f"{payload['id']} "),
        *(content or [DiffLine("包摘要", "Package digest", None, payload["digest"])]),
        DiffLine("受众", "Audience", None, audience, {audience: rule_words(payload["audience"])}),
        *_stage_lines(payload["stages"]),
        *_schedule_lines(payload["schedule"]),
        DiffLine("客户端应用", "Client app", None, payload["client_app"] or "*", CLIENT_APPS),
    ]
    if not content:  # what says its content itself is no package, and a device neither downloads nor opens it
        lines.append(DiffLine("更新方式", "Update mode", None, payload["update_mode"], UPDATE_MODES))
    if (rules := client_rules_words(payload["client_rules"])) is not None:
        text = json.dumps(payload["client_rules"], sort_keys=True)
        lines.append(DiffLine("客户端规则", "Client rules", None, text, {text: rules}))
    if payload["cap"] is not None:
        text = json.dumps(payload["cap"], sort_keys=True)
        lines.append(DiffLine("名额", "Places", None, text, {text: cap_words(payload["cap"])}))
    return lines + _way_back_lines(payload)


def _version_line(zh: str, en: str, payload: Mapping[str, Any], version: str, sequence: int, of: str = "") -> DiffLine:
    """Return the line of a version; of a hotfix in words, since its sequence is a number of another kind."""
    text = f"{of}{version} ({sequence})"
    if payload["kind"] != HOTFIX:
        return DiffLine(zh, en, None, text)
    words = version_words(HOTFIX, version, sequence, payload["id"])
    app = f"{app_of(payload['id'])} " if of else ""
    return DiffLine(zh, en, None, text, {text: Words(f"{app}{words.zh}", f"{app}{words.en}")})


def _way_back_lines(payload: dict[str, Any]) -> list[DiffLine]:
    if (back := payload["rollback"]) is None:
        return []
    content = [DiffLine.from_json(line) for line in back["content"]]
    return [
        _version_line("可回滚到", "May be rolled back to", payload, back["version"], payload["rollback_to"]),
        DiffLine("回滚目标摘要", "Digest to go back to", None, back["digest"]),
        *(replace(line, zh=f"回滚后 - {line.zh}", en=f"After a roll-back: {line.en}") for line in content),
    ]


def _stage_lines(stages: list[dict[str, Any]]) -> list[DiffLine]:
    lines = []
    for number, stage in enumerate(stages, start=1):
        text = json.dumps(stage, ensure_ascii=False, sort_keys=True)
        words = stage_words(stage, is_last=number == len(stages))
        lines.append(DiffLine(f"阶段 {number}", f"Stage {number}", None, text, {text: words}))
    return lines


def _schedule_lines(schedule: dict[str, Any]) -> list[DiffLine]:
    said = {name: value for name, value in schedule.items() if value is not None}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return [DiffLine("时间安排", "Schedule", None, text, {text: schedule_words(said)})] if said else []


def describe_resume(payload: dict[str, Any]) -> list[DiffLine]:
    """Return the readable form of a release that is to go on."""
    return [DiffLine("发布状态", "Release", "paused", "running", STATES)]


def _named(_target: str, payload: dict[str, Any]) -> str:
    return f"{payload['id']} {payload['version']}"


def _scope(_target: str, payload: dict[str, Any]) -> dict[str, str]:
    return {"app": app_of(payload["id"])}


_release_change = partial(
    ChangeKind,
    propose="release:submit",
    approve="release:approve",
    base=release_revision,
    scope=_scope,
    named=_named,
)
CHANGES = (
    _release_change(
        "release.start",
        zh="开始发布",
        en="Start a release",
        apply=starting.apply_start,
        describe=describe_start,
        on_close=starting.send_back,
    ),
    _release_change(
        "release.resume", zh="恢复发布", en="Resume a release", apply=starting.apply_resume, describe=describe_resume
    ),
)
CONTRIBUTES = (
    *PERMISSIONS,
    *SOURCES,
    *CHANGES,
    RULES,
    FORGETS,
    BEGAN,
    Jobs(look_job),
    TreePublished(taking_effect.on_tree_published),
    ConsoleRoutes("sampan.platform.release.console_api:build_routes"),
    ConsoleRoutes("sampan.platform.release.console_planning_api:build_routes"),
    ConsoleRoutes("sampan.platform.release.console_policy_api:build_routes"),
    ConsoleRoutes("sampan.platform.release.explain_api:build_routes"),
)
