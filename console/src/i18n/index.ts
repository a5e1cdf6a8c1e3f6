/** The two languages: the browser's first, then what was chosen. */

import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import { catalogue, isTextKey, type Language, type TextKey } from "./catalogue";

const KEY = "sampan.language";

export type { Language, TextKey } from "./catalogue";
export type Values = Record<string, string | number>;
export type Say = (key: TextKey, values?: Values) => string;

/** Returns the language to begin with. */
export function firstLanguage(stored: string | null, wanted: readonly string[]): Language {
  if (stored === "zh" || stored === "en") return stored;
  const found = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag === "zh" || tag === "en");
  return found === "zh" ? "zh" : "en";
}

i18next.use(initReactI18next).init({
  lng: firstLanguage(localStorage.getItem(KEY), navigator.languages),
  fallbackLng: "en",
  ns: Object.keys(catalogue("en")),
  resources: { zh: catalogue("zh"), en: catalogue("en") },
  nsSeparator: ".",
  keySeparator: false,
  interpolation: { escapeValue: false },
  initAsync: false,
});
mark();

export function chooseLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
  i18next.changeLanguage(language).then(mark);
}

function mark(): void {
  document.documentElement.lang = i18next.language === "zh" ? "zh-CN" : "en";
}

/** Returns `say` in the present language, and the language. */
export function useText(): { say: Say; language: Language; sayOr: (key: string, otherwise: string) => string } {
  const { t, i18n } = useTranslation();
  const language: Language = i18n.language === "zh" ? "zh" : "en";
  // One of something takes the text `key_one`, where there is one.
  const say: Say = (key, values = {}) => t(key, typeof values.n === "number" ? { ...values, count: values.n } : values);
  return { say, language, sayOr: (key, otherwise) => (isTextKey(key) ? say(key) : otherwise) };
}

/** Returns the key of the words for a kind of change, such as `catalogue.entry`. */
export function kindKey(kind: string): string {
  return `changes.kind_${kind.replaceAll(".", "_")}`;
}

/** Returns the one of two server texts that the reader reads; the other when it is empty. */
export function pick(language: Language, texts: { zh: string; en: string }): string {
  return texts[language] || texts[language === "zh" ? "en" : "zh"];
}
