// A second packer, written from docs/protocols/package.md alone, to keep that page honest. It trusts its input.
// Standard input: one JSON object a line, {"folder", "out", "newApp"?: {"app_id", "name"?, "version", "sequence"}}.
import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 as zlibCrc32 } from "node:zlib";

const hex = (algorithm, bytes) => createHash(algorithm).update(bytes).digest("hex");
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const sorted = (texts) => [...new Set(texts)].sort(byBytes);
const canonical = (v) => JSON.stringify(v, (_, x) => x && typeof x === "object" && !Array.isArray(x)
  ? Object.fromEntries(Object.keys(x).sort().map((k) => [k, x[k]])) : x);
const le = (...pairs) => Buffer.concat(pairs.map(([size, n]) => {
  const b = Buffer.alloc(size); b.writeUIntLE(n, 0, size); return b; }));
const table = Array.from({ length: 256 }, (_, n) => { for (let k = 8; k--;) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0; });
const crc32 = zlibCrc32 ?? ((bytes) => { let c = ~0; for (const b of bytes) c = table[(c ^ b) & 255] ^ (c >>> 8); return ~c >>> 0; });

function walk(folder, prefix, files) {
  for (const name of readdirSync(join(folder, prefix))) {
    if ((name.startsWith(".") && name !== ".well-known") || /^(thumbs\.db|desktop\.ini|__macosx)$/i.test(name)) continue;
    const at = join(folder, prefix + name), is = lstatSync(at);
    if (is.isDirectory()) walk(folder, prefix + name + "/", files);
    else if (is.isFile()) files.set(prefix + name, readFileSync(at));
    else throw new Error(`${at} is not a plain file`);
  }
  return files;
}
function complete(files, app) {
  const icon = sorted(files.keys()).find((path) => /^(favicon|icon|logo)[^/]*\.(svg|png|ico)$/.test(path));
  const manifest = { app_id: app.app_id, name: app.name ?? app.app_id, icons: icon ? [{ src: icon }] : [], pages: ["index"],
    version: { code: app.sequence, name: app.version }, platform_version: { min_code: 1 } };
  files.set("manifest.json", Buffer.from(canonical(manifest)));
  for (const name of ["app.js", "app.css"]) if (!files.has(name)) files.set(name, Buffer.alloc(0));
}
for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const { folder, out, newApp } = JSON.parse(line), files = walk(folder, "", new Map());
  if (!files.has("manifest.json")) complete(files, newApp);
  const m = JSON.parse(files.get("manifest.json")), x = m["x-sampan"] ?? {}, parts = [], directory = [], entries = [];
  let position = 0;
  for (const path of sorted(files.keys())) {
    const name = Buffer.from(path), bytes = files.get(path), size = bytes.length;
    const shared = [[2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x0021], [4, crc32(bytes)], [4, size], [4, size], [2, name.length], [2, 0]];
    directory.push(le([4, 0x02014b50], [2, 0x0314], ...shared, [2, 0], [2, 0], [2, 0], [4, 0x81a40000], [4, position]), name);
    const offset = position + 30 + name.length;
    parts.push(le([4, 0x04034b50], ...shared), name, bytes);
    position = offset + size;
    entries.push({ path, size, offset, sha256: hex("sha256", bytes), sm3: hex("sm3", bytes) });
  }
  const tail = Buffer.concat(directory), count = entries.length;
  const archive = Buffer.concat([...parts, tail, le([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, tail.length], [4, position], [2, 0])]);
  const asked = Array.isArray(m.req_permissions) ? m.req_permissions : [];
  const index = canonical({ format: "sampan-package/1", app: m.app_id, kind: x.kind ?? "miniapp", version: m.version.name,
    sequence: Math.max(1, m.version.code), min_host: m.platform_version.min_code,
    permissions: { bridge: sorted(asked.map((i) => i?.name).filter((n) => typeof n === "string" && n)), network: sorted(x.network ?? []), webview: sorted(x.webview ?? []) },
    dependencies: [...(x.dependencies ?? [])].sort((a, b) => byBytes(a.id, b.id)),
    sub_packages: (x.sub_packages ?? []).map((p) => ({ name: p.name, root: p.root, independent: p.independent ?? false })).sort((a, b) => byBytes(a.name, b.name)),
    pages: (m.pages ?? []).map((p) => p.replace(/\.html$/, "")), redirects: sorted(Object.keys(x.redirects ?? {})).map((from) => ({ from, to: x.redirects[from] })),
    archive: { size: archive.length, sha256: hex("sha256", archive) }, files: entries });
  writeFileSync(join(out, `${m.app_id}-${m.version.name}.ma`), archive);
  writeFileSync(join(out, `${m.app_id}-${m.version.name}.index.json`), index);
}
