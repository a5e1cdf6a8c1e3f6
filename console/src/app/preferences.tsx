/** Light, dark or as the system has it; kept on this machine. */

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { cssVariables, type Mode } from "../design/tokens";

export type Wish = Mode | "auto";
const KEY = "sampan.mode";
const system = window.matchMedia("(prefers-color-scheme: dark)");

type Look = { mode: Mode; wish: Wish; setWish: (wish: Wish) => void };
const Context = createContext<Look>({ mode: "light", wish: "auto", setWish: () => {} });

export function useLook(): Look {
  return useContext(Context);
}

function storedWish(): Wish {
  const found = localStorage.getItem(KEY);
  return found === "light" || found === "dark" ? found : "auto";
}

function modeOf(wish: Wish): Mode {
  return wish === "auto" ? (system.matches ? "dark" : "light") : wish;
}

/** Sets the variables of a mode; called before the first paint, and at every change. */
export function paint(mode: Mode): void {
  const root = document.documentElement;
  root.dataset.mode = mode;
  for (const [name, value] of Object.entries(cssVariables(mode))) root.style.setProperty(name, value);
}

export function paintFirst(): void {
  paint(modeOf(storedWish()));
}

export function LookProvider({ children }: { children: ReactNode }) {
  const [wish, setWish] = useState<Wish>(storedWish);
  const [mode, setMode] = useState<Mode>(() => modeOf(wish));
  useEffect(() => {
    localStorage.setItem(KEY, wish);
    const apply = () => {
      const next = modeOf(wish);
      setMode(next);
      paint(next);
    };
    apply();
    system.addEventListener("change", apply);
    return () => system.removeEventListener("change", apply);
  }, [wish]);
  const look = useMemo(() => ({ mode, wish, setWish }), [mode, wish]);
  return <Context value={look}>{children}</Context>;
}
