/** All texts, each as [Chinese, English], so that no language can lack one. Pure. */

import { areas } from "./texts";

export type Language = "zh" | "en";
export type Pair = readonly [zh: string, en: string];
type Areas = typeof areas;

/** `area.text`, for every text there is. */
export type TextKey = { [A in keyof Areas & string]: `${A}.${keyof Areas[A] & string}` }[keyof Areas & string];

/** Returns the texts of one language as i18next takes them. */
export function catalogue(language: Language): Record<string, Record<string, string>> {
  const place = language === "zh" ? 0 : 1;
  return Object.fromEntries(
    Object.entries(areas).map(([area, pairs]) => [
      area,
      Object.fromEntries(Object.entries(pairs).map(([key, pair]) => [key, (pair as Pair)[place]])),
    ]),
  );
}

/** Whether there is such a text; for keys that are made of a code of the server. */
export function isTextKey(key: string): key is TextKey {
  const [area = "", name = ""] = key.split(".");
  return Object.hasOwn(areas, area) && Object.hasOwn(areas[area as keyof Areas], name);
}
