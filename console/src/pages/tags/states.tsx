/** How an import stands, as a tag of the console. */

import type { components } from "../../api/schema";
import { Tag as Mark } from "../../design/Small";
import type { Tone } from "../../design/tokens";
import { useText } from "../../i18n";

export type Tag = components["schemas"]["TagOut"];
export type TagImport = components["schemas"]["ImportOut"];

const TONES: Record<TagImport["state"], Tone> = { waiting: "neutral", running: "info", done: "good", failed: "bad" };

/** Whether a file is still to be read to its end. */
export const isOpen = (one: TagImport | null | undefined) => one?.state === "waiting" || one?.state === "running";

export function ImportTag({ of: one }: { of: TagImport }) {
  const { say } = useText();
  return <Mark tone={TONES[one.state]}>{say(`tags.state_${one.state}`)}</Mark>;
}

/** Returns numbers as the reader writes them: 1,000,000. */
export function useCount(): (n: number) => string {
  const { language } = useText();
  const format = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB");
  return (n) => format.format(n);
}
