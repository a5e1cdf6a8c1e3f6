import type { Sampan } from "@sampan/sdk";
import { go } from "../route";
import type { Board } from "./board";
import type { Catalogue } from "./catalogue";
import type { Lines } from "./lines";

/** Tell the pages and the developer panel what happens in running apps. */
export function listen({ container }: Sampan, board: Board, happened: Lines, catalogue: Catalogue): void {
  const note: Lines["add"] = (...line) => {
    happened.add(...line);
    board.notify();
  };
  container.on("booted", ({ app }) => board.tell(app, { ...board.phase(app), step: "running" }));
  container.on("version-ready", ({ app, version }) => board.tell(app, { ...board.phase(app), newer: version }));
  container.on("closed", ({ app }) => {
    if (board.phase(app).step !== "running") return; // it did not open, and its page says why
    board.phases.delete(app);
    const before = container.running().at(-1);
    if (decodeURIComponent(location.hash) === `#/app/${app}`) go(before ? `app/${before}` : "home");
    board.notify();
    void catalogue.refresh();
  });
  container.on("crashed", ({ app, code, revertedTo }) => {
    const wentBack = revertedTo === null ? "" : `, went back to ${revertedTo}`;
    happened.add(app, "error", `crashed ${code}${wentBack}`, true);
    if (revertedTo === null) board.tell(app, { step: "refused", refusal: { code, detail: "" } });
  });
  container.on("refused", ({ app, code, path }) =>
    happened.add(app, "error", `refused ${code} ${path}`, code !== "app_closed"),
  );
  container.on("healed", ({ app, code }) => happened.add(app, "error", `healed ${code}`, false));
  container.on("call", ({ app, method, code }) => {
    happened.count(app, method, code !== null);
    note(app, "permission", code === null ? method : `${method} ${code}`, code !== null);
  });
  container.on("console", ({ app, level, text }) => note(app, "console", `${level} ${text}`, level === "error"));
  container.on("trouble", ({ app, text }) => note(app, "error", text, true));
}
