/** What the server writes in front of the worker script: whose origin this is and whom it believes. */

export interface OriginConfig {
  readonly workspace: string;
  readonly app: string;
  readonly kind: "live" | "trial" | "preview";
  readonly profile: string;
  /** Every origin that may frame this one; the first is told to nobody else than the runtime. */
  readonly shellOrigins: readonly string[];
  /** The bytes of the first root.json. */
  readonly root: Uint8Array<ArrayBuffer>;
}

interface RawConfig {
  workspace: string;
  app: string;
  kind: "live" | "trial" | "preview";
  profile: string;
  shell_origin: string | string[];
  /** The text of root.json, or the object it holds (its one spelling is what JSON.stringify writes). */
  root: unknown;
}

/** Read `self.SAMPAN_ORIGIN`; throws when it is not there, as only a broken server leaves it out. */
export function readConfig(raw: unknown): OriginConfig {
  if (typeof raw !== "object" || raw === null) throw new Error("The worker script came without SAMPAN_ORIGIN.");
  const { workspace, app, kind, profile, shell_origin, root } = raw as RawConfig;
  const shellOrigins = typeof shell_origin === "string" ? [shell_origin] : shell_origin;
  return { workspace, app, kind, profile, shellOrigins, root: rootBytes(root) };
}

/** The tree that the app's metadata must be signed for. */
export function treeOf(config: OriginConfig): string {
  return `${config.workspace}/${config.profile}`;
}

/** Return the bytes of a root.json that came as its text, or as the object it holds: it has one spelling. */
export function rootBytes(root: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof root === "string" ? root : asciiJson(root));
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
