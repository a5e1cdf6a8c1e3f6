/**
 * A device: what it verified (`TufTree`), what it holds (`PackageStore`), and the rule between them.
 *
 * Sync only hints. A hint makes the device look at the signed tree again; it never installs, refuses or wipes anything
 * by itself, except that an app which sync no longer lists is not opened.
 */

import type { TreeSource } from "../download/http";
import { downloadPackage, type Progress } from "../download/package";
import type { Base } from "../download/shortcuts";
import { type AppState, type Installed, MAX_BOOTS } from "../store/installed";
import { type OpenedPackage, type PackageStore, sourceOf } from "../store/packages";
import type { Store } from "../store/store";
import { digestOf } from "../trust/digest";
import { checkInstall, checkOpen, mayRevert } from "../trust/install-rule";
import { fittingIndex } from "../trust/offline";
import { parseIndex } from "../trust/package-index";
import { isRefused, Refused } from "../trust/refused";
import type { TufTree } from "../trust/tree";
import type { Opening } from "../trust/types";

/** What a sync answer says of one app: take this version, or let go of it. */
export type Hint =
  | { readonly action: "install"; readonly id: string; readonly sequence: number; readonly digest: string }
  | { readonly action: "remove"; readonly id: string };

/** An app that may run now: its files, and whether its money bridges work. */
export interface OpenedApp {
  readonly opened: OpenedPackage;
  readonly opening: Opening;
  /** The package digest of the version before, kept until this one has booted, or null. */
  readonly kept: string | null;
}

export class Device {
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
    }
    return problems;
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
    const { id: app, sequence, digest } = hint;
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
      return next;
    }
    const base = state.current === null ? null : await this.base(app, state.current.digest);
    const { index, archive } = await downloadPackage(version, this.source, this.store, progress, base);
    await this.packages.place(app, next, { index, archive, chain });
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
    checkInstall(staged, role, control, await this.packages.state(app));
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
    const before = await this.watchBoots(app);
    const [opening, opened] = await inOrder(this.mayOpen(app, nowMs), this.packages.open(app));
    const { kept } = before.current?.isConfirmed ? before : await this.packages.beginBoot(app);
    return { opened, opening, kept: kept?.digest ?? null };
  }

  /** The app reports that it runs: the earlier version may go. */
  booted(app: string): Promise<void> {
    return this.packages.confirm(app);
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

  /** Leave a version that failed to boot too often; returns what was remembered before. */
  private async watchBoots(app: string): Promise<AppState> {
    const state = await this.packages.state(app);
    const { current, kept, boots, highestStarted } = state;
    if (current === null || current.isConfirmed || boots < MAX_BOOTS || kept === null) return state;
    const role = await this.tree.obeyedRole(app);
    const control = await this.tree.obeyedControl(app);
    if (role !== null && control !== null && mayRevert(kept, role, control, highestStarted)) {
      await this.packages.revert(app);
    }
    return state;
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
