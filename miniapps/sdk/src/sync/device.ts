/**
 * A device: what it verified (`TufTree`), what it holds (`PackageStore`), and the rule between them.
 *
 * Sync only hints. A hint makes the device look at the signed tree again; it never installs, refuses or wipes anything
 * by itself, except that an app which sync no longer lists is not opened.
 */

import { downloadHotfixes } from "../download/hotfix";
import type { TreeSource } from "../download/http";
import { downloadPackage, type Progress } from "../download/package";
import type { Base } from "../download/shortcuts";
import { type AppState, type Installed, isPatched, MAX_BOOTS, patchable, waysBack } from "../store/installed";
import { type OpenedPackage, type PackageStore, sourceOf } from "../store/packages";
import type { Store } from "../store/store";
import { digestOf } from "../trust/digest";
import { checkHotfix, isStackListed } from "../trust/hotfix";
import { checkInstall, checkOpen, mayGoBack } from "../trust/install-rule";
import { fittingIndex } from "../trust/offline";
import { parseIndex } from "../trust/package-index";
import { demand, isRefused, Refused } from "../trust/refused";
import type { TufTree } from "../trust/tree";
import type { AppRole, Control, OfferedStack, Opening } from "../trust/types";

/** What a sync answer says of one app: take this version, this one with hotfixes, or let go of it. */
export type Hint =
  | {
      readonly action: "install";
      readonly id: string;
      readonly sequence: number;
      readonly digest: string;
      /** Hotfixes by their numbers, rising; `digest` is then that of the version with them. */
      readonly patches?: readonly string[];
      /** Somebody waits for it. */
      readonly isWanted?: boolean;
    }
  | { readonly action: "remove"; readonly id: string };

/** An app that may run now: its files, and whether its money bridges work. */
export interface OpenedApp {
  readonly opened: OpenedPackage;
  readonly opening: Opening;
  /** The package digest of the version before, kept until this one has booted, or null. */
  readonly kept: string | null;
  /** What gave way to it just now, because it did not boot `MAX_BOOTS` times. */
  readonly left: Installed | null;
}

export class Device {
  /** Told at each sync what runs from the next start of an app on: another tab, or withdrawing, may have changed it. */
  onCurrent: (app: string, current: Installed) => void = () => undefined;

  constructor(
    readonly tree: TufTree,
    readonly packages: PackageStore,
    private readonly source: TreeSource,
    private readonly store: Store,
  ) {}

  /**
   * Take in a sync answer's catalogue (null: unchanged), refresh the tree, and obey what it says of each app.
   *
   * Throws a refusal for the tree as a whole; returns what was refused of single apps, since an expired role blocks
   * only its own app. What is installed keeps opening either way.
   */
  async sync(nowMs: number, listed: readonly string[] | null = null): Promise<Map<string, Refused>> {
    if (listed !== null) await this.packages.rememberCatalogue(listed);
    await this.tree.refresh(nowMs);
    const problems = new Map<string, Refused>();
    for (const app of await this.packages.apps()) {
      if ((await this.packages.state(app)).current === null) continue;
      for (const obey of [() => this.tree.app(app), () => this.tree.control(app)]) {
        const problem = await refusalOf(obey);
        if (problem !== null && !problems.has(app)) problems.set(app, problem);
      }
      await this.leaveWithdrawn(app);
      const { current } = await this.packages.state(app);
      if (current !== null) this.onCurrent(app, current);
    }
    return problems;
  }

  /**
   * Go back to the base, without the network, when the last verified control no longer lists the hotfixes that run.
   * Returns the base, or null when nothing changed.
   */
  async leaveWithdrawn(app: string): Promise<Installed | null> {
    const { current } = await this.packages.state(app);
    if (!isPatched(current) || isStackListed(await this.tree.obeyedControl(app), current)) return null;
    const now = (await this.packages.withdraw(app, current.digest)).current;
    return now?.digest === current.digest ? null : now;
  }

