import type { Around } from "./bridge";

/** The words of i18n/<language>.json. */
export type Texts = Readonly<Record<"title" | "hello" | "tier" | "theme" | "language", string>>;

export async function readTexts(language: Around["language"]): Promise<Texts> {
  return (await fetch(`./i18n/${language}.json`)).json();
}
