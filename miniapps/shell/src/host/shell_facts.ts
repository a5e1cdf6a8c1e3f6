import { Calls, type ShellFacts } from "@sampan/sdk";
import { isObject, text } from "./read";
import { readWorkbench, type Workbench } from "./workbench";

const KEPT = "sampan.shell.facts";

interface Told {
  facts: ShellFacts;
  isDemo: boolean;
  /** Set while a developer's own bank runs around one app. */
  workbench?: Workbench;
}

/**
 * What the server says before anything else, kept so that the shell starts without it. The first root of trust that
 * was seen stays: it came from the same origin as the shell. Throws when nothing is kept and the server is away.
 */
export async function readFacts(): Promise<Told> {
  const kept = readKept();
  try {
    const fresh = toldBy((await new Calls(location.origin).send("GET", "/client/v1/shell")).body);
    const told = kept && !fresh.workbench ? { ...fresh, facts: { ...fresh.facts, trust: kept.facts.trust } } : fresh;
    localStorage.setItem(KEPT, JSON.stringify(told));
    return told;
  } catch (problem) {
    if (kept) return kept;
    throw problem;
  }
}

function readKept(): Told | null {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "null") as Told | null;
  } catch {
    return null;
  }
}

function toldBy(body: unknown): Told {
  const { workspace, client_app, apps_origin, trust, demo, dev } = isObject(body) ? body : {};
  const { profile, root } = isObject(trust) ? trust : {};
  const facts = {
    workspace: text(workspace),
    client_app: text(client_app),
    apps_origin: text(apps_origin),
    trust: { profile: text(profile), root: JSON.stringify(root ?? null) },
  };
  const { workspace: named, client_app: client, apps_origin: apps } = facts;
  if (!named || !client || !apps || !isObject(root)) throw new Error("The bank has no shell to show yet.");
  return { facts, isDemo: demo === true, ...readWorkbench(dev) };
}
