/**
 * The packages that lie in this origin, in one Cache of the worker. An app can write here too, so nothing that comes
 * out of the shelf is believed: the worker proves it anew. What cannot be read counts as absent.
 */

import type { StoredChain } from "../trust/types";
import { fromBase64, toBase64 } from "./base64";
import type { Chains, PackageBytes, Wanted } from "./messages";

const NAME = "sampan-packages";
const BASE = "/__store/";

/** Caches that the platform owns; wiping an app's data leaves them. */
export function isPlatformCache(name: string): boolean {
  return name.startsWith("sampan-");
}

export class Shelf {
  constructor(private readonly caches: CacheStorage) {}

  /** Return the version that was wanted last. */
  async wanted(): Promise<Wanted | null> {
    return (await this.readJson("wanted")) as Wanted | null;
  }

  async chain(app: string): Promise<StoredChain | null> {
    const stored = (await this.readJson(`chain/${app}`)) as Record<string, unknown> | null;
    if (stored === null) return null;
    const roots = stored.roots as string[];
    const stack = stored.stack as { base: string; documents: string[] } | undefined;
    return {
      roots: roots.map(fromBase64),
      targets: fromBase64(stored.targets as string),
      role: fromBase64(stored.role as string),
      ...(stack && { stack: { base: fromBase64(stack.base), documents: stack.documents.map(fromBase64) } }),
    };
  }

  async index(digest: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const found = await this.read(`index/${digest}`);
    return found === null ? null : new Uint8Array(await found.arrayBuffer());
  }

  /** Return the archive; slices of it are read from the disk when they are asked for. */
  async archive(digest: string): Promise<Blob | null> {
    const found = await this.read(`archive/${digest}`);
    return found === null ? null : found.blob();
  }

  async putWanted(wanted: Wanted): Promise<void> {
    await this.write("wanted", JSON.stringify(wanted));
  }

  async putChains(chains: Chains): Promise<void> {
    for (const [app, chain] of Object.entries(chains)) {
      const { roots, targets, role, stack } = chain;
      const stored = {
        roots: roots.map(toBase64),
        targets: toBase64(targets),
        role: toBase64(role),
        stack: stack && { base: toBase64(stack.base), documents: stack.documents.map(toBase64) },
      };
      await this.write(`chain/${app}`, JSON.stringify(stored));
    }
  }

  async putPackage(found: PackageBytes): Promise<void> {
    await this.write(`archive/${found.digest}`, found.archive);
    await this.write(`index/${found.digest}`, found.index);
  }

  /** Delete every package but those of these digests. */
  async keepOnly(digests: ReadonlySet<string>): Promise<void> {
    const cache = await this.caches.open(NAME);
    for (const request of await cache.keys()) {
      const [folder, digest] = new URL(request.url).pathname.slice(BASE.length).split("/");
      if ((folder === "index" || folder === "archive") && !digests.has(decodeURIComponent(digest ?? ""))) {
        await cache.delete(request);
      }
    }
  }

  async clear(): Promise<void> {
    await this.caches.delete(NAME);
  }

  private async readJson(name: string): Promise<unknown> {
    try {
      return (await (await this.read(name))?.json()) ?? null;
    } catch {
      return null;
    }
  }

  private async read(name: string): Promise<Response | null> {
    return (await this.caches.match(address(name), { cacheName: NAME })) ?? null;
  }

  private async write(name: string, body: BodyInit): Promise<void> {
    const cache = await this.caches.open(NAME);
    await cache.put(address(name), new Response(body));
  }
}

function address(name: string): string {
  return BASE + name.split("/").map(encodeURIComponent).join("/");
}
