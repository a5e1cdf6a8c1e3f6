"""Why somebody gets what they get, as people read it in a terminal: the answer first, then the tree. Pure.

It reads the answer of `GET /explain`, in Chinese or English.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.platform.audience.attributes import ATTRIBUTES
from sampan.platform.audience.words import TIERS, rule_words
from sampan.platform.cli.output import moment
from sampan.platform.operators.change_rows import Words

Json = Mapping[str, Any]
MASKED, HOTFIX = "***", "hotfix"
MARKS = {True: "✓", False: "✗", None: "?"}
WHYS: Mapping[str, Words] = {
    "matched": Words("发布面向它", "a release means it"),
    "not_in_audience": Words("不在受众内", "not in the audience"),
    "other_client_app": Words("面向另一个超级应用", "it is for another client app"),
    "host_too_old": Words("超级应用的容器版本太低", "the super-app's host is too old"),
    "no_place": Words("名额已满，或已过截止时间", "all places are taken, or the time is over"),
    "no_release": Words("没有发布单提供它", "no release offers it"),
    "standing": Words(
        "所有人都是此值或更新的值，或开关未启用", "everybody has it or a newer one, or the switch is not served"
    ),
    "superseded": Words("另一张更新的发布单优先", "a release of a higher version, or a newer one, comes first"),
    "depends_on_device": Words("取决于具体设备", "it depends on the device"),
    "not_exposed": Words("管控文件尚未公布", "its control file is not published yet"),
    "version_killed": Words("此版本已禁用", "the version was killed"),
    "release_submitted": Words("等待批准", "it waits for approval"),
    "release_approved": Words("已批准，尚未开始", "it is approved and has not begun"),
    "release_paused": Words("发布已暂停", "the release is paused"),
    "release_stopped": Words("发布已停止", "the release was stopped"),
    "release_rolled_back": Words("发布已回滚", "the release was rolled back"),
    "device_revoked": Words("设备已停用，服务器不再应答", "the device is revoked; the server does not answer it"),
}
STATES: Mapping[str, Words] = {
    "submitted": Words("待批准", "submitted"),
    "approved": Words("已批准", "approved"),
    "running": Words("进行中", "running"),
    "paused": Words("已暂停", "paused"),
    "completed": Words("已完成", "completed"),
    "stopped": Words("已停止", "stopped"),
    "rolled_back": Words("已回滚", "rolled back"),
}
GROUPS = {
    "all": Words("全部满足", "all of these"),
    "any": Words("任一满足", "any of these"),
    "not": Words("不满足", "not"),
}
SOURCES = {"server": Words("服务器", "the server"), "claimed": Words("设备自报", "the device")}


class Speaker:
    """Says one explanation in `zh` or `en`."""

    def __init__(self, language: str) -> None:
        self._language = language

    def say(self, zh: str, en: str) -> str:
        """Return the one that is read."""
        return zh if self._language == "zh" else en

    def of(self, words: Words) -> str:
        """Return the one that is read."""
        return self.say(words.zh, words.en)

    def lines(self, found: Json) -> list[str]:
        """Return everything: who is asked about, then each deliverable."""
        items = [line for each in found["items"] for line in ["", *self.deliverable(each)]]
        return [*self._subject(found["subject"]), *(items or ["", self.say("没有发布单。", "There are no releases.")])]

    def _subject(self, subject: Json) -> Iterator[str]:
        who = subject["device"] or subject["customer"]
        tier = self.of(TIERS[subject["tier"]])
        yield f"{who}  {tier}" + (f"  {subject['client_app']}" if subject["client_app"] else "")
        if reason := subject["tier_reason"]:
            yield f"  {self.say(reason['zh'], reason['en'])}"
        if subject["revoked"]:
            yield f"  {self.of(WHYS['device_revoked'])}"
        if subject["device"]:
            said = "  ".join(f"{self._named(name)} {value}" for name, value in sorted(subject["claims"].items()))
            if subject["claims_at_ms"] is None:
                yield self.say("  设备还没有自报任何信息", "  The device has said nothing of itself yet")
            else:
                at = moment(subject["claims_at_ms"])
                yield self.say(f"  设备自 {at} 起自报：{said}", f"  The device says since {at}: {said}")
        else:
            yield self.say("  按设备查询才有准确结果：", "  Only a device has a full answer. Ask for one:")
            yield from (f"  sampan explain --device {each['id']}" for each in subject["devices"])

    def deliverable(self, item: Json) -> Iterator[str]:
        """Yield the lines of one deliverable, the answer first."""
        yield f"{item['id']}  {item['kind']}"
        yield f"  {self.answer(item)}"
        newer = self.newer(item)
        if newer is not None:
            why = self.reason(newer)
            yield self.say(f"  未得到 {newer['version']}：{why}", f"  Not {newer['version']}: {why}")
        for each in item["releases"]:
            yield from self._release(each)
        if item["more"]:
            yield self.say(
                f"  另有 {item['more']} 张更低版本的发布单", f"  and {item['more']} releases of lower versions"
            )

    def answer(self, item: Json) -> str:
        """Return what the subject gets, in one sentence."""
        offered, installed = item["offered"], item["installed"]
        holds = None if installed is None else installed["version"] or f"#{installed['sequence']}"
        match item["action"], offered:
            case "install", {"version": version, "release": release}:
                return self.say(
                    f"下次检查时得到 {version}，依据 {release}", f"Gets {version} at its next check, by {release}"
                )
            case "rollback", {"version": version, "release": release}:
                return self.say(
                    f"将从 {holds} 回滚到 {version}，依据 {release}",
                    f"Goes back from {holds} to {version}, by {release}",
                )
            case "remove", _:
                return self.lost(item["kind"], holds)
            case "keep", {"version": version, "release": release} if version == holds:
                return self.say(f"已有 {version}，依据 {release}", f"Has {version}, by {release}")
            case "keep", {"version": version} if holds is None:
                return self.say(f"已有 {version} 或更高版本", f"Has {version} or a newer one")
            case "keep", _:
                return self.say(f"停留在 {holds}", f"Stays on {holds}")
            case None, {"version": version, "release": release} if item["kind"] == HOTFIX:
                return self.say(
                    f"装有该版本时得到 {version}，依据 {release}",
                    f"Gets {version} where it has that version, by {release}",
                )
            case _, {"version": version, "release": release}:
                return self.say(f"得到 {version}，依据 {release}", f"Gets {version}, by {release}")
        if item["reason"] == "standing":
            return self.say("与所有人相同，没有发布单另给", "Has what everybody has; no release gives another one")
        return self.say(f"得不到：{self.of(WHYS[item['reason']])}", f"Gets nothing: {self.of(WHYS[item['reason']])}")

    def lost(self, kind: str, holds: str | None) -> str:
        """Return what becomes of what may not run any more."""
        if kind == HOTFIX:
            return self.say(f"将离开 {holds}：热修复已撤回或已回滚", f"Leaves {holds}: it was withdrawn or rolled back")
        return self.say(f"{holds} 将被移除：此版本已禁用", f"Loses {holds}: the version was killed")

    def newer(self, item: Json) -> Json | None:
        """Return the highest release above what is offered, that is not given; None when there is none."""
        least = item["offered"]["sequence"] if item["offered"] else 0
        found: Sequence[Json] = [each for each in item["releases"] if each["sequence"] > least]
        return found[0] if found else None

    def reason(self, release: Json) -> str:
        """Return why a release is not given, with the first condition that decides it."""
        why = self.of(WHYS[release["reason"]])
        if release["cap"] and release["reason"] == "no_place":
            taken, places = release["cap"]["taken"], release["cap"]["customers"]
            if taken < places:
                return self.say("已截止，不再给出名额", "the time to get a place is over")
            return self.say(f"名额已满（{taken:,}/{places:,}）", f"all places are taken ({taken:,} of {places:,})")
        if release["reason"] not in ("not_in_audience", "depends_on_device"):
            return why
        leaf = next(deciding(release["rule"]), None)
        return why if leaf is None else self.say(f"{why}，{self.seen(leaf)}", f"{why}, {self.seen(leaf)}")

    def _release(self, release: Json) -> Iterator[str]:
        stage = release["stage"]
        at = self.say(
            f"阶段 {stage['number']}/{stage['of']}，{stage['basis_points'] / 100:g}%",
            f"stage {stage['number']} of {stage['of']}, {stage['basis_points'] / 100:g}%",
        )
        mark = MARKS[release["outcome"]]
        yield (
            f"  {mark} {release['version']} #{release['sequence']}  {release['release']}  "
            f"{self.of(STATES[release['state']])}  {at}: {self.of(WHYS[release['reason']])}"
        )
        yield from self._tree(release["rule"], "    ")

    def _tree(self, node: Json, indent: str) -> Iterator[str]:
        mark = MARKS[node["outcome"]]
        if node["word"] == "condition":
            yield f"{indent}{mark} {self.condition(node)}  ({self.seen(node)})"
        else:
            yield f"{indent}{mark} {self.of(GROUPS[node['word']])}"
        for part in node.get("parts", ()):
            yield from self._tree(part, indent + "  ")

    def condition(self, leaf: Json) -> str:
        """Return what a condition asks for."""
        if MASKED in leaf["values"]:
            return self.say(
                f"{self._named(leaf['attr'])}在名单中（已隐去）", f"{self._named(leaf['attr'])} on a list (hidden)"
            )
        return self.of(rule_words({"attr": leaf["attr"], "op": leaf["op"], "values": list(leaf["values"])}))

    def seen(self, leaf: Json) -> str:
        """Return what was seen, and by whom it was said."""
        seen, name = leaf.get("seen"), self._named(leaf["attr"])
        if leaf["attr"] == "percentage" and seen is not None:
            return self._place(leaf)
        if seen is None:
            return self.say(f"{name}未知", f"{name} not known")
        if isinstance(seen, list):
            seen = self.say("、", ", ").join(map(str, seen)) or self.say("无", "none")
        elif leaf["attr"] in ("time", "first_seen"):
            seen = moment(seen)
        elif leaf["attr"] == "tier":
            seen = self.of(TIERS[seen])
        by = self.of(SOURCES[leaf["source"]])
        return self.say(f"{name}：{seen}，{by}", f"{name}: {seen}, said by {by}")

    def _place(self, leaf: Json) -> str:
        low, high = (0, *leaf["values"])[-2:]
        place, is_in = f"{leaf['seen']:,}", low <= leaf["seen"] < high
        if low == 0:
            return self.say(
                f"分桶 {place} {'小于' if is_in else '不小于'} {high:,}",
                f"bucket {place} is {'' if is_in else 'not '}below {high:,}",
            )
        return self.say(
            f"分桶 {place} {'在' if is_in else '不在'} {low:,} 与 {high:,} 之间",
            f"bucket {place} is {'' if is_in else 'not '}between {low:,} and {high:,}",
        )

    def _named(self, attribute: str) -> str:
        known = ATTRIBUTES.get(attribute)
        return attribute if known is None else self.say(known.zh, known.en)


def deciding(node: Json) -> Iterator[Json]:
    """Yield the conditions that make a rule not hold: those with the outcome of the whole, from left to right.

    Under a `not` they are those that do hold.
    """
    if node["word"] == "condition":
        yield node
        return
    wanted = node["outcome"]
    if node["word"] == "not":
        wanted = None if wanted is None else not wanted
    for part in node.get("parts", ()):
        if part["outcome"] is wanted:
            yield from deciding(part)
