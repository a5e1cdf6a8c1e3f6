/** The commands that make and publish a hotfix on the publisher's machine, from what was entered. Pure. */

export type How = "set" | "json" | "delete";
export type Entered = { how: How; path: string; file: string };
export type Wrong =
  | { kind: "saysNothing" | "incomplete" | "manifest" }
  | { kind: "twice" | "unknownPath"; path: string };

export const NOTHING: Entered = { how: "set", path: "", file: "" };

/** Returns the first thing that the command would refuse, or null. `known` are the version's files, null unknown. */
export function wrongIn(entered: readonly Entered[], known: ReadonlySet<string> | null): Wrong | null {
  const filled = entered.filter(({ path, file }) => path.trim() !== "" || file.trim() !== "");
  if (filled.length === 0) return { kind: "saysNothing" };
  const seen = new Set<string>();
  for (const { how, path, file } of filled) {
    if (path.trim() === "" || (how !== "delete" && file.trim() === "")) return { kind: "incomplete" };
    if (path.trim() === "manifest.json") return { kind: "manifest" };
    if (seen.has(path.trim())) return { kind: "twice", path };
    if (how !== "set" && known && !known.has(path.trim())) return { kind: "unknownPath", path };
    seen.add(path.trim());
  }
  return null;
}

export type About = { app: string; sequence: number; n: number; on: number | null; title: string };

const OPTIONS: Record<How, string> = { set: "--set", json: "--json-patch", delete: "--delete" };

/** Returns the two commands. `on` null is the newest released hotfix, as the command has it by itself. */
export function commands(entered: readonly Entered[], { app, sequence, n, on, title }: About): [string, string] {
  const out = `${app}-${sequence}-${n}.hotfix`;
  const changes = entered
    .filter(({ path }) => path.trim() !== "")
    .map(({ how, path, file }) => {
      const value = how === "delete" ? path.trim() : `${path.trim()}=${file.trim()}`;
      return `${OPTIONS[how]} ${quoted(value)}`;
    });
  const built = on === null ? [] : [`--on ${on}`];
  const made = ["sampan hotfix make", app, `--sequence ${sequence}`, ...built, ...changes, `-o ${out}`];
  const said = title.trim() === "" ? [] : [`--title ${quoted(title.trim())}`];
  return [made.join(" "), ["sampan hotfix publish", out, "--key publisher.pem", ...said, "--wait"].join(" ")];
}

/** Returns a word as a POSIX shell takes it, whatever is in it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
