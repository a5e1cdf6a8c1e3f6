/**
 * The SDK on a command line, for tests alone: `serve` for our own (see serve.ts), and the verbs of the tuf-conformance
 * suite (see tuf.ts). Exit status 1 is a refusal, told as one JSON line on standard error.
 */

import { parseArgs } from "node:util";
import { serve, told } from "./serve";
import { init, run as refresh, type TufOptions } from "./tuf";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "metadata-dir": { type: "string", default: "" },
    "metadata-url": { type: "string", default: "" },
    "target-dir": { type: "string", default: "" },
    "target-base-url": { type: "string", default: "" },
    "target-name": { type: "string", multiple: true, default: [] },
  },
});

const options: TufOptions = {
  metadataDir: values["metadata-dir"],
  metadataUrl: values["metadata-url"],
  targetDir: values["target-dir"],
  targetBaseUrl: values["target-base-url"],
  targetNames: values["target-name"],
};

async function run([verb = "", root = ""]: string[]): Promise<void> {
  if (verb === "serve") return serve();
  if (verb === "init") return init(options, root);
  if (verb === "refresh") return refresh({ ...options, targetNames: [] });
  if (verb === "download") return refresh(options);
  throw new Error(`There is no verb ${verb}.`);
}

try {
  await run(positionals);
} catch (problem) {
  console.error(JSON.stringify(told(problem)));
  process.exitCode = 1;
}
