/** Opening with the newest version: the synchronous update mode, and the way out when what is here may not open. */

import { isRefused } from "../trust/refused";
import type { OpenOptions } from "./container";
import type { Sampan } from "./start";

/** How long a customer waits for a newer version before the one that is here opens. */
export const FRESH_TIMEOUT_MS = 5_000;

/** Refusals that a round of sync can mend. */
const MENDABLE = [
  "open_nothing_installed",
  "open_killed",
  "open_below_floor",
  "open_not_for_you",
  "store_damaged",
  "package_file_missing",
] as const;

export interface FreshOptions extends OpenOptions {
  /** Look for a newer version first (an offer's `update: "sync"`), for at most five seconds. */
  readonly isUpdatedFirst?: boolean;
}

/**
 * Open an app. When the rule refuses what is installed (nothing, killed, below the floor, damaged), do one round of sync and
 * open what it brought. Without a server, what is installed opens as ever. Throws as `Container.open`.
 */
export async function openFresh(
  parts: Sampan,
  app: string,
  params: unknown,
  options: FreshOptions = {},
): Promise<void> {
  const { container, sync } = parts;
  if (await sync.mustUpdate(app)) {
    sync.want(app);
    await sync.run().catch(() => undefined); // the opening tells that it is still too old
  } else if (options.isUpdatedFirst === true) await atMost(sync.run(), FRESH_TIMEOUT_MS);
  try {
    await parts.device.mayOpen(app, Date.now());
    return await container.open(app, params, options);
  } catch (thrown) {
    if (!MENDABLE.some((code) => isRefused(thrown, code))) throw thrown;
    if (isRefused(thrown, "store_damaged")) await sync.damaged(app);
    sync.want(app);
    await sync.run().catch(() => undefined); // the second opening tells why
  }
  await container.open(app, params, options);
}

/** Wait for work that goes on by itself, but not longer; its failure is not ours. */
async function atMost(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([settled, new Promise<void>((resolve) => setTimeout(resolve, milliseconds))]);
}
