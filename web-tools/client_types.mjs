// Writes the types of @sampan/sdk/client as one file, which `sampan new` puts into mini-apps: they have no registry to get it from.
// `node web-tools/client_types.mjs FILE`
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const SOURCES = join(ROOT, "miniapps/sdk/src");
/** What an app can name. */
const NAMES = new Set([
  ...["Sampan", "SampanError", "BridgeResponse", "BridgeCode", "BridgeEvents", "EventName", "FetchInit"],
  ...["Outcome", "Payment", "Position", "Signing", "Theme"],
]);
const HEAD = `// Types of the bridge, made from @sampan/sdk/client. Every method is described in docs/protocols/bridge.md.
// Use them with \`import type { Sampan } from "@sampan/sdk/client"\`; the object itself is window.sampan.
`;
const WINDOW = `
interface Window {
  /** The bridge; absent outside the container. */
  readonly sampan?: import("@sampan/sdk/client").Sampan;
}
`;

const out = mkdtempSync(join(tmpdir(), "sampan-types-"));
try {
  const config = {
    extends: join(ROOT, "tsconfig.base.json"),
    compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: out, rootDir: SOURCES },
    files: [join(SOURCES, "client.ts")],
  };
  writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config));
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", join(out, "tsconfig.json")]);
  const blocks = ["bridge/protocol.d.ts", "bridge/api.d.ts", "client.d.ts"].flatMap((file) =>
    blocksOf(readFileSync(join(out, file), "utf8")),
  );
  const body = blocks.map((block) => block.replace(/^/gm, "  ").replace(/ {4}/g, "  ")).join("\n");
  writeFileSync(process.argv[2], `${HEAD}declare module "@sampan/sdk/client" {\n${body}\n}\n${WINDOW}`);
} finally {
  rmSync(out, { recursive: true });
}

/** The declarations of a file that an app can name, each with its comment. */
function blocksOf(text) {
  const declared =
    /(?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:interface|type) (\w+)[\s\S]*?(?=^\/\*\*|^export |^declare |(?![\s\S]))/gm;
  return [...text.matchAll(declared)]
    .filter(([, name]) => NAMES.has(name))
    .map(([block]) => block.replaceAll('import("./bridge/protocol").', "").trimEnd());
}
