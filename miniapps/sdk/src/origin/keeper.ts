/** The worker's memory: which version this origin serves. Filled by the boot page, or from the shelf after a restart. */

import { isRefused } from "../trust/refused";
import type { OriginConfig } from "./config";
import { keyOf } from "./direct";
import type { FromWorker, ToWorker, Wanted } from "./messages";
import { Missing, type OpenedApp, openApp, type Prove } from "./opened";
import type { Shelf } from "./shelf";

type Prepare = Extract<ToWorker, { sampan: "prepare" }>;
type Supply = Extract<ToWorker, { sampan: "supply" }>;

export class Keeper {
  private opening: Promise<OpenedApp> | null = null;
  /** What was asked for last without the boot page: most likely it is asked for again. */
  private served: { readonly key: string; readonly wanted: Wanted } | null = null;

  constructor(
    private readonly config: OriginConfig,
    private readonly shelf: Shelf,
    private readonly prove: Prove,
    /** False when a proof has an end, as a preview's: then everything is proved for each request. */
    private readonly proofsLast = true,
  ) {}

  /** Return the version to serve. After a restart of the worker it is read and proved again. Throws as `openApp`. */
  opened(): Promise<OpenedApp> {
    if (!this.proofsLast) return this.reopen();
    this.opening ??= this.reopen();
    return this.opening;
  }

  /**
   * Look again at what is stored, and serve it from now on, when it is the very version of this key and whole proved;
   * else say no: the boot page finds out what is wrong.
   */
  async isReady(key: string): Promise<boolean> {
    try {
      const guessed =
        this.served?.key === key ? openApp(this.config, this.served.wanted, this.shelf, this.prove) : null;
      guessed?.catch(() => undefined);
      const wanted = await this.shelf.wanted();
      if (wanted === null || (await keyOf(wanted)) !== key) return false;
      const opening = guessed ?? openApp(this.config, wanted, this.shelf, this.prove);
      await opening;
      this.opening = opening;
      this.served = { key, wanted };
      return true;
    } catch {
      return false;
    }
  }

  /** The next request proves everything again. */
  forget(): void {
    this.opening = null;
  }

  /** Make the wanted version the served one, or say which packages it takes and what was wrong with the stored ones. */
  async prepare({ wanted, heal }: Prepare): Promise<FromWorker> {
    const answer = await this.answering(wanted, async () => {
      if (heal) await this.shelf.clear();
    });
    if (answer.type !== "refused" || answer.code === "store_full") return answer;
    return { type: "need", packages: [...digestsOf(wanted, [])], why: answer.code };
  }

  /** Store what the shell sent, then open it. What was sent is proved like everything else. */
  supply({ wanted, chains, packages }: Supply): Promise<FromWorker> {
    return this.answering(wanted, async () => {
      await this.shelf.keepOnly(digestsOf(wanted, wanted.keep)); // room first
      await this.shelf.putChains(chains);
      for (const each of packages) await this.shelf.putPackage(each);
    });
  }

  /** Do `first`, open the version, and answer in any case: the boot page waits. */
  private async answering(wanted: Wanted, first: () => Promise<void>): Promise<FromWorker> {
    try {
      await first();
      const opening = openApp(this.config, wanted, this.shelf, this.prove);
      await opening;
      this.opening = opening;
      if (JSON.stringify(await this.shelf.wanted()) !== JSON.stringify(wanted)) {
        await this.shelf.putWanted(wanted);
        await this.shelf.keepOnly(digestsOf(wanted, wanted.keep));
      }
      return { type: "ready" };
    } catch (problem) {
      this.forget();
      return answerTo(problem, wanted);
    }
  }

  private async reopen(): Promise<OpenedApp> {
    const wanted = await this.shelf.wanted();
    if (wanted === null) throw new Missing([]);
    return openApp(this.config, wanted, this.shelf, this.prove);
  }
}

function digestsOf(wanted: Wanted, others: readonly string[]): ReadonlySet<string> {
  return new Set([wanted.digest, ...wanted.shared.map((each) => each.digest), ...others]);
}

function answerTo(problem: unknown, wanted: Wanted): FromWorker {
  if (problem instanceof Missing) return { type: "need", packages: problem.packages, why: "store_missing" };
  if (isRefused(problem)) return { type: "refused", code: problem.code, message: problem.message };
  const isFull = problem instanceof DOMException && problem.name === "QuotaExceededError";
  const message = problem instanceof Error ? problem.message : String(problem);
  return { type: "refused", code: isFull ? "store_full" : "store_damaged", message: `${wanted.app}: ${message}` };
}
