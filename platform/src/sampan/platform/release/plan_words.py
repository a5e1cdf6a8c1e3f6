"""Stages and schedules as people say them, in Chinese and English. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sampan.platform.audience.words import rule_words
from sampan.platform.operators.change_rows import Words
from sampan.platform.release.stages import Advance, Signal

SIGNALS: Mapping[str, Words] = {
    Signal.DELIVERY_FAILED: Words("交付失败", "failed deliveries"),
    Signal.WHITE_SCREEN: Words("白屏", "white screens"),
    Signal.SCRIPT_ERROR: Words("脚本错误", "script errors"),
    Signal.RESOURCE_FAILED: Words("资源加载失败", "failed resources"),
}
LAST = Words("最后阶段", "the last stage")
BY_ITSELF = Words("自动进入下一阶段", "goes on by itself")
BY_A_PERSON = Words("由人决定进入下一阶段", "a person goes on")
DAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


HOTFIX = "hotfix"


def version_words(kind: str, version: str, sequence: int, deliverable_id: str) -> Words:
    """Return a released version with its sequence; of a hotfix its number and the version that it changes."""
    if kind != HOTFIX:
        return Words(f"{version} ({sequence})", f"{version} (sequence {sequence})")
    changed = deliverable_id.rpartition("@")[2]
    plain = version.removesuffix(f"+{sequence}")
    if not sequence:
        return Words(f"{plain}（序号 {changed}），不含热修复", f"{plain} (sequence {changed}) without hotfixes")
    return Words(f"{plain}（序号 {changed}）的热修复 {sequence}", f"hotfix {sequence} of {plain} (sequence {changed})")


def stage_words(stage: Mapping[str, Any], *, is_last: bool) -> Words:
    """Return the sentence of a stage; nobody goes on from the last one."""
    share = f"{stage['basis_points'] / 100:g} %"
    zh, en = [f"“{stage['name']}”：受众的 {share}"], [f"“{stage['name']}”: {share} of the audience"]
    if stage["audience"] is not None:
        narrowed = rule_words(stage["audience"])
        zh.append(f"仅限{narrowed.zh}")
        en.append(f"only {narrowed.en}")
    if (minutes := stage["min_minutes"]) and not is_last:
        zh.append(f"至少 {minutes} 分钟")
        en.append(f"for at least {minutes} minute{'' if minutes == 1 else 's'}")
    if (gate := stage["gate"]) is not None:
        zh.append(f"{_joined(gate, 'zh', '、')}达到上一版本的 {gate['ratio_percent'] / 100:g} 倍时自动停止")
        en.append(
            f"stops by itself at {gate['ratio_percent'] / 100:g} times the last version's {_joined(gate, 'en', ', ')}"
        )
        if (healthy := gate.get("most_basis_points")) is not None:
            zh.append(f"没有上一版本可比时，失败设备不超过 {healthy / 100:g} % 视为正常")
            en.append(f"without a version before, {healthy / 100:g} % of failing devices count as healthy")
    goes = LAST if is_last else BY_ITSELF if stage["advance"] == Advance.AUTO else BY_A_PERSON
    zh.append(goes.zh)
    en.append(goes.en)
    return Words("，".join(zh), "; ".join(en))


def schedule_words(schedule: Mapping[str, Any]) -> Words:
    """Return the sentence of a schedule; times in UTC, hours in their own zone."""
    zh, en = [], []
    for name, word_zh, word_en in (("not_before_ms", "不早于", "not before"), ("not_after_ms", "不晚于", "not after")):
        if schedule.get(name) is not None:
            moment = datetime.fromtimestamp(schedule[name] / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
            zh.append(f"{word_zh} {moment}")
            en.append(f"{word_en} {moment}")
    if (hours := schedule.get("hours")) is not None:
        span = f"{_clock(hours['from_minute'])}-{_clock(hours['until_minute'])} {hours['zone']}"
        zh.append("、".join(DAYS_ZH[day] for day in sorted(hours["days"])) + f" {span}")
        en.append(", ".join(DAYS_EN[day] for day in sorted(hours["days"])) + f" {span}")
    return Words("，".join(zh), "; ".join(en))


def cap_words(cap: Mapping[str, Any]) -> Words:
    """Return the sentence of a cap; its time in UTC."""
    zh, en = [f"最多 {cap['customers']} 位客户"], [f"at most {cap['customers']} customers"]
    if cap["until_ms"] is not None:
        moment = datetime.fromtimestamp(cap["until_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        zh.append(f"{moment} 起不再新增")
        en.append(f"nobody new from {moment}")
    return Words("，".join(zh), ", ".join(en))


def client_rules_words(rules: Mapping[str, Any]) -> Words | None:
    """Return the sentence of the client rules; None when there are none."""
    zh, en = [], []
    if rules["wifi_only"]:
        zh.append("仅在 Wi-Fi 下后台下载")
        en.append("downloaded in the background on Wi-Fi only")
    if rules["predownload"]:
        zh.append("提前下载")
        en.append("downloaded ahead")
    if (minimum := rules["minimum_sequence"]) is not None:
        zh.append(f"低于序号 {minimum} 的版本须先更新才能打开")
        en.append(f"versions below {minimum} must update before they open")
    return Words("，".join(zh), "; ".join(en)) if zh else None


def _joined(gate: Mapping[str, Any], language: str, separator: str) -> str:
    return separator.join(getattr(_signal_words(signal), language) for signal in gate["signals"])


def _signal_words(signal: str | Mapping[str, str]) -> Words:
    if isinstance(signal, str):
        return SIGNALS[signal]
    failed, of = signal["failed"], signal["of"]
    return Words(f"{failed} 占 {of} 的比例", f"{failed} by {of}")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