  /**
   * Carry out one hint as far as the signed tree allows; `sync` comes first. Returns what is installed afterwards.
   * Throws a refusal; the version that ran before still runs.
   */
  async apply(hint: Hint, progress: Progress = {}): Promise<Installed | null> {
    if (hint.action === "remove") return this.letGo(hint.id);
    const staged = await this.prepare(hint, progress);
    await this.packages.switch(hint.id, staged);
    return staged;
  }

  /** Check the rule, fetch, verify and place a version beside the current one, without switching to it. */
  async prepare(hint: Hint & { action: "install" }, progress: Progress = {}): Promise<Installed> {
    const { id: app, sequence, digest, patches = [] } = hint;
    if (patches.length > 0) return this.prepareHotfix(app, { sequence, digest, patches }, progress);
    const role = await this.tree.app(app);
    const control = await this.tree.control(app);
    const state = await this.packages.state(app);
    checkInstall({ sequence, digest }, role, control, state);
    const version = role.versions.get(sequence);
    const chain = await this.tree.chain(app);
    if (version === undefined || chain === null) throw new Refused("install_not_listed", `${app} is not listed.`);
    const next: Installed = { sequence, version: version.version, digest, isConfirmed: false };
    const here = (await this.packages.isWhole(app, digest)) ? await this.packages.placed(app, digest) : null;
    if (here !== null) {
      fittingIndex(version, here.index); // the same package under another number is another version
      const { current } = state;
      const isRunning = isPatched(current) && state.base?.digest === digest;
      // What is offered is here with hotfixes on it, which only withdrawing takes away, or damage.
      return isRunning && (await this.packages.isWhole(app, current.digest)) ? current : next;
    }
    const from = state.base ?? state.current;
    const base = from === null ? null : await this.base(app, from.digest);
    const { index, archive } = await downloadPackage(version, this.source, this.store, progress, base);
    await this.packages.place(app, next, { index, archive, chain });
    return next;
  }

  /** Derive the version with these hotfixes from the one that is here, and place it beside. */
  private async prepareHotfix(app: string, offered: OfferedStack, progress: Progress): Promise<Installed> {
    const { sequence, digest, patches } = offered;
    const role = await this.tree.app(app);
    const control = await this.tree.control(app);
    const state = await this.packages.state(app);
    const here = patchable(state, sequence);
    const missing = `Version ${sequence} of ${app} is not the one on this device.`;
    demand(here !== null, "hotfix_base_differs", missing);
    const { version, hotfixes } = checkHotfix(offered, role, control, state.failed);
    const chain = await this.tree.chain(app);
    demand(here.digest === version.indexDigest && chain !== null, "hotfix_base_differs", missing);
    const next: Installed = { sequence, version: version.version, digest, isConfirmed: false, patches };
    if (await this.packages.isWhole(app, digest)) return next;
    const isWhole = await this.packages.isWhole(app, here.digest);
    const placed = isWhole ? await this.packages.placed(app, here.digest) : null;
    if (placed === null) throw new Refused("store_damaged", `What is stored of ${app} is not what was installed.`);
    const base = { index: placed.index, archive: sourceOf(placed.archive) };
    const { documents, index, archive } = await downloadHotfixes(version, hotfixes, base, this.source, progress);
    const told = `The hotfixes of version ${sequence} of ${app} give another package than control lists.`;
    demand((await digestOf(index)) === digest, "hotfix_result_differs", told);
    await progress.verified?.();
    const stack = { base: placed.index, documents };
    await this.packages.place(app, next, { index, archive, chain: { ...chain, stack } });
    return next;
  }

  private async base(app: string, digest: string): Promise<Base | null> {
    const placed = await this.packages.placed(app, digest);
    if (placed === null || (await digestOf(placed.index)) !== digest) return null;
    return { contents: parseIndex(placed.index), archive: sourceOf(placed.archive) };
  }

