/** Builds the files of an app's origin: each one classic script, the worker with boot page and runtime inside it. */

import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.env.SAMPAN_ORIGIN_OUT ?? join(here, "../src/sampan/miniapps/web/origin");

async function bundle(name, define = {}) {
  const [made] = [
    await build({
      root: here,
      configFile: false,
      logLevel: "warn",
      define,
      build: {
        write: false,
        target: "es2022",
        minify: true,
        lib: { entry: join(here, `src/origin/${name}.ts`), formats: ["iife"], name: "sampan_origin" },
      },
    }),
  ].flat();
  return made.output[0].code.trim();
}

const runtime = await bundle("runtime");

async function withBoot(isPreview) {
  const boot = await bundle("boot", { __IS_PREVIEW__: JSON.stringify(isPreview) });
  if (/<\/script|<!--/i.test(boot)) throw new Error("The boot script cannot stand inside a page.");
  const worker = await bundle("worker", {
    __IS_PREVIEW__: JSON.stringify(isPreview),
    __BOOT_HASH__: JSON.stringify(createHash("sha256").update(boot).digest("base64")),
    __BOOT_SCRIPT__: JSON.stringify(boot),
    __RUNTIME_SCRIPT__: JSON.stringify(runtime),
  });
  return { boot, worker };
}

const live = await withBoot(false);
const preview = await withBoot(true);
const page =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>sampan</title>' +
  '<script src="/__boot.js" defer></script></head><body></body></html>';

await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
for (const [name, text] of Object.entries({
  "boot.html": page,
  "boot.js": live.boot,
  "runtime.js": runtime,
  "worker.js": live.worker,
  "preview_boot.js": preview.boot,
  "preview_worker.js": preview.worker,
})) {
  await writeFile(join(output, name), text);
  console.log(`${name} ${text.length}`);
}
