import { createContext, useContext } from "react";
import { en } from "./en";
import { type Key, zh } from "./zh";

export type Language = "zh" | "en";
export type { Key };
export interface Text {
  zh: string;
  en: string;
}

const CATALOGUES: Record<Language, Record<Key, string>> = { zh, en };

/** The texts of one language: `t` by key with `{facts}` filled in, `both` out of a pair, times and sizes as read there. */
export class Words {
  constructor(readonly language: Language) {}

  t = (key: Key, facts: Record<string, string | number> = {}): string =>
    CATALOGUES[this.language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));

  both = (text: Text): string => text[this.language] || text.en || text.zh;

  when = (ms: number): string =>
    new Intl.DateTimeFormat(this.language, { dateStyle: "medium", timeStyle: "short" }).format(ms);

  money = (minor: number, currency: string): string => {
    const format = new Intl.NumberFormat(this.language, {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
    });
    return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  };
}

export const WordsContext = createContext(new Words("zh"));
export const useWords = (): Words => useContext(WordsContext);

export function preferredLanguage(): Language {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
