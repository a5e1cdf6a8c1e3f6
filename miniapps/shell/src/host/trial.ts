import type { TrialFacts } from "@sampan/sdk";
import type { CatalogueApp } from "./host";
import { isObject, text } from "./read";

/** Return what the server told a tester. */
export function readTrial(body: unknown): TrialFacts {
  const told = isObject(body) ? body : {};
  const { app, sequence, version, digest, root } = told;
  return {
    app: text(app),
    sequence: Number(sequence),
    version: text(version),
    digest: text(digest),
    root: JSON.stringify(root),
  };
}

/** Return how an app on trial is called: as in the catalogue, or by its id when it is not there yet. */
export function trialEntry(id: string, listed: CatalogueApp | undefined): CatalogueApp {
  if (listed !== undefined) return listed;
  const name = { zh: id, en: id };
  const unknown = { category: "", icon: null, neededTier: null, installed: null, hasUpdate: false };
  return { ...unknown, id, name, text: { zh: "", en: "" }, mayOpen: true };
}
