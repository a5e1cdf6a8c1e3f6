/** The answer for one deliverable, in one sentence, and what decides it. Pure. */

import type { components } from "../../api/schema";
import type { Say, TextKey } from "../../i18n";
import { bucketSaid } from "../../rules/bucket";
import type { Explanation } from "../../rules/ExplainTree";
import type { Value } from "../../rules/rules";
import type { RuleWords } from "../../rules/ruleWords";

export type Item = components["schemas"]["ExplainedDeliverableOut"];
export type Judged = components["schemas"]["JudgedOut"];
type Tone = "good" | "neutral" | "warn" | "bad";

const MASKED = "***";

/** Returns what the subject gets, as a key of the texts with its values, and how it is to be marked. */
export function answerOf(item: Item): { key: TextKey; values: Record<string, string>; tone: Tone } {
  const { offered, installed, action } = item;
  const version = offered?.version ?? "";
  const held = installed ? (installed.version ?? `#${installed.sequence}`) : "";
  if (offered && action === "install") return { key: "explain.install", values: { version }, tone: "good" };
  if (offered && action === "rollback") return { key: "explain.rollback", values: { held, version }, tone: "warn" };
  if (action === "remove" && item.kind === "hotfix") return { key: "explain.leaves", values: { held }, tone: "warn" };
  if (action === "remove") return { key: "explain.remove", values: { held }, tone: "bad" };
  if (action === "keep" && offered && held === "")
    return { key: "explain.hasOrNewer", values: { version }, tone: "good" };
  if (action === "keep" && offered && installed?.sequence === offered.sequence)
    return { key: "explain.has", values: { version }, tone: "good" };
  if (action === "keep") return { key: "explain.stays", values: { held }, tone: "neutral" };
  if (offered && item.kind === "hotfix") return { key: "explain.getsOnVersion", values: { version }, tone: "neutral" };
  if (offered) return { key: "explain.gets", values: { version }, tone: "good" };
  if (item.reason === "standing") return { key: "explain.asEverybody", values: {}, tone: "neutral" };
  return { key: "explain.nothing", values: {}, tone: "neutral" };
}

/** Returns the highest release above what is given, which is not given; null when there is none. */
export function newerOf({ offered, releases }: Item): Judged | null {
  return releases.find((release) => release.sequence > (offered?.sequence ?? 0)) ?? null;
}

/** Returns the conditions that decide a rule: those with the outcome of the whole; under a `not`, with the opposite. */
export function decidingOf(node: Explanation): Explanation[] {
  if (node.word === "condition") return [node];
  const outcome = node.outcome ?? null;
  const wanted = node.word === "not" && outcome !== null ? !outcome : outcome;
  return (node.parts ?? []).filter((part) => (part.outcome ?? null) === wanted).flatMap(decidingOf);
}

/** Returns why a release is not given, with the first condition that decides it. */
export function whySaid(release: Judged, say: Say, words: RuleWords): string {
  const why = say(`explain.why_${release.reason}`);
  if (release.cap && release.reason === "no_place") {
    const { taken, customers } = release.cap;
    return taken < customers ? say("explain.placesOver") : say("explain.cap", { taken, places: customers });
  }
  if (release.reason !== "not_in_audience" && release.reason !== "depends_on_device") return why;
  const [first] = decidingOf(release.rule as Explanation);
  return first ? say("explain.whyWith", { why, seen: seenSaid(first, say, words) }) : why;
}

function seenSaid(leaf: Explanation, say: Say, words: RuleWords): string {
  const attr = words.attribute(leaf.attr ?? "");
  const { seen } = leaf;
  if (leaf.attr === "percentage" && typeof seen === "number") return bucketSaid(leaf, seen, say);
  if (seen === undefined || seen === null) return say("explain.unknownFact", { attr });
  if (seen === MASKED) return say("explain.seenHidden", { attr });
  const list = (Array.isArray(seen) ? seen : [seen]) as Value[];
  if (list.length === 0) return say("explain.seenFact", { attr, value: say("explain.seenNone") });
  return say("explain.seenFact", { attr, value: list.map((one) => words.value(leaf.attr ?? "", one)).join(", ") });
}
