import type { Sampan } from "@sampan/sdk/client";

/** What this page knows of the customer and of the super-app around it. */
export interface Around {
  tier: string;
  scheme: "light" | "dark";
  language: "zh" | "en";
}

/** The bridge; undefined in a plain browser, where the page still works with what the browser says. */
export const sampan: Sampan | undefined = window.sampan;

const languageOf = (tag: string): Around["language"] => (tag.startsWith("zh") ? "zh" : "en");

/** Ask the super-app. `user.tier` needs the permission of that name in public/manifest.json. */
export async function readAround(): Promise<Around> {
  if (sampan === undefined) {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    return { tier: "-", scheme: isDark ? "dark" : "light", language: languageOf(navigator.language) };
  }
  const [tier, theme, language] = await Promise.all([sampan.user.tier(), sampan.theme(), sampan.language()]);
  return { tier, scheme: theme.scheme, language: languageOf(language) };
}

/** Call `changed` when theme or language change; the returned function stops that. */
export function followAround(changed: (change: Partial<Around>) => void): () => void {
  if (sampan === undefined) return () => undefined;
  const stops = [
    sampan.on("theme", ({ scheme }) => changed({ scheme })),
    sampan.on("language", ({ language }) => changed({ language: languageOf(language) })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
