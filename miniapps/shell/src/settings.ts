import { useSyncExternalStore } from "react";
import { type Language, preferredLanguage } from "./i18n";

/** What the customer chose on this device: language, appearance, large text. */
export interface Settings {
  language: Language;
  appearance: "system" | "light" | "dark";
  isElder: boolean;
}

const KEY = "sampan.shell.settings";
const listeners = new Set<() => void>();
let settings = read();

function read(): Settings {
  const otherwise: Settings = { language: preferredLanguage(), appearance: "system", isElder: false };
  try {
    return { ...otherwise, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>) };
  } catch {
    return otherwise;
  }
}

export function changeSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change };
  localStorage.setItem(KEY, JSON.stringify(settings));
  for (const listener of listeners) listener();
}

export function useSettings(): Settings {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => settings,
  );
}
