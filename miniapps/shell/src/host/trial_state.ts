import { httpTree, isRefused, MemoryStore, metadataStore, rootBytes, type ShellFacts, TufTree } from "@sampan/sdk";
import type { TrialState } from "./host";

/** Return where a version stands for customers, read from their signed tree apart from what this device obeys. */
export async function trialState(facts: ShellFacts, app: string, sequence: number): Promise<TrialState> {
  const { profile, root } = facts.trust;
  const tree = `${facts.workspace}/${profile}`;
  try {
    const { fetchBytes } = httpTree(`${location.origin}/trust/${tree}`);
    const store = metadataStore(new MemoryStore());
    return await standing(new TufTree({ tree, root: rootBytes(root), fetchBytes, store }), app, sequence);
  } catch {
    return "unknown"; // the page then says nothing of it
  }
}

/** The tree of the customers lists what was reviewed and countersigned; its control file what was withdrawn. */
export async function standing(
  tree: Pick<TufTree, "refresh" | "app" | "control">,
  app: string,
  sequence: number,
): Promise<TrialState> {
  await tree.refresh(Date.now());
  const control = await unlessNotListed(tree.control(app));
  if (control?.killed.some((each) => each.sequence === sequence)) return "killed";
  const role = await unlessNotListed(tree.app(app));
  return role?.versions.has(sequence) ? "published" : "unpublished";
}

async function unlessNotListed<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (problem) {
    if (isRefused(problem, "trust_not_listed")) return null;
    throw problem;
  }
}
