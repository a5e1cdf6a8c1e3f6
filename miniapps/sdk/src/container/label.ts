/** Where an app lives: the label of its origin, as the server computes it. */

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const LABEL_LENGTH = 20;

export type OriginKind = "live" | "trial" | "preview";

/** Return the first 20 characters of lower-case base32 of sha256("<workspace>\n<app id>\n<kind>"). */
export async function originLabel(workspace: string, app: string, kind: OriginKind): Promise<string> {
  const bytes = new TextEncoder().encode(`${workspace}\n${app}\n${kind}`);
  return base32(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))).slice(0, LABEL_LENGTH);
}

/** Return the app's origin; `pattern` is `apps_origin` of the server, such as `https://{label}.apps.bank.example`. */
export async function appOrigin(pattern: string, workspace: string, app: string, kind: OriginKind): Promise<string> {
  return new URL(pattern.replace("{label}", await originLabel(workspace, app, kind))).origin;
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31];
}
