/** The index of a package, and what changed between two of them. Pure. */

export type PackageFile = { path: string; size: number; sha256: string };
export type Permissions = Record<string, readonly string[]>;
export type PackageIndex = { files: PackageFile[]; permissions: Permissions; pages: string[] };

export type FileChange = { path: string; kind: "added" | "removed" | "changed"; before?: number; after?: number };
export type PermissionChange = { area: string; name: string; kind: "added" | "removed" | "same" };
export type Comparison = { files: FileChange[]; sameFiles: number; permissions: PermissionChange[] };

/** Reads the parts that the console shows; whatever is missing is empty. */
export function readIndex(raw: unknown): PackageIndex {
  const found = (raw ?? {}) as Partial<PackageIndex>;
  return { files: found.files ?? [], permissions: found.permissions ?? {}, pages: found.pages ?? [] };
}

/** Returns the differences, files by path and permissions by area; without `before` everything is added. */
export function compare(before: PackageIndex | null, after: PackageIndex): Comparison {
  const old = new Map(before?.files.map((file) => [file.path, file]));
  const now = new Map(after.files.map((file) => [file.path, file]));
  const files: FileChange[] = [];
  let sameFiles = 0;
  for (const file of after.files) {
    const was = old.get(file.path);
    if (was === undefined) files.push({ path: file.path, kind: "added", after: file.size });
    else if (was.sha256 === file.sha256) sameFiles += 1;
    else files.push({ path: file.path, kind: "changed", before: was.size, after: file.size });
  }
  for (const file of before?.files ?? []) {
    if (!now.has(file.path)) files.push({ path: file.path, kind: "removed", before: file.size });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, sameFiles, permissions: comparePermissions(before?.permissions ?? {}, after.permissions) };
}

function comparePermissions(before: Permissions, after: Permissions): PermissionChange[] {
  const areas = [...new Set([...Object.keys(after), ...Object.keys(before)])].sort();
  return areas.flatMap((area) => {
    const old = new Set(before[area] ?? []);
    const now = new Set(after[area] ?? []);
    const names = [...new Set([...now, ...old])].sort();
    return names.map((name) => ({
      area,
      name,
      kind: !old.has(name) ? ("added" as const) : !now.has(name) ? ("removed" as const) : ("same" as const),
    }));
  });
}
