// The stock tuf-js client with a command line, so that tests can run it as a black box.
//
//   node client.mjs --metadata-dir DIR init ROOT.json
//   node client.mjs --metadata-dir DIR --metadata-url URL refresh
//   node client.mjs --metadata-dir DIR --metadata-url URL --target-dir DIR --target-base-url URL
//                   --target-name PATH [--target-name PATH ...] download
//
// `init` trusts a root; `refresh` updates the top-level roles; `download` refreshes, finds each target and stores
// its verified bytes in the target directory (path with "/" as %2F). Exit status 0 is success; 1 is a refusal, told
// as one JSON line `{"error": <class>, "message": ...}` on standard error. Options and verbs are those of the
// client under test of the tuf-conformance suite, so that suite can drive this file too.

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Updater } from "tuf-js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "metadata-dir": { type: "string" },
    "metadata-url": { type: "string" },
    "target-dir": { type: "string" },
    "target-base-url": { type: "string" },
    "target-name": { type: "string", multiple: true },
  },
});

async function run([verb, root]) {
  const metadataDir = values["metadata-dir"];
  if (verb === "init") {
    mkdirSync(metadataDir, { recursive: true });
    copyFileSync(root, join(metadataDir, "root.json"));
    return;
  }
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: values["metadata-url"],
    targetDir: values["target-dir"],
    targetBaseUrl: values["target-base-url"],
    config: { fetchRetry: 0, fetchTimeout: 20000 },
  });
  await updater.refresh();
  if (verb !== "download") return;
  for (const name of values["target-name"]) {
    const info = await updater.getTargetInfo(name);
    if (!info) throw new TargetNotFound(name);
    await updater.downloadTarget(info);
  }
}

class TargetNotFound extends Error {}

try {
  await run(positionals);
} catch (problem) {
  console.error(JSON.stringify({ error: problem.constructor.name, message: String(problem.message) }));
  process.exitCode = 1;
}