  /** Switch to the version that `prepare` placed, by the rule as it stands now; null when none waits. */
  async install(app: string): Promise<Installed | null> {
    const staged = await this.packages.staged(app);
    const role = await this.tree.obeyedRole(app);
    const control = await this.tree.obeyedControl(app);
    if (staged === null || role === null || control === null) return null;
    checkStaged(staged, role, control, await this.packages.state(app));
    await this.packages.switch(app, staged);
    return staged;
  }

  /**
   * Open the installed version by the last verified role and control, without the network.
   *
   * A version that failed to boot `MAX_BOOTS` times is left for the kept one when the rule allows it. Throws an
   * `open_` refusal or `store_damaged`.
   */
  async open(app: string, nowMs: number): Promise<OpenedApp> {
    const found = await this.packages.state(app);
    const isBack = isPatched(found.current) && (await this.leaveWithdrawn(app)) !== null;
    const before = isBack ? await this.packages.state(app) : found;
    const left = before.boots < MAX_BOOTS ? null : await this.watchBoots(app);
    const [opening, opened] = await inOrder(this.mayOpen(app, nowMs), this.packages.open(app));
    const { kept } = before.current?.isConfirmed ? before : await this.packages.beginBoot(app);
    return { opened, opening, kept: kept?.digest ?? null, left };
  }

  /** The app reports that the version of this digest runs: the earlier version may go. */
  booted(app: string, digest?: string): Promise<void> {
    return this.packages.confirm(app, digest);
  }

  /** Leave a version that does not boot for the best one that the rule allows; null when there is none. */
  async goBack(app: string): Promise<Installed | null> {
    const state = await this.packages.state(app);
    const { current, highestStarted } = state;
    if (current === null || current.isConfirmed) return null;
    const [role, control] = [await this.tree.obeyedRole(app), await this.tree.obeyedControl(app)];
    const to = waysBack(state).find((each) => mayGoBack(each, current, role, control, highestStarted));
    return to === undefined ? null : this.packages.revert(app, to);
  }

  /** Ask the open rule alone. */
  async mayOpen(app: string, nowMs: number): Promise<Opening> {
    const [{ current: installed }, role, control, isListed, lastVerifiedMs] = await Promise.all([
      this.packages.state(app),
      this.tree.obeyedRole(app),
      this.tree.obeyedControl(app),
      this.packages.isListed(app),
      this.tree.lastVerifiedMs(app),
    ]);
    return checkOpen({ app, installed, role, control, isListed, lastVerifiedMs, nowMs });
  }

  /** Leave a version that failed to boot too often, and return it; null when it stays. */
  private async watchBoots(app: string): Promise<Installed | null> {
    const { current, boots } = await this.packages.state(app);
    if (boots < MAX_BOOTS || (await this.goBack(app)) === null) return null;
    return current;
  }

  /** Delete packages only when the signed tree itself forbids to open them; a hint alone wipes nothing. */
  private async letGo(app: string): Promise<Installed | null> {
    await this.tree.app(app);
    await this.tree.control(app);
    const lastVerifiedMs = await this.tree.lastVerifiedMs(app);
    const problem = await refusalOf(() => this.mayOpen(app, lastVerifiedMs));
    if (problem?.code === "open_killed" || problem?.code === "open_below_floor") await this.packages.remove(app);
    return (await this.packages.state(app)).current;
  }
}

/** Return when what was placed may be switched to now, by the rule for versions or the one for hotfixes, else throw. */
export function checkStaged(staged: Installed, role: AppRole, control: Control, state: AppState): void {
  const { patches = [] } = staged;
  if (patches.length === 0) checkInstall(staged, role, control, state);
  else checkHotfix({ ...staged, patches }, role, control, state.failed);
}

/** Wait for both; when both fail, the first one's refusal is told. */
async function inOrder<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  second.catch(() => undefined);
  return [await first, await second];
}

async function refusalOf(act: () => Promise<unknown>): Promise<Refused | null> {
  try {
    await act();
    return null;
  } catch (problem) {
    if (isRefused(problem)) return problem;
    throw problem;
  }
}
