import type { Store } from "@sampan/sdk";

const ICON_BYTES = 256 * 1024;

/** Apps' icons by digest: fetched once, checked, kept, and shown from this device. */
export class Icons {
  private readonly shown = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly filesPath: string,
  ) {}

  /** Return an address for an `<img>`, null when there is no icon or it cannot be had. */
  async address(digest: string): Promise<string | null> {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return null;
    const known = this.shown.get(digest);
    if (known !== undefined) return known;
    const bytes = (await this.kept(digest)) ?? (await this.fetched(digest));
    if (bytes === null) return null;
    const address = URL.createObjectURL(new Blob([bytes], { type: typeOf(bytes) }));
    this.shown.set(digest, address);
    return address;
  }

  private async kept(digest: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const found = await this.store.get(`shell/icon/${digest}`);
    return found instanceof Uint8Array ? (found as Uint8Array<ArrayBuffer>) : null;
  }

  private async fetched(digest: string): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const answer = await fetch(`${this.filesPath}/${digest.slice("sha256:".length)}`, { credentials: "omit" });
      if (!answer.ok || Number(answer.headers.get("content-length") ?? 0) > ICON_BYTES) return null;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if ((await digestOf(bytes)) !== digest) return null;
      await this.store.write([{ key: `shell/icon/${digest}`, value: bytes }]);
      return bytes;
    } catch {
      return null;
    }
  }
}

/** The type by the first bytes; an image that is none of these is not shown. */
function typeOf(bytes: Uint8Array): string {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith("\x89PNG")) return "image/png";
  if (head.startsWith("\xff\xd8")) return "image/jpeg";
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return "image/webp";
  return head.trimStart().startsWith("<") ? "image/svg+xml" : "application/octet-stream";
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
