/** Which paths a package may hold, and when two of them clash (docs/protocols/package.md, section 1). */

const MAX_PATH_BYTES = 1024;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 32;

/** Top folders that the container serves itself in an app's origin. */
const RESERVED = new Set(["_shared", "_sampan"]);

// Listed signs, C0 with DEL and C1; lone surrogates; private use; non-characters, specials; tags; private planes.
const BANNED =
  /["*:<>?|\p{Control}\p{Surrogate}\p{Private_Use}\p{Noncharacter_Code_Point}\ufff0-\uffff\u{e0001}\u{e007f}\u{f0000}-\u{10ffff}]/u;

const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** Return the code of the first rule that a file's path breaks, or null. */
export function brokenPathRule(path: string): string | null {
  if (path.includes("\\")) return "path_backslash";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "path_absolute";
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === "..")) return "path_escapes";
  if (BANNED.test(path)) return "path_character";
  if (names.some((name) => name.endsWith("."))) return "path_ends_with_dot";
  if (bytes(path) > MAX_PATH_BYTES) return "path_too_long";
  if (names.some((name) => bytes(name) > MAX_NAME_BYTES)) return "path_name_too_long";
  if (names.length > MAX_DEPTH) return "path_too_deep";
  return RESERVED.has(folded(names[0] ?? "")) ? "path_reserved" : null;
}

/** Whether `text` can name a page or folder: a path of the package, without scheme, query or fragment. */
export const isInnerPath = (text: string): boolean =>
  text !== "" && !/[?#%:]/.test(text) && brokenPathRule(text) === null;

/** Return the code of the first clash among the paths of files, or null. */
export function brokenClashRule(paths: readonly string[]): string | null {
  const folders = new Map<string, string>();
  const files = new Map<string, string>();
  for (const path of paths) {
    const names = path.split("/");
    const last = names.length - 1;
    for (let depth = 1; depth <= last; depth++) {
      const folder = names.slice(0, depth).join("/");
      const key = names.slice(0, depth).map(folded).join("/");
      if (files.has(key)) return "path_file_and_folder";
      const known = folders.get(key);
      if (known !== undefined && known !== folder) return "path_clash";
      folders.set(key, folder);
    }
    const key = names.map(folded).join("/");
    if (folders.has(key)) return "path_file_and_folder";
    const known = files.get(key);
    if (known !== undefined) return known === path ? "path_duplicate" : "path_clash";
    files.set(key, path);
  }
  return null;
}

/**
 * Return what two names share when a file system that folds case or accents would take them for one: NFD, full case
 * folding, NFD (Unicode Standard, definition D145).
 */
export function folded(name: string): string {
  if (/^\p{ASCII}*$/u.test(name)) return name.toLowerCase();
  return Array.from(name.normalize("NFD"), caseFolded).join("").normalize("NFD");
}

/**
 * Upper and then lower case of a single sign folds it, but for two signs; the whole alphabet of Cherokee folds the
 * other way round, which puts the same names together.
 */
function caseFolded(sign: string): string {
  if (sign === "ı") return sign;
  return sign === "ẞ" ? "ss" : sign.toUpperCase().toLowerCase();
}
